import { describe, expect, it } from 'vitest';
import { GROUPS, LINEARS, names } from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import { compressCheckpoint, type CompressedModel, type LayerCache } from '../compress/compress';
import { compressGroup, type GroupJob } from '../compress/group';
import type { MadeLayer } from '../compress/layer';
import { calibrationLevel, parseRecipe } from '../compress/recipe';
import type { LayerStatistics, Collected } from '../compress/statistics';
import type { Matrix } from '../matrix/matrix';
import { nodeMatrix } from '../matrix/testing';
import { dequantize } from '../tensor/stored';
import { calibrateBehind } from './behind';
import { calibrate, memoryLayers, memoryStore, type OpenPortions, type StatisticsStore } from './calibrate';
import { dealLanes, embedSequences, openPortion } from './forward';
import { families, fixture, open } from './testing';

const m = await nodeMatrix();
const matrices = await Promise.all(Array.from({ length: 3 }, () => nodeMatrix()));

const portionsOf =
  (checkpoint: Checkpoint, threads: number): OpenPortions =>
  (lanes, level) =>
    Promise.resolve(
      dealLanes(lanes, threads).map((own, i) => openPortion(matrices[i] as Matrix, checkpoint, own, level)),
    );

interface Kept {
  statistics: StatisticsStore;
  layers: LayerCache;
}
const keeping = (): Kept => ({ statistics: memoryStore(), layers: memoryLayers() });

/** A recipe with `seq` on a tiny model: its layers, what each was made from, and how often anything was computed. */
async function madeBehind(
  checkpoint: Checkpoint,
  family: string,
  text: string,
  o: { threads?: number; kept?: Kept; signal?: AbortSignal; sequences?: number[][] } = {},
) {
  const recipe = parseRecipe(text);
  const { threads = 1, kept = keeping() } = o;
  const jobs: GroupJob[] = [];
  const progress: number[] = [];
  const phases: string[] = [];
  let opened = 0;
  const behind = await calibrateBehind(checkpoint, o.sequences ?? fixture[family]?.ids ?? [], {
    level: calibrationLevel(recipe) as Collected,
    checkpointHash: family,
    made: text,
    store: kept.statistics,
    openPortions: (lanes, level) => (opened++, portionsOf(checkpoint, threads)(lanes, level)),
    inPhase: (phase, work) => (phases.push(phase), work()),
    onProgress: (done) => void progress.push(done),
    signal: o.signal,
  });
  const model = await compressCheckpoint(checkpoint, recipe, {
    statistics: behind.statistics,
    cache: kept.layers,
    solver: { run: (job) => (jobs.push(structuredClone(job)), Promise.resolve(compressGroup(m, job))) },
    signal: o.signal,
  });
  await behind.makeAll(model, kept.layers);
  const layers: MadeLayer[] = [];
  for (let i = 0; i < model.config.layers; i++) layers.push(await model.make(i));
  return { model, layers, tensors: layers.map((l) => l.tensors), jobs, progress, phases, opened };
}

/** The checkpoint with one layer as it was made: other weights under the same names. */
async function withLayer(checkpoint: Checkpoint, model: CompressedModel, layer: number): Promise<Checkpoint> {
  const { tensors } = await model.make(layer);
  const made = new Map<string, Float32Array<ArrayBuffer>>();
  for (const l of LINEARS) made.set(names.linear(layer, l), Float32Array.from(dequantize(tensors[l])));
  for (const name of [names.inputNorm(layer), names.postNorm(layer)])
    made.set(name, Float32Array.from(await model.vector(name)));
  return { ...checkpoint, read: async (name) => made.get(name) ?? (await checkpoint.read(name)) };
}

/** What a layer of a model reads, by the pass that calibrates for all recipes; a portion a sequence, so that sums add up alike. */
async function seen(checkpoint: Checkpoint, family: string, layer: number): Promise<LayerStatistics> {
  const statistics = await calibrate(checkpoint, fixture[family]?.ids ?? [], {
    level: 'gram',
    checkpointHash: null,
    store: memoryStore(),
    openPortions: portionsOf(checkpoint, 3),
  });
  return statistics.layer(layer);
}

const inputsOf = (jobs: readonly GroupJob[], layer: number) =>
  Object.fromEntries(GROUPS.map((g, i) => [g, jobs[layer * GROUPS.length + i]?.statistics]));

describe('calibration behind compressed layers', () => {
  it.each(
    families.flatMap((f) => ['int8.gptq', 'int4.gptq', 'fp32+sparsegpt2:4', 'fp16+sparsegpt50'].map((r) => [f, r])),
  )(
    '%s, %s: a layer reads, bit for bit, what it reads in the model whose first layer is the compressed one',
    async (family, recipe) => {
      const checkpoint = await open(family);
      const { model, jobs, tensors } = await madeBehind(checkpoint, family, `${recipe}+seq`);
      expect(inputsOf(jobs, 0)).toEqual((await seen(checkpoint, family, 0)).inputs);
      const second = inputsOf(jobs, 1);
      expect(second).toEqual((await seen(await withLayer(checkpoint, model, 0), family, 1)).inputs);
      const dense = await seen(checkpoint, family, 1);
      expect(second).not.toEqual(dense.inputs);
      // The first layer is what it is without `seq`, the second is another.
      const plain = await compressCheckpoint(checkpoint, parseRecipe(recipe), {
        statistics: { hash: '', tokens: 60, cosines: [], layer: (layer) => seen(checkpoint, family, layer) },
        solver: { run: (job) => Promise.resolve(compressGroup(m, job)) },
      });
      expect(tensors[0]).toEqual(await plain.layer(0));
      expect(tensors[1]).not.toEqual(await plain.layer(1));
    },
  );

  it.each(['int4.gptq+seq', 'int8.gptq+neurons17+kvgroups50+smooth+seq'])(
    '%s gives the same bits on any number of threads',
    async (recipe) => {
      const checkpoint = await open('qwen3');
      // More sequences than lanes, of two lengths.
      const [a, b, c] = fixture['qwen3']?.ids as [number[], number[], number[]];
      const sequences = [a, b, c, b.slice(4), a.slice(8), c, b, a, c.slice(12), a, b];
      const [one, two, three] = [1, 2, 3].map((threads) =>
        madeBehind(checkpoint, 'qwen3', recipe, { threads, sequences }),
      );
      const { tensors } = (await one) as Awaited<typeof one> & object;
      expect((await two)?.tensors).toEqual(tensors);
      expect((await three)?.tensors).toEqual(tensors);
    },
  );

  it.each(['int8+neurons17+kvgroups50+smooth+seq', 'fp32+ffn17+wanda50+seq'])(
    '%s: a smaller layer is passed as it is',
    async (recipe) => {
      const checkpoint = await open('qwen3');
      const { model, jobs } = await madeBehind(checkpoint, 'qwen3', recipe);
      const smaller = await withLayer(checkpoint, model, 0);
      const config = { ...model.config, intermediateSize: model.ffnSizes[0] as number };
      const states = await embedSequences(checkpoint, fixture['qwen3']?.ids ?? []);
      await openPortion(m, { ...smaller, config }, [states], 'squares').next();
      const { inputs } = await openPortion(m, checkpoint, [states], 'squares').look(1, 0);
      // The first group's input is whole whatever was removed; smoothing divides it.
      const squares = jobs[GROUPS.length]?.statistics?.squares as Float64Array;
      const norm = await model.vector(names.inputNorm(1));
      const was = await checkpoint.read(names.inputNorm(1));
      for (const [i, x] of inputs.attention.squares.entries()) {
        const divided = x * ((norm[i] as number) / (was[i] as number)) ** 2;
        expect(Math.abs((squares[i] as number) - divided)).toBeLessThan(1e-5 * divided);
      }
    },
  );

  it('a layer whose size kernels do not take is refused, not passed', async () => {
    const checkpoint = await open('llama');
    await expect(madeBehind(checkpoint, 'llama', 'int8+neurons25+seq')).rejects.toThrow(/multiples of 4/);
  });

  it('kept layers are found again, without a pass', async () => {
    const checkpoint = await open('llama');
    const kept = keeping();
    const first = await madeBehind(checkpoint, 'llama', 'int8.gptq+smooth+seq', { kept });
    expect(first.opened).toBe(1);
    expect(first.progress).toEqual([1, 2]);
    expect(first.phases.join(' ')).toBe('calibrate calibrate compress calibrate calibrate compress');
    const again = await madeBehind(checkpoint, 'llama', 'int8.gptq+smooth+seq', { kept });
    expect(again).toMatchObject({ opened: 0, jobs: [], progress: [2], phases: [] });
    expect(again.layers).toEqual(first.layers);
    for (const name of [0, 1].flatMap((l) => [names.inputNorm(l), names.postNorm(l)]))
      expect(await again.model.vector(name)).toEqual(await first.model.vector(name));
    // x^T x is not kept: only its own layer reads it.
    expect(
      (await madeBehind(checkpoint, 'llama', 'int4.gptq+smooth+seq', { kept: { ...kept, layers: memoryLayers() } }))
        .opened,
    ).toBe(1);
  });

  it('stops between layers, and goes on there with the same bits', async () => {
    const checkpoint = await open('qwen2');
    const whole = await madeBehind(checkpoint, 'qwen2', 'int4.gptq+seq');
    const kept = keeping();
    const stop = new AbortController();
    const layers: LayerCache = {
      ...kept.layers,
      write: async (layer, made) => {
        await kept.layers.write(layer, made);
        stop.abort();
      },
    };
    await expect(
      madeBehind(checkpoint, 'qwen2', 'int4.gptq+seq', { kept: { ...kept, layers }, signal: stop.signal }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    const rest = await madeBehind(checkpoint, 'qwen2', 'int4.gptq+seq', { kept, threads: 2 });
    expect(rest.jobs).toHaveLength(GROUPS.length);
    expect(rest.progress).toEqual([1, 2]);
    expect(rest.layers.map((l) => l.tensors)).toEqual(whole.tensors);
  });
});

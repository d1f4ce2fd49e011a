import { describe, expect, it } from 'vitest';
import { LINEARS, names, type LinearName } from '../checkpoint/block';
import type { Target } from '../compress/budget';
import { compressCheckpoint } from '../compress/compress';
import type { MadeLayer } from '../compress/layer';
import { compressGroup } from '../compress/group';
import { dequantize, is2of4, storedBytes } from '../tensor/stored';
import { formatLinear, parseRecipe } from '../compress/recipe';
import type { Collected } from '../compress/statistics';
import type { Matrix } from '../matrix/matrix';
import { nodeMatrix } from '../matrix/testing';
import { calibrate, memoryStore, type StatisticsStore } from './calibrate';
import { dealLanes, embedSequences, openPortion } from './forward';
import { fillSequences } from './prompts';
import { families, fixture, open, type Opened } from './testing';

const m = await nodeMatrix();

/** Hidden states behind all layers of `of`. */
async function finalStates(of: Opened, family: string): Promise<number[]> {
  const states = await embedSequences(of, fixture[family]?.ids ?? []);
  const portion = openPortion(m, of, [states], 'squares');
  for (let layer = 0; layer < of.config.layers; layer++) await portion.next();
  return states.flatMap((s) => [...s]);
}

const rms = (xs: readonly number[]) => Math.sqrt(xs.reduce((s, x) => s + x * x, 0) / xs.length);

async function statisticsOf(
  family: string,
  portions = 1,
  level: Collected = 'gram',
  store: StatisticsStore = memoryStore(),
  changed: (checkpoint: Opened) => Opened = (c) => c,
) {
  const checkpoint = changed(await open(family));
  const own = await Promise.all(Array.from({ length: portions }, () => nodeMatrix()));
  let opened = 0;
  const statistics = await calibrate(checkpoint, fixture[family]?.ids ?? [], {
    level,
    checkpointHash: family,
    store,
    openPortions: (lanes, l) => {
      opened++;
      return Promise.resolve(
        dealLanes(lanes, portions).map((dealt, i) => openPortion(own[i] as Matrix, checkpoint, dealt, l)),
      );
    },
  });
  return { checkpoint, statistics, opened };
}

describe('calibration', () => {
  it.each(families.flatMap((f) => [1, 2].map((n) => [f, n] as const)))(
    '%s in %d portions sees what PyTorch sees',
    async (family, portions) => {
      const f = fixture[family] as (typeof fixture)[string];
      const { statistics } = await statisticsOf(family, portions);
      for (let layer = 0; layer < 2; layer++) {
        const s = await statistics.layer(layer);
        expect(s.tokens).toBe(60);
        expect(Math.abs((statistics.cosines[layer] as number) - (f.cosines[layer] as number) / 60)).toBeLessThan(1e-5);
        for (const [group, part, linear] of [
          ['attention', 'self_attn', 'q_proj'],
          ['output', 'self_attn', 'o_proj'],
          ['ffn', 'mlp', 'gate_proj'],
          ['down', 'mlp', 'down_proj'],
        ] as const) {
          const expected = new Float32Array(
            new Uint8Array(Buffer.from(f.grams[`model.layers.${layer}.${part}.${linear}`] ?? '', 'base64')).buffer,
          );
          const { gram, squares, size: n } = s.inputs[group];
          const at = (i: number) => i * n - (i * (i - 1)) / 2;
          for (let i = 0; i < n; i++) {
            const own = expected[at(i)] as number;
            expect(Math.abs((squares[i] as number) - own)).toBeLessThan(1e-5 * own);
            for (let j = i; j < n; j++) {
              const scale = Math.sqrt(own * (expected[at(j)] as number));
              const got = gram?.[at(i) + j - i] as number;
              expect(Math.abs(got - (expected[at(i) + j - i] as number))).toBeLessThan(1e-5 * scale);
            }
          }
        }
        for (const [name, expected] of Object.entries(f.outputSquares)) {
          const [, index, linear] = /layers\.(\d)\..*\.(\w+)$/.exec(name) as unknown as [string, string, LinearName];
          if (Number(index) === layer)
            expect(Math.abs(s.outputSquares[linear] - expected)).toBeLessThan(2e-5 * expected);
        }
      }
    },
  );

  it('is made once; x^T x serves what needs squares only', async () => {
    const store = memoryStore();
    expect((await statisticsOf('llama', 1, 'gram', store)).opened).toBe(1);
    expect((await statisticsOf('llama', 1, 'gram', store)).opened).toBe(0);
    expect((await statisticsOf('llama', 1, 'squares', store)).opened).toBe(0);
  });

  it.each(['fp32+neurons25+sparsegpt2:4', 'int4.gptq', 'fp32+wanda50', 'auto@0.1MB'])(
    '%s compresses every layer, and resumes from finished ones',
    async (text) => {
      const { checkpoint, statistics } = await statisticsOf('qwen3');
      const kept = new Map<number, unknown>();
      let solved = 0;
      const options = {
        statistics,
        solver: {
          run: (job: Parameters<typeof compressGroup>[1]) => (solved++, Promise.resolve(compressGroup(m, job))),
        },
        cache: {
          read: (layer: number) => Promise.resolve((kept.get(layer) ?? null) as never),
          write: (layer: number, made: unknown) => Promise.resolve(void kept.set(layer, made)),
        },
      };
      const model = await compressCheckpoint(checkpoint, parseRecipe(text), options);
      for (let layer = 0; layer < 2; layer++) await model.layer(layer);
      expect(model.reports()).toHaveLength(14);
      for (const r of model.reports()) expect(r.error === null || (r.error >= 0 && r.error < 1)).toBe(true);
      const before = solved;
      const again = await compressCheckpoint(checkpoint, parseRecipe(text), options);
      const first = await again.layer(0);
      expect(first).toEqual(await model.layer(0));
      if (!text.startsWith('auto')) expect(solved).toBe(before);
    },
  );

  it.each(families)('smoothing leaves what %s computes as it was', async (family) => {
    const { checkpoint, statistics } = await statisticsOf(family);
    const model = await compressCheckpoint(checkpoint, parseRecipe('fp32+smooth'), { statistics });
    const made = new Map<string, Float32Array<ArrayBuffer>>();
    for (let layer = 0; layer < 2; layer++) {
      const tensors = await model.layer(layer);
      for (const linear of LINEARS)
        made.set(names.linear(layer, linear), Float32Array.from(dequantize(tensors[linear])));
      for (const name of [names.inputNorm(layer), names.postNorm(layer)])
        made.set(name, Float32Array.from(await model.vector(name)));
    }
    const smoothed = { ...checkpoint, read: async (name: string) => made.get(name) ?? (await checkpoint.read(name)) };
    const [before, after] = [await finalStates(checkpoint, family), await finalStates(smoothed, family)];
    const size = rms(before);
    for (const [i, x] of before.entries()) expect(Math.abs((after[i] as number) - x)).toBeLessThan(1e-5 * size);
    // Something moved, and the layers' errors are still those of rounding alone.
    expect(made.get(names.inputNorm(0))).not.toEqual(await checkpoint.read(names.inputNorm(0)));
    for (const r of model.reports()) expect(r.error ?? 0).toBeLessThan(1e-9);
  });

  it('smoothed norms are the same where a layer comes from the cache', async () => {
    const { checkpoint, statistics } = await statisticsOf('llama');
    const layers = new Map<number, MadeLayer>();
    const cache = {
      read: (layer: number) => Promise.resolve(layers.get(layer) ?? null),
      write: (layer: number, made: MadeLayer) => Promise.resolve(void layers.set(layer, made)),
    };
    const norms = async () => {
      const model = await compressCheckpoint(checkpoint, parseRecipe('int8+neurons25+smooth'), { statistics, cache });
      for (let layer = 0; layer < 2; layer++) await model.layer(layer);
      return Promise.all([0, 1].flatMap((l) => [model.vector(names.inputNorm(l)), model.vector(names.postNorm(l))]));
    };
    const first = await norms();
    expect(layers.size).toBe(2);
    expect(await norms()).toEqual(first);
  });

  it('a key-value group that adds nothing is the one that goes, and what is computed stays', async () => {
    // In layer 0 the first group is dead, in layer 1 the second: 2 heads of 8 features each.
    const kill = (checkpoint: Opened): Opened => ({
      ...checkpoint,
      read: async (name) => {
        const data = await checkpoint.read(name);
        const layer = [0, 1].find((l) => names.linear(l, 'o_proj') === name);
        return layer === undefined ? data : data.map((v, i) => (Math.floor((i % 32) / 16) === layer ? 0 : v));
      },
    });
    const { checkpoint, statistics } = await statisticsOf('qwen3', 1, 'gram', memoryStore(), kill);
    const model = await compressCheckpoint(checkpoint, parseRecipe('fp32+kvgroups50'), { statistics });
    expect(model.config).toMatchObject({ heads: 2, kvHeads: 1, headDim: 8 });
    const made = new Map<string, Float32Array<ArrayBuffer>>();
    for (let layer = 0; layer < 2; layer++) {
      const tensors = await model.layer(layer);
      for (const l of LINEARS) made.set(names.linear(layer, l), Float32Array.from(dequantize(tensors[l])));
      expect([tensors.q_proj.rows, tensors.k_proj.rows, tensors.o_proj.columns]).toEqual([16, 8, 16]);
    }
    expect(model.counted().removedGroups).toBe(2);
    const smaller = {
      ...checkpoint,
      config: model.config,
      read: async (name: string) => made.get(name) ?? (await checkpoint.read(name)),
    };
    const [before, after] = [await finalStates(checkpoint, 'qwen3'), await finalStates(smaller, 'qwen3')];
    const size = rms(before);
    for (const [i, x] of before.entries()) expect(Math.abs((after[i] as number) - x)).toBeLessThan(1e-5 * size);
    await expect(compressCheckpoint(checkpoint, parseRecipe('fp32+kvgroups20'), { statistics })).rejects.toThrow(
      /removes no key-value group of 2/,
    );
  });

  it('biases lose the groups that their layer lost', async () => {
    const { checkpoint, statistics } = await statisticsOf('qwen3');
    const biased = {
      ...checkpoint,
      read: (name: string) =>
        name.endsWith('bias')
          ? Promise.resolve(Float32Array.from({ length: name.includes('q_proj') ? 32 : 16 }, (_, i) => i))
          : checkpoint.read(name),
    };
    const model = await compressCheckpoint(biased, parseRecipe('int8+kvgroups50'), { statistics });
    const [q, k] = await Promise.all(
      (['q_proj', 'k_proj'] as const).map((l) => model.vector(names.linear(0, l, 'bias'))),
    );
    const first = q?.[0] as number;
    expect([...(q ?? [])]).toEqual(Array.from({ length: 16 }, (_, i) => first + i));
    expect([...(k ?? [])]).toEqual(Array.from({ length: 8 }, (_, i) => first / 2 + i));
  });

  describe('budgets', () => {
    const solver = { run: (job: Parameters<typeof compressGroup>[1]) => Promise.resolve(compressGroup(m, job)) };
    const range = (mid: number) => ({ low: mid / 2, mid, high: 2 * mid });
    /** An engine that packs what is stored, and skips 2:4. */
    const target = (joulesPerByte: number, joulesPerOperation: number): Target => ({
      engine: 'cpu',
      sparse: true,
      footprint: (t) => ({ title: '', bytes: storedBytes(t), density: is2of4(t) ? 0.5 : 1 }),
      rates: { perByte: range(joulesPerByte), perOperation: range(joulesPerOperation) },
    });
    const planned = async (recipe: string, on: Target | null) => {
      const { checkpoint, statistics } = await statisticsOf('llama');
      const model = await compressCheckpoint(checkpoint, parseRecipe(recipe), { statistics, solver, target: on });
      return Array.from({ length: 2 }, (_, layer) => LINEARS.map((l) => formatLinear(model.recipeOf(layer, l)))).flat();
    };
    const least = async (on: Target) => {
      const refusal: unknown = await planned('auto@0.001J', on).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'recipe.impossible' });
      return /the least for this model is (auto@\S+J)\./.exec((refusal as Error).message)?.[1] as string;
    };

    it('joules are spent on what a ticket moves and computes; 2:4 is chosen where operations cost', async () => {
      const computing = target(1e-12, 1e-5);
      const cheapest = await planned(await least(computing), computing);
      expect(new Set(cheapest)).toEqual(new Set(['int8+sparsegpt2:4']));
      const moving = target(1e-5, 1e-15);
      expect(new Set(await planned(await least(moving), moving))).toEqual(new Set(['int4.gptq']));
      expect(new Set(await planned('auto@999J', moving))).toEqual(new Set(['int8']));
    });

    it('a millijoule below the least is refused, and joules need an engine', async () => {
      const on = target(1e-6, 1e-7);
      const enough = Number(/[\d.]+/.exec(await least(on))?.[0]);
      await expect(planned(`auto@${enough}J`, on)).resolves.toHaveLength(14);
      await expect(planned(`auto@${(enough - 0.001).toFixed(3)}J`, on)).rejects.toThrow(/the least for this model/);
      await expect(planned('auto@1J', null)).rejects.toThrow(/Choose the engine "cpu" or "ort-gpu"/);
    });

    it('bytes mix 8 and 4 bits, and no 2:4 where the engine has none', async () => {
      expect(new Set(await planned('auto@0.1MB', null))).toEqual(new Set(['int8']));
    });
  });

  it('a recipe without text is refused with a sentence', async () => {
    const { checkpoint } = await statisticsOf('llama');
    await expect(compressCheckpoint(checkpoint, parseRecipe('int4.gptq'))).rejects.toThrow(/needs calibration text/);
  });

  it('prompts are packed, cut to equal length, and too little text is refused', () => {
    const encode = (t: string) => [...t].map((c) => c.charCodeAt(0));
    const size = { sequences: 2, length: 64 };
    expect(fillSequences(['a'.repeat(100), 'b'.repeat(100)], encode, 0, size).map((s) => s.length)).toEqual([64, 64]);
    expect(fillSequences(['a'.repeat(70)], encode, 0, size).map((s) => s.length)).toEqual([64]);
    expect(fillSequences(['a'.repeat(67), 'b'.repeat(67)], encode, 7, size)[1]?.[3]).toBe(7);
    expect(() => fillSequences(['short'], encode, 0, size)).toThrow(/5 tokens; at least 64/);
  });
});

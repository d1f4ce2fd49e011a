import { describe, expect, it } from 'vitest';
import { openCheckpoint, withAdapter } from '../checkpoint/checkpoint';
import { fileSet } from '../checkpoint/testing';
import { Pause } from '../core/pause';
import { generateDataset } from '../data/generator';
import { TASK_TABLE } from '../data/tasks';
import { createMeter } from '../meter/meter';
import { graphsInNode } from '../step/testing';
import { LORA } from '../tune/lora';
import { oneThread } from '../tune/testing';
import { compressVariant, parseRecipe } from '../variant/compress';
import { packVariant } from '../variant/panels';
import { checkTuned, mergedOrBeside, mergedWith, type AdapterStore } from '../variant/tuned';
import type { TrainEvent } from './training';
import { tunedVariant, tuningOf, type TunedHost } from './tuned';
import { memoryStore, tinyFiles } from './testing';

const tiny = () => fileSet(tinyFiles(4));

const { tickets, causes, split } = await generateDataset({ count: 60, seed: 5 });
/** Another operator's words, which the built-in model has not seen. */
const of = (part: string) =>
  tickets
    .filter((_, i) => split[i] === part)
    .map((ticket) => ({ ...ticket, response: `NOC note, level two: ${ticket.response}` }));
const given = { tasks: [TASK_TABLE.response], train: of('train'), validation: of('validation').slice(0, 4), causes };

function host(keeping: AdapterStore | null = null) {
  const events: TrainEvent[] = [];
  const own: TunedHost = {
    files: tiny(),
    meter: createMeter({ clock: () => performance.now(), fence: () => undefined, sources: [] }),
    rates: () => ({ joulesPerByte: 1, joulesPerFlop: 1 }) as never,
    threads: 1,
    memoryGiB: null,
    openThreads: async (frozen, lora, arithmetic) => ({
      ...(await oneThread(frozen, lora, arithmetic)),
      end: () => undefined,
    }),
    graphsOf: (name) => {
      if (name !== 'ort-cpu') throw new Error(`${name} is not in Node.`);
      return graphsInNode;
    },
    keeping,
    emit: (event) => void events.push(event),
    signal: new AbortController().signal,
  };
  return { own, events };
}

const request = { recipe: 'int8+lora4.2steps', seed: 3 };

describe('a variant that names an adapter', () => {
  it('is trained once: a second opening reads what the first left, and says so', async () => {
    const store = memoryStore();
    const first = await tunedVariant(request, given, host(store).own);
    expect(first.record).toMatchObject({ rank: 4, steps: 2, seen: 16, earlier: false, examples: given.train.length });
    expect(first.record.loss?.after).toBeLessThanOrEqual(first.record.loss?.before ?? 0);
    const { own, events } = host(store);
    const second = await tunedVariant(request, given, own);
    expect(events).toEqual([]);
    expect(second.record).toEqual({ ...first.record, earlier: true });
    expect(second.hash).toBe(first.hash);
    expect(store.kept.size).toBe(1);
  });

  it('is trained by the engine that its recipe names, which the record tells and the name keeps apart', async () => {
    const store = memoryStore();
    const of = (recipe: string) => tunedVariant({ ...request, recipe }, given, host(store).own);
    const own = await of('fp32+lora4.2steps');
    const graph = await of('fp32+lora4.2steps.ort-cpu');
    expect(own.record.engine).toBeUndefined();
    expect(graph.record).toMatchObject({ engine: 'ort-cpu', arithmetic: 'fp32', steps: 2 });
    expect(store.kept.size).toBe(2);
    const [a, b] = [own, graph].map(({ record }) => record.loss?.after ?? NaN) as [number, number];
    expect(Math.abs(a - b) / a).toBeLessThan(1e-3);
    expect((await of('fp32+lora4.2steps.ort-cpu')).record).toEqual({ ...graph.record, earlier: true });
  });

  it('is trained anew where tickets, steps, seed or weights differ, but not for the cache of keys and values', async () => {
    const store = memoryStore();
    const train = async (more: Partial<typeof request>, tickets = given) =>
      tunedVariant({ ...request, ...more }, tickets, host(store).own);
    await train({});
    await train({ recipe: 'int8+kv8+lora4.2steps' });
    expect(store.kept.size).toBe(1);
    await train({ seed: 4 });
    await train({ recipe: 'int8+lora4.3steps' });
    await train({ recipe: 'int4+lora4.2steps' });
    await train({}, { ...given, train: given.train.slice(1) });
    expect(store.kept.size).toBe(5);
  });

  it.each(['int8+ffn50', 'fp32+layers50', 'int4+2:4'])(
    'stands beside the weights of %s in our own kernels',
    async (over) => {
      const recipe = `${over}+lora4.2steps`;
      const tuned = await tunedVariant({ recipe, seed: 1 }, given, host().own);
      const { model } = await packVariant(await openCheckpoint(tiny()), parseRecipe(recipe), null, {
        inPhase: (_, work) => work(),
        tuned,
      });
      expect(model.adapters).toBe(tuned.adapter.count);
      expect(model.adapters).toBeGreaterThan(0);
    },
  );

  it('is refused where nobody trained it, and where an engine would round what was trained', async () => {
    const checkpoint = await openCheckpoint(tiny());
    await expect(
      compressVariant(checkpoint, parseRecipe('int8+lora8'), { inPhase: (_, work) => work() }),
    ).rejects.toThrow(/trained on a plan's tickets first/);
    const tuned = await tunedVariant({ recipe: 'fp32+lora4.4steps', seed: 1 }, given, host().own);
    expect(() => mergedWith(checkpoint, parseRecipe('int8+lora4'), tuned)).toThrow(/Choose the engine "cpu"/);
    expect(() => mergedWith(checkpoint, parseRecipe('fp32+2:4+lora4'), tuned)).toThrow(/Choose the engine "cpu"/);
    // Before anything is trained, not after.
    expect(() => checkTuned('wgsl', 'int8+lora4')).toThrow(/Choose the engine "cpu" or "ort-gpu" or "ort-cpu"/);
    expect(() => checkTuned('wgsl', 'fp16+2:4+lora4')).toThrow(/Choose the engine "cpu"/);
    expect(() => checkTuned('ort-cpu', 'int8+lora4.ort-gpu')).toThrow(/Choose the engine "cpu" or "ort-gpu"/);
    for (const [engine, variant] of [
      ['cpu', 'int4+2:4+lora4'],
      ['ort-cpu', 'int8+lora4'],
      ['ort-gpu', 'fp16+2:4+lora4'],
      ['ort-gpu', 'fp16+lora4'],
      ['ort-gpu', 'int8+lora4.ort-gpu'],
      ['cpu', 'int8+lora4.ort-gpu'],
      ['wgsl', 'int8'],
    ] as const)
      expect(() => checkTuned(engine, variant)).not.toThrow();
    const merged = mergedWith(checkpoint, parseRecipe('fp32+lora4'), tuned);
    expect(merged.recipe.tuning).toBeNull();
    const name = 'model.layers.0.self_attn.q_proj.weight';
    const [before, after] = [await checkpoint.read(name), await merged.checkpoint.read(name)];
    expect(after).not.toEqual(before);
    // A graph merges what stays as it was trained, and keeps the rest beside its weights.
    expect(mergedOrBeside(checkpoint, parseRecipe('fp16+lora4'), tuned).adapter).toBeNull();
    for (const recipe of ['int8+lora4', 'fp16+2:4+lora4']) {
      const beside = mergedOrBeside(checkpoint, parseRecipe(recipe), tuned);
      expect(beside).toMatchObject({ checkpoint, adapter: tuned.adapter, recipe: { tuning: null } });
    }
    // One that a person gives stays beside rounded weights too, but is merged before calibration.
    const withOwn = withAdapter(checkpoint, tuned.adapter);
    expect(mergedOrBeside(withOwn, parseRecipe('int8'), null)).toMatchObject({ checkpoint, adapter: tuned.adapter });
    expect(mergedOrBeside(withOwn, parseRecipe('int8+sparsegpt2:4'), null)).toMatchObject({
      checkpoint: withOwn,
      adapter: null,
    });
  });

  it('goes on, bit for bit, where it was stopped at any step', async () => {
    const recipe = 'int8+lora4.4steps';
    const whole = await tunedVariant({ recipe, seed: 2 }, given, host().own);
    for (const stopAfter of [1, 3]) {
      const store = memoryStore();
      const abort = new AbortController();
      const stopped = host(store).own;
      await expect(
        tunedVariant({ recipe, seed: 2 }, given, {
          ...stopped,
          signal: abort.signal,
          emit: (event) => void ('step' in event && event.step.step === stopAfter && abort.abort()),
        }),
      ).rejects.toThrow(/Stopped/);
      expect(store.kept.size).toBe(1);
      const { own, events } = host(store);
      const resumed = await tunedVariant({ recipe, seed: 2 }, given, own);
      expect(events.flatMap((e) => ('step' in e ? [e.step.step] : []))[0]).toBe(stopAfter + 1);
      expect(resumed.hash).toBe(whole.hash);
      // What was under way is gone, what was made stays.
      expect([...store.kept.keys()].some((key) => key.endsWith('.part'))).toBe(false);
    }
  });

  it('stops after the step at hand where it is paused, goes on bit for bit, and books none of the time', async () => {
    const recipe = 'int8+lora4.4steps';
    const whole = await tunedVariant({ recipe, seed: 2 }, given, host().own);
    const { own, events } = host();
    const pause = new Pause();
    const HELD_MS = 1500;
    let seen = 0;
    const began = performance.now();
    const record = await tunedVariant({ recipe, seed: 2 }, given, {
      ...own,
      emit: (event) => {
        own.emit(event);
        if (!('step' in event) || event.step.step !== 2) return;
        pause.set(true);
        setTimeout(() => {
          seen = events.flatMap((e) => ('step' in e ? [e.step.step] : [])).length;
          pause.set(false);
        }, HELD_MS);
      },
      gate: () => pause.over(own.signal),
    });
    expect(seen).toBe(2);
    expect(record.hash).toBe(whole.hash);
    const booked = own.meter.windows().filter(({ phase }) => phase === 'train');
    expect(booked.length).toBeGreaterThan(0);
    const seconds = booked.reduce((n, w) => n + w.seconds, 0);
    expect(seconds).toBeLessThan((performance.now() - began - HELD_MS) / 1000);
  });

  it('trains as its name says, with twice the rank as alpha', () => {
    expect(tuningOf({ recipe: 'int8+lora16.40steps', seed: 7 })).toMatchObject({
      lora: { rank: 16, alpha: 32 },
      options: { steps: 40, warmup: 4, evaluateEvery: 10, seed: 7 },
    });
    expect(tuningOf({ recipe: 'int8+lora8.q-v.layers1to3', seed: 7 }).lora).toEqual({
      ...LORA,
      targets: ['q_proj', 'v_proj'],
      layers: [1, 2, 3],
    });
  });

  it('changes the linear layers that its name says, says so to PEFT, and refuses layers that are not there', async () => {
    const recipe = 'int8+lora4.q-down.layers2to3.2steps';
    const tuned = await tunedVariant({ recipe, seed: 1 }, given, host().own);
    expect(tuned.adapter.count).toBe(4);
    const files = fileSet({ ...tinyFiles(4), ...tuned.files('built-in') });
    const { adapted } = await openCheckpoint(files);
    expect(adapted?.adapter.count).toBe(4);
    const config = JSON.parse(new TextDecoder().decode(tuned.files('built-in')['adapter_config.json'])) as unknown;
    expect(config).toMatchObject({ target_modules: ['q_proj', 'down_proj'], layers_to_transform: [2, 3] });
    const { model } = await packVariant(await openCheckpoint(tiny()), parseRecipe(recipe), null, {
      inPhase: (_, work) => work(),
      tuned,
    });
    expect(model.adapters).toBe(4);
    await expect(tunedVariant({ recipe: 'int8+lora4.layers3to9.2steps', seed: 1 }, given, host().own)).rejects.toThrow(
      /Layers of an adapter are from 0 to 3; 4 is given/,
    );
  });

  it('cannot be learnt from one cause alone', async () => {
    const one = given.train.map((t) => ({ ...t, cause: 'link down' }));
    await expect(tunedVariant(request, { ...given, tasks: [TASK_TABLE.rca], train: one }, host().own)).rejects.toThrow(
      /nothing to tell apart/,
    );
  });
});

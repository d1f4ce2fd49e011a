import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoraLayout } from '../block/lora';
import { placeSpans, rowsOf } from '../block/spans';
import { fullLayout } from '../block/weights';
import { weightsOf } from '../gradient/full';
import type { Pass } from '../gradient/pass';
import {
  distance,
  families,
  floats,
  frozenModel,
  fullModels,
  fullOptions,
  options,
  type FullReference,
  type TuneReference,
} from '../gradient/testing';
import { batchAt, countOf, joinPasses, labelsOf, packExamples, passesOf, type Example } from './examples';
import { undecayedOf } from './trained';
import { LORA, loraLayout, newAdapter } from './lora';
import { fromSnapshot, toSnapshot } from './snapshot';
import {
  startTuning,
  tune,
  TUNE,
  type TuneEngine,
  type TuneHost,
  type TuneOptions,
  type TuneState,
  type TuneStep,
} from './trainer';
import { oneThread } from './testing';

async function engineOf(family: string, lora: (model: Awaited<ReturnType<typeof frozenModel>>) => LoraLayout) {
  const model = await frozenModel(family);
  const layout = lora(model);
  return { engine: await oneThread(model, layout), layout };
}

const own = (model: Awaited<ReturnType<typeof frozenModel>>) =>
  loraLayout(model.config, model.ffnSizes, { ...LORA, rank: options.rank, alpha: options.alpha });

/** As examples: the fixture's labels end before the last token. */
const examplesOf = ({ sequences }: TuneReference): Example[] =>
  sequences.map(({ ids, labels }) => ({
    ids: ids.slice(0, labels.findLastIndex((l) => l !== null) + 2),
    answer: labels.findIndex((l) => l !== null) + 1,
  }));

const hostOf = (engine: TuneEngine, train: readonly Example[], more: Partial<TuneHost> = {}): TuneHost => ({
  engine,
  train,
  validation: [],
  joules: () => null,
  now: () => 0,
  ...more,
});

const settings: TuneOptions = {
  ...TUNE,
  steps: options.steps,
  warmup: options.warmup,
  lr: options.lr,
  decay: options.decay,
  clip: options.clip,
  batch: 3,
  evaluateEvery: 0,
};

/** Each step as the reference took it: loss and norm within 1e-3, the rate itself. */
function expectSteps({ steps }: TuneState, wanted: readonly { loss: number; norm: number; lr: number }[]): void {
  expect(steps).toHaveLength(wanted.length);
  steps.forEach(({ loss, norm, lr }, i) => {
    const theirs = wanted[i] as (typeof wanted)[number];
    expect(Math.abs(loss / theirs.loss - 1)).toBeLessThan(1e-3);
    expect(Math.abs(norm / theirs.norm - 1)).toBeLessThan(1e-3);
    expect(lr).toBeCloseTo(theirs.lr, 12);
  });
}

describe.each(Object.keys(families))('ten steps of %s', (family) => {
  const reference = families[family] as TuneReference;

  it('are those of PyTorch and PEFT: losses, norms, rates, and the adapter at the end', async () => {
    const { engine } = await engineOf(family, own);
    const { state, end } = await tune(
      hostOf(engine, examplesOf(reference)),
      settings,
      startTuning(floats(reference.adapter)),
    );
    expect(end).toBe('steps');
    expect(state.steps).toHaveLength(options.steps);
    expectSteps(state, reference.steps);
    expect(distance(state.numbers, floats(reference.end))).toBeLessThan(1e-3);
  });
});

describe.each(Object.keys(fullModels))('all weights of %s', (name) => {
  const reference = fullModels[name] as FullReference;
  /** Each token counts what the reference says: of a prompt one thing, of an answer another. */
  const train = reference.sequences.map(({ ids, weights }): Example => {
    const prompt = weights[0] as number;
    return {
      ids,
      answer: weights.findIndex((w) => w !== prompt) + 1,
      counts: { prompt, answer: weights.at(-1) as number },
    };
  });
  const o: TuneOptions = {
    ...TUNE,
    ...fullOptions,
    batch: train.length,
    evaluateEvery: 0,
  };
  const open = async () => {
    const model = await frozenModel(name);
    const layout = fullLayout(model.config, model.ffnSizes);
    const engine = await oneThread({ config: model.config, ffnSizes: model.ffnSizes }, layout);
    const host = hostOf(engine, train, { undecayed: undecayedOf(layout) });
    return { layout, host, begin: startTuning(weightsOf(model, layout)) };
  };

  it('are trained step by step as PyTorch trains them: losses, norms, rates, and the weights at the end', async () => {
    const { layout, host, begin } = await open();
    const { state, end } = await tune(host, o, begin);
    expect(end).toBe('steps');
    expect(state.steps).toHaveLength(fullOptions.steps);
    expectSteps(state, reference.steps);
    for (const { name: tensor, rows, columns, at } of reference.end ? layout.parts : [])
      expect(
        distance(state.numbers.slice(at, at + rows * columns), floats(reference.end?.[tensor] as string)),
        tensor,
      ).toBeLessThan(1e-3);
  });

  it('go on bit for bit from a snapshot', async () => {
    const { host, begin, layout } = await open();
    const validated = { ...host, validation: train.slice(0, 1) };
    const each: TuneOptions = { ...o, batch: 2, evaluateEvery: 2 };
    const whole = await tune(validated, each, begin);
    const stop = new AbortController();
    const onStep = ({ step }: TuneStep) => (step === 3 ? stop.abort() : undefined);
    const half = await tune({ ...validated, signal: stop.signal, onStep }, each, begin);
    expect([half.end, half.state.step]).toEqual(['stopped', 3]);
    const { head, numbers } = toSnapshot(half.state);
    const kept = { head: JSON.parse(JSON.stringify(head)) as typeof head, numbers: numbers.slice() };
    const rest = await tune(validated, each, fromSnapshot(kept, layout.size));
    expect(rest.state).toEqual(whole.state);
    expect(rest.numbers).toEqual(whole.numbers);
  });
});

describe('training', () => {
  const [family] = Object.keys(families) as [string];
  const reference = families[family] as TuneReference;
  const train = examplesOf(reference);
  const o: TuneOptions = { ...settings, batch: 2, evaluateEvery: 3 };

  it('goes on bit for bit from any step', async () => {
    const { engine, layout } = await engineOf(family, own);
    const host = hostOf(engine, train, { validation: train.slice(0, 1) });
    const whole = await tune(host, o, startTuning(newAdapter(layout, 3)));
    for (const at of [1, 3, 7]) {
      const stop = new AbortController();
      const half = await tune(
        { ...host, signal: stop.signal, onStep: ({ step }: TuneStep) => (step === at ? stop.abort() : undefined) },
        o,
        startTuning(newAdapter(layout, 3)),
      );
      expect([half.end, half.state.step]).toEqual(['stopped', at]);
      const rest = await tune(host, o, structuredClone(half.state));
      expect(rest.state).toEqual(whole.state);
      expect(rest.numbers).toEqual(whole.numbers);
    }
  });

  it('leaves out the same values whatever a run was interrupted by, on any number of threads, and none in evaluations', async () => {
    const { engine, layout } = await engineOf(family, own);
    const other = await engineOf(family, own);
    const seen: Pass[][] = [];
    const two: TuneEngine = {
      losses: (...args) => {
        seen.push([...args[0]]);
        return engine.losses(...args);
      },
      // Passes on two threads in turn, the last first, added up in their order.
      gradients: async (passes, factor, numbers) => {
        const parts = new Array<Awaited<ReturnType<TuneEngine['gradients']>>>(passes.length);
        for (let i = passes.length - 1; i >= 0; i--)
          parts[i] = await (i % 2 ? engine : other.engine).gradients([passes[i] as Pass], factor, numbers);
        const gradient = new Float32Array(layout.size);
        for (const part of parts) part.gradient.forEach((x, i) => (gradient[i] = (gradient[i] as number) + x));
        return { results: parts.flatMap(({ results }) => results), gradient };
      },
    };
    const dropping: TuneOptions = { ...o, batch: 3, rows: 8, dropout: 0.2 };
    const host = hostOf(engine, train, { validation: train.slice(0, 1) });
    const start = newAdapter(layout, 3);
    const whole = await tune(host, dropping, startTuning(start));
    const threads = await tune({ ...host, engine: two }, dropping, startTuning(start));
    expect(threads.state).toEqual(whole.state);
    expect(seen.flat().every(({ dropout }) => dropout === undefined)).toBe(true);
    const stop = new AbortController();
    const onStep = ({ step }: TuneStep) => (step === 4 ? stop.abort() : undefined);
    const half = await tune({ ...host, signal: stop.signal, onStep }, dropping, startTuning(start));
    const rest = await tune(host, dropping, structuredClone(half.state));
    expect(rest.state).toEqual(whole.state);
    const [none, plain, other5] = [
      await tune(host, { ...dropping, dropout: 0 }, startTuning(start)),
      await tune(host, { ...dropping, dropout: undefined }, startTuning(start)),
      await tune(host, { ...dropping, dropout: 0.5 }, startTuning(start)),
    ];
    expect(none.state).toEqual(plain.state);
    expect(other5.numbers).not.toEqual(whole.numbers);
    for (const dropout of [1, -0.1, NaN])
      await expect(tune(host, { ...dropping, dropout }, startTuning(start))).rejects.toThrow(/from 0 to below 1/);
  });

  it('goes on after a pause with the same bits, and counts its seconds in no budget', async () => {
    const { engine, layout } = await engineOf(family, own);
    let ms = 0;
    const host = hostOf(engine, train, { validation: train.slice(0, 1), now: () => (ms += 1) });
    const timed: TuneOptions = { ...o, dropout: 0.1, seconds: 1 };
    const whole = await tune(host, timed, startTuning(newAdapter(layout, 3)));
    let pauses = 0;
    // An hour, after every step.
    const gate = async () => {
      pauses++;
      await Promise.resolve();
      ms += 3_600_000;
    };
    const held = await tune({ ...host, gate }, timed, startTuning(newAdapter(layout, 3)));
    expect([held.end, pauses]).toEqual(['steps', o.steps]);
    expect(held.state.steps).toEqual(whole.state.steps);
    expect(held.numbers).toEqual(whole.numbers);
  });

  it('keeps the best adapter by validation loss, and stops when none is better', async () => {
    const { engine, layout } = await engineOf(family, own);
    // A rate that throws it about: later evaluations are worse than the best.
    const wild: TuneOptions = { ...o, steps: 40, warmup: 0, lr: 0.3, evaluateEvery: 1, patience: 4 };
    const { state, numbers, at, end } = await tune(
      hostOf(engine, train, { validation: train }),
      wild,
      startTuning(newAdapter(layout, 3)),
    );
    const best = Math.min(...state.evaluations.map(({ loss }) => loss));
    expect(state.evaluations.find(({ step }) => step === at)?.loss).toBe(best);
    expect(numbers).toEqual(state.best?.numbers);
    expect(end).toBe('patience');
    expect(state.step).toBe(at + 4);
  });

  it('ends when its joules or its seconds are spent', async () => {
    const { engine, layout } = await engineOf(family, own);
    let joules = 0;
    const spending = await tune(
      hostOf(engine, train, { joules: () => (joules += 5) }),
      { ...o, joules: 18 },
      startTuning(newAdapter(layout, 3)),
    );
    expect([spending.end, spending.state.step]).toEqual(['joules', 4]);
    expect(spending.state.steps.at(-1)?.joules).toBe(20);
    let ms = 0;
    const timed = await tune(
      hostOf(engine, train, { now: () => (ms += 400) }),
      { ...o, seconds: 3 },
      startTuning(newAdapter(layout, 3)),
    );
    expect(timed.end).toBe('seconds');
  });

  it('ends where a loss is no number, with the adapter before it', async () => {
    const { engine, layout } = await engineOf(family, own);
    let calls = 0;
    const failing: TuneEngine = {
      ...engine,
      gradients: async (...args) => {
        const made = await engine.gradients(...args);
        if (++calls === 3) made.gradient[5] = NaN;
        return made;
      },
    };
    const start = newAdapter(layout, 3);
    const two = await tune(hostOf(engine, train), { ...o, evaluateEvery: 0 }, startTuning(start)).then(
      ({ state }) => state,
    );
    const seen: Float32Array[] = [];
    const { end, state, numbers } = await tune(
      hostOf(failing, train, { onStep: async (_, now) => void seen.push((await now()).numbers.slice()) }),
      { ...o, evaluateEvery: 0 },
      startTuning(start),
    );
    expect([end, state.step]).toEqual(['diverged', 2]);
    expect(numbers).toEqual(seen.at(-1));
    expect(two.steps.slice(0, 2)).toEqual(state.steps);
  });

  it('refuses fewer examples than a batch, and ranks and layers that cannot be', async () => {
    const { engine, layout } = await engineOf(family, own);
    await expect(tune(hostOf(engine, train), { ...o, batch: 8 }, startTuning(newAdapter(layout, 3)))).rejects.toThrow(
      /3 training examples, fewer than the 8/,
    );
    const model = await frozenModel(family);
    for (const wrong of [{ rank: 0 }, { rank: 1000 }, { alpha: 0 }, { targets: [] }, { layers: [7] }])
      expect(() => loraLayout(model.config, model.ffnSizes, { ...LORA, ...wrong })).toThrow();
  });

  it('leaves the model as it is before the first step: B is 0, A within its bounds', async () => {
    const { engine, layout } = await engineOf(family, own);
    const fresh = newAdapter(layout, 3);
    const passes = passesOf(train);
    const [zero, begun] = [
      await engine.losses(passes, new Float32Array(layout.size)),
      await engine.losses(passes, fresh),
    ];
    expect(begun.map(({ loss }) => loss)).toEqual(zero.map(({ loss }) => loss));
    for (const { a, b, inputs, outputs } of layout.parts) {
      expect(fresh.slice(a, b).every((x) => x !== 0 && Math.abs(x) <= 1 / Math.sqrt(inputs))).toBe(true);
      expect(fresh.slice(b, b + outputs * layout.rank).every((x) => x === 0)).toBe(true);
    }
  });
});

describe('examples', () => {
  const example = fc
    .record({
      prompt: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }),
      answer: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
    })
    .map(({ prompt, answer }): Example => ({ ids: [...prompt, ...answer], answer: prompt.length }));

  it('keep every token that is read and every label, whatever they share', () => {
    fc.assert(
      fc.property(
        fc.array(example, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 4, max: 40 }),
        (examples, rows) => {
          const passes = passesOf(examples, rows);
          const got = passes.flatMap(({ spans, ids, labels }) => {
            expect(ids.length).toBe(rowsOf(spans));
            expect(
              spans.length === 1 || ids.length <= rows || spans.filter((s) => s.parent !== null).length === 1,
            ).toBe(true);
            let at = 0;
            const starts = spans.map(({ tokens }) => (at += tokens) - tokens);
            const whole = (i: number): [number[], (number | null)[]] => {
              const { tokens, parent } = spans[i] as (typeof spans)[number];
              const start = starts[i] as number;
              const [before, none] = parent === null ? [[], []] : whole(parent);
              return [
                [...before, ...ids.slice(start, start + tokens)],
                [...none, ...labels.slice(start, start + tokens)],
              ];
            };
            const hasChildren = new Set(spans.map(({ parent }) => parent));
            return spans.flatMap((_, i) => (hasChildren.has(i) ? [] : [whole(i)]));
          });
          expect(got).toEqual(
            examples.map(({ ids, answer }) => [
              ids.slice(0, -1),
              ids.slice(0, -1).map((_, i) => (i + 1 >= answer ? ids[i + 1] : null)),
            ]),
          );
        },
      ),
    );
  });

  it('are computed once where they begin alike', () => {
    const prompt = [5, 6, 7, 8];
    const pass = packExamples([1, 2, 3].map((x) => ({ ids: [...prompt, x, 9, 0], answer: 6 })));
    expect(pass.spans).toEqual([{ tokens: 4, parent: null }, ...[0, 0, 0].map((parent) => ({ tokens: 2, parent }))]);
  });

  it('count what they are told to, wherever their beginning is computed', () => {
    const counted = fc
      .tuple(example, fc.constantFrom(0, 0.1, 0.5), fc.constantFrom(1, 4))
      .map(([own, prompt, answer]): Example => ({ ...own, counts: { prompt, answer } }));
    fc.assert(
      fc.property(fc.array(counted, { minLength: 1, maxLength: 5 }), (examples) => {
        const joined = joinPasses([packExamples(examples), packExamples(examples.slice(0, 2))]);
        const all = [...examples, ...examples.slice(0, 2)];
        expect(countOf(joined)).toBeCloseTo(
          all.reduce((n, e) => n + labelsOf(e), 0),
          9,
        );
        expect(joined.weights).toHaveLength(joined.ids.length);
        // Each token that counts, by what it counts in all.
        const sums = new Map<number, number>();
        const add = (id: number, count: number) => sums.set(id, (sums.get(id) ?? 0) + count);
        joined.labels.forEach((label, i) => label !== null && add(label, joined.weights?.[i] ?? 0));
        for (const { ids, answer, counts } of all)
          ids.forEach((id, i) => {
            if (i > 0) add(id, -((i >= answer ? counts?.answer : counts?.prompt) ?? 0));
          });
        for (const left of sums.values()) expect(Math.abs(left)).toBeLessThan(1e-9);
        placeSpans(joined.spans);
      }),
    );
  });

  it('come once an epoch, in another order each, which the seed gives', () => {
    const epochs = [0, 1, 2].map((e) => Array.from({ length: 5 }, (_, i) => batchAt(10, 2, e * 5 + i, 4)).flat());
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(batchAt(10, 3, 3, 4)).toHaveLength(3);
    expect(batchAt(10, 2, 7, 4)).toEqual(epochs[1]?.slice(4, 6));
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { layoutOf } from '../block/lora';
import { LINEARS } from '../checkpoint/block';
import { open } from '../core/testing';
import { families, floats, frozenModel, options, distance, type TuneReference } from '../gradient/testing';
import type { Frozen } from '../gradient/frozen';
import type { Pass } from '../gradient/pass';
import { GRADIENTS } from '../graph/gradient';
import { graphCost } from '../graph/cost';
import { joinPasses } from '../tune/examples';
import { LORA } from '../tune/lora';
import { ADAMW } from '../tune/optimizer';
import { oneThread } from '../tune/testing';
import { startTuning, tune, TUNE, type TuneEngine } from '../tune/trainer';
import { feedsOf } from './feeds';
import { buildStep, DIMS } from './graph';
import { checkPass, checkWeights, stepBytes } from './size';
import { graphsInNode as graphs } from './testing';
import { divisorOf } from './update';

const loraOf = ({ config, ffnSizes }: Frozen, part = {}) =>
  layoutOf(config, ffnSizes, {
    rank: options.rank,
    factor: options.alpha / options.rank,
    targets: LINEARS,
    layers: Array.from({ length: config.layers }, (_, i) => i),
    ...part,
  });

const side = (sequences: TuneReference['sequences']): Pass => ({
  spans: sequences.map(({ ids }) => ({ tokens: ids.length, parent: null })),
  ids: sequences.flatMap(({ ids }) => ids),
  labels: sequences.flatMap(({ labels }) => labels),
});
/** Tickets behind a beginning that they share, which counts differently here and there. */
const forest: Pass = {
  spans: [
    { tokens: 4, parent: null },
    { tokens: 3, parent: 0 },
    { tokens: 2, parent: 0 },
  ],
  ids: [5, 6, 7, 8, 9, 10, 11, 12, 13],
  labels: [null, null, null, null, 10, 11, 3, 13, 4],
  weights: [0, 0, 0, 0, 1, 2, 1, 0.5, 1],
};

const names = Object.keys(families);

describe.each(names)('a step of %s as a graph', (family) => {
  const reference = families[family] as TuneReference;

  it.each(['fp32', 'fp16', 'int8', 'int4'])(
    'has the losses and the gradient of our own kernels over %s',
    async (recipe) => {
      const model = await frozenModel(family, recipe);
      const lora = loraOf(model);
      const [own, graph] = [await oneThread(model, lora, 'fp32'), await graphs.open(model, lora, ADAMW)];
      const adapter = floats(reference.adapter);
      const passes = [side(reference.sequences), forest];
      const of = (engine: TuneEngine) => engine.gradients(passes, 0.1, adapter);
      const [wanted, found] = [await of(own), await of(graph)];
      found.results.forEach(({ loss, labels, each }, i) => {
        const { loss: theirs, labels: count, each: all } = wanted.results[i] as (typeof wanted.results)[number];
        expect(Math.abs(loss / theirs - 1)).toBeLessThan(1e-5);
        expect(labels).toBe(count);
        each.forEach((x, at) => expect(Math.abs(x - (all[at] as number))).toBeLessThan(1e-4));
      });
      for (const { a, b, outputs } of lora.parts)
        for (const [from, to] of [
          [a, b],
          [b, b + outputs * lora.rank],
        ] as const)
          expect(distance(found.gradient.slice(from, to), wanted.gradient.slice(from, to))).toBeLessThan(1e-4);
      expect((await graph.losses(passes, adapter)).map(({ loss }) => loss)).toEqual(
        found.results.map(({ loss }) => loss),
      );
      graph.end();
    },
  );
});

describe('training in graphs', () => {
  const [family] = names as [string];
  const reference = families[family] as TuneReference;
  const train = reference.sequences.map(({ ids, labels }) => {
    const answer = labels.findIndex((l) => l !== null) + 1;
    return { ids: [...ids, labels.at(-1) ?? 0], answer };
  });
  const o = { ...TUNE, steps: 6, batch: 2, warmup: 1, lr: 5e-3, decay: 0.01, clip: 0.5, evaluateEvery: 3, rows: 16 };

  it('takes the steps that the trainer takes, several passes a step, and goes on from a state', async () => {
    const model = await frozenModel(family);
    const lora = loraOf(model);
    const graph = await graphs.open(model, lora, o);
    const host = (engine: TuneEngine) => ({
      engine,
      train,
      validation: train.slice(0, 1),
      joules: () => null,
      now: () => 0,
    });
    const begin = startTuning(floats(reference.adapter));
    const own = await tune(host(await oneThread(model, lora, 'fp32')), o, begin);
    const found = await tune(host(graph), o, begin);
    expect(found.state.optimizer.taken).toBe(6);
    found.state.steps.forEach(({ loss, norm, lr, tokens, labels }, i) => {
      const step = own.state.steps[i];
      expect(Math.abs(loss / (step?.loss ?? 0) - 1)).toBeLessThan(1e-4);
      expect(Math.abs(norm / (step?.norm ?? 0) - 1)).toBeLessThan(1e-3);
      expect([lr, tokens, labels]).toEqual([step?.lr, step?.tokens, step?.labels]);
    });
    expect(distance(found.state.numbers, own.state.numbers)).toBeLessThan(1e-3);
    expect(distance(found.state.optimizer.first, own.state.optimizer.first)).toBeLessThan(1e-3);
    const stop = new AbortController();
    const half = await tune(
      { ...host(graph), signal: stop.signal, onStep: ({ step }) => (step === 2 ? stop.abort() : undefined) },
      o,
      begin,
    );
    const rest = await tune(host(graph), o, structuredClone(half.state));
    expect(rest.state.numbers).toEqual(found.state.numbers);
    expect(rest.numbers).toEqual(found.numbers);
    graph.end();
  });

  it('leaves all as it was where a loss is no number', async () => {
    const model = await frozenModel(family);
    const lora = loraOf(model, { targets: ['v_proj'], layers: [1] });
    const graph = await graphs.open(model, lora, ADAMW);
    const numbers = new Float32Array(lora.size).fill(0.01);
    numbers[0] = NaN;
    const state = startTuning(numbers);
    await graph.held.load(state);
    const { norm } = await graph.held.step([forest], 1, { ...ADAMW, lr: 1, clip: 1 });
    expect(norm).toBeNaN();
    const { numbers: left, optimizer } = await graph.held.read();
    expect(left).toEqual(numbers);
    expect(optimizer).toEqual(state.optimizer);
    graph.end();
  });
});

describe('the graph of a step', () => {
  const removed = { Sigmoid: GRADIENTS['Sigmoid'] };
  afterEach(() => void Object.assign(open(GRADIENTS), removed));

  it('is refused by the name of an operator without a gradient', async () => {
    const model = await frozenModel('llama');
    delete open(GRADIENTS)['Sigmoid'];
    expect(() => buildStep(model, loraOf(model), ADAMW)).toThrow(/"Sigmoid" has no gradient/);
  });

  it('makes every value before it is read, binds few buffers a node, and can be counted', async () => {
    for (const recipe of ['fp32', 'int4']) {
      const model = await frozenModel('qwen3', recipe);
      const { graph, weights } = buildStep(model, loraOf(model), ADAMW);
      const known = new Set([...graph.inputs, ...graph.initializers].map(({ name }) => name));
      for (const { op, inputs, outputs } of graph.nodes) {
        expect(
          inputs.filter((n) => !known.has(n)),
          op,
        ).toEqual([]);
        expect(inputs.length + outputs.length).toBeLessThanOrEqual(10);
        for (const n of outputs) known.add(n);
      }
      expect(graph.outputs.filter(({ name }) => !known.has(name))).toEqual([]);
      const declared = graph.initializers.filter(({ data }) => data === null).map(({ name }) => name);
      expect(weights.map(({ name }) => name).sort()).toEqual(declared.sort());
      expect(graphCost(graph, { [DIMS.T]: 32, [DIMS.R]: 8 }).operations).toBeGreaterThan(1e5);
    }
  });

  it('refuses all weights, int8 arithmetic and what is too large, each with a sentence', async () => {
    const { config, ffnSizes, ...rest } = await frozenModel('llama');
    const recipe = { precision: 'fp32' as const };
    const asked = { lora: LORA, rows: 256 };
    expect(() => graphs.check(config, recipe, { ...asked, lora: null })).toThrow(/trains adapters alone/);
    expect(() => graphs.check(config, recipe, { ...asked, arithmetic: 'int8' })).toThrow(/float32 alone/);
    expect(() => graphs.check(config, recipe, asked)).not.toThrow();
    const large = { ...config, layers: 24, hiddenSize: 2048, intermediateSize: 8192, vocabSize: 50_000 };
    expect(() => graphs.check(large, recipe, asked)).toThrow(/takes about .* GiB, and 4.0 GiB can be had here/);
    expect(stepBytes(large, 'int4', 256, 8)).toBeLessThan(stepBytes(large, 'fp32', 256, 8));
    const model = { config, ffnSizes, ...rest };
    const limits = { maxBufferSize: 4096, maxStorageBufferBindingSize: 1024 };
    expect(() => checkWeights(buildStep(model, loraOf(model), ADAMW).graph, limits)).toThrow(
      /in one piece, and this GPU binds/,
    );
    expect(() => checkPass(config, { rows: 32, labelled: 64 }, limits)).toThrow(/fewer answers a step/);
    expect(() => feedsOf(config, { ...forest, ids: forest.ids.map(() => config.vocabSize) }, 1)).toThrow(
      /outside the vocabulary/,
    );
    expect(() => feedsOf(config, { ...forest, ids: [1] }, 1)).toThrow(/A pass of 9 rows has 1 tokens/);
  });

  it('sums squares in two stages of nearly equal length', () => {
    expect([divisorOf(2_400_000), divisorOf(36), divisorOf(7)]).toEqual([1500, 6, 1]);
  });

  it('takes passes side by side as one', async () => {
    const model = await frozenModel('llama');
    const lora = loraOf(model);
    const graph = await graphs.open(model, lora, ADAMW);
    const adapter = floats((families['llama'] as TuneReference).adapter);
    const apart = await graph.gradients([forest, forest], 1, adapter);
    const joined = await graph.gradients([joinPasses([forest, forest])], 1, adapter);
    expect(distance(joined.gradient, apart.gradient)).toBeLessThan(1e-5);
    graph.end();
  });
});

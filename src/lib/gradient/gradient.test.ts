import { describe, expect, it } from 'vitest';
import { layoutOf, type LoraLayout } from '../block/lora';
import { fullLayout } from '../block/weights';
import { LINEARS, linearShapes, type LinearName } from '../checkpoint/block';
import { nodeMatrix } from '../matrix/testing';
import { dequantize, storedBytes, type StoredTensor } from '../tensor/stored';
import { arithmeticOf, type Arithmetic, type Frozen } from './frozen';
import { openGradients, type Pass } from './pass';
import { cosine, distance, families, floats, frozenModel, options, type TuneReference } from './testing';
import { passCost } from './work';

const loraOf = ({ config, ffnSizes }: Frozen, rank = options.rank): LoraLayout =>
  layoutOf(config, ffnSizes, {
    rank,
    factor: options.alpha / rank,
    targets: LINEARS,
    layers: Array.from({ length: config.layers }, (_, i) => i),
  });

/** Sequences side by side in one pass, each from its beginning. */
const side = (sequences: TuneReference['sequences']): Pass => ({
  spans: sequences.map(({ ids }) => ({ tokens: ids.length, parent: null })),
  ids: sequences.flatMap(({ ids }) => ids),
  labels: sequences.flatMap(({ labels }) => labels),
});

const labelsOf = ({ labels }: Pass) => labels.filter((l) => l !== null).length;

async function open(family: string, recipe?: string, arithmetic: Arithmetic = 'fp32') {
  const model = await frozenModel(family, recipe);
  const lora = loraOf(model);
  return { model, lora, gradients: openGradients(await nodeMatrix(), model, lora, arithmetic) };
}

describe.each(Object.keys(families))('gradients of %s', (family) => {
  const reference = families[family] as TuneReference;
  const pass = side(reference.sequences);

  it('are those of PyTorch, for the loss and each part of the adapter', async () => {
    const { gradients, lora } = await open(family);
    gradients.setNumbers(floats(reference.adapter));
    const { loss, labels } = gradients.step(pass, 1 / labelsOf(pass));
    expect(Math.abs(loss / labels / reference.loss - 1)).toBeLessThan(1e-5);
    const [own, theirs] = [gradients.takeGradient(), floats(reference.gradient)];
    for (const { a, b, outputs } of lora.parts) {
      expect(distance(own.slice(a, b), theirs.slice(a, b))).toBeLessThan(1e-4);
      const end = b + outputs * lora.rank;
      expect(distance(own.slice(b, end), theirs.slice(b, end))).toBeLessThan(1e-4);
    }
  });

  it('add up over passes, and are 0 again once they are taken', async () => {
    const { gradients } = await open(family);
    gradients.setNumbers(floats(reference.adapter));
    const factor = 1 / labelsOf(pass);
    gradients.step(pass, factor);
    const whole = gradients.takeGradient();
    for (const sequence of reference.sequences) gradients.step(side([sequence]), factor);
    expect(distance(gradients.takeGradient(), whole)).toBeLessThan(1e-5);
    expect(gradients.takeGradient().every((x) => x === 0)).toBe(true);
  });

  it('are the same where a beginning that sequences share is computed once', async () => {
    const { gradients } = await open(family);
    gradients.setNumbers(floats(reference.adapter));
    const [first] = reference.sequences as [TuneReference['sequences'][number]];
    const shared = first.ids.slice(0, 7);
    const tails = [first.ids.slice(7), [3, 1, 4, 1, 5], [9, 2, 6], [5, 3, 5, 8, 9, 7, 9]];
    const labelsFor = (ids: readonly number[]) =>
      ids.map((_, i) => (i < ids.length - 1 ? (ids[i + 1] as number) : null));
    const apart = side(
      tails.map((tail) => ({ ids: [...shared, ...tail], labels: [...shared.map(() => null), ...labelsFor(tail)] })),
    );
    const forest: Pass = {
      spans: [{ tokens: 7, parent: null }, ...tails.map(({ length }) => ({ tokens: length, parent: 0 }))],
      ids: [...shared, ...tails.flat()],
      labels: [...shared.map(() => null), ...tails.flatMap(labelsFor)],
    };
    const factor = 1 / labelsOf(apart);
    const one = gradients.step(apart, factor);
    const separate = gradients.takeGradient();
    const other = gradients.step(forest, factor);
    expect([...other.each].map((x, i) => Math.abs(x - (one.each[i] as number)))).toSatisfy((off: number[]) =>
      off.every((x) => x < 1e-5),
    );
    expect(distance(gradients.takeGradient(), separate)).toBeLessThan(1e-5);
  });

  it.each(['fp32', 'fp16', 'int8', 'int4'])(
    'are the slope of the loss where weights are stored as %s',
    async (recipe) => {
      const { gradients } = await open(family, recipe);
      const adapter = floats(reference.adapter);
      gradients.setNumbers(adapter);
      const before = gradients.loss(pass);
      const step = gradients.step(pass, 1);
      expect(step.loss).toBe(before.loss);
      const gradient = gradients.takeGradient();
      const norm = Math.hypot(...gradient);
      const at = (t: number) => {
        gradients.setNumbers(adapter.map((x, i) => x + (t * (gradient[i] as number)) / norm));
        return gradients.loss(pass).loss;
      };
      // Central differences of fourth order along the gradient's own direction: float32 allows no small step.
      const h = 2e-3;
      const slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      expect(Math.abs(slope / norm - 1)).toBeLessThan(1e-3);
    },
  );

  it.each(['fp16', 'int8', 'int4'])(
    'are bit for bit those of the same weights in float32 where stored as %s',
    async (recipe) => {
      const { gradients, model, lora } = await open(family, recipe);
      const plain = (t: StoredTensor): StoredTensor => ({
        format: 'fp32',
        rows: t.rows,
        columns: t.columns,
        data: dequantize(t),
      });
      const twin = openGradients(
        await nodeMatrix(),
        {
          ...model,
          embedding: plain(model.embedding),
          layers: model.layers.map(({ linear, vectors }) => ({
            linear: Object.fromEntries(LINEARS.map((l) => [l, plain(linear[l])])) as typeof linear,
            vectors,
          })),
        },
        lora,
        'fp32',
      );
      const [own, theirs] = [gradients, twin].map((g) => {
        g.setNumbers(floats(reference.adapter));
        g.step(pass, 1);
        return g.takeGradient();
      });
      expect(own).toEqual(theirs);
    },
  );
});

describe.each(Object.keys(families))('gradients of %s in int8 arithmetic', (family) => {
  const reference = families[family] as TuneReference;
  const pass = side(reference.sequences);

  it.each(['int8', 'int4'])(
    'point where those in float32 do, stored as %s, and are the same each time',
    async (recipe) => {
      const made = [];
      for (const arithmetic of ['fp32', 'int8', 'int8'] as const) {
        const { gradients, model } = await open(family, recipe, arithmetic);
        expect(arithmeticOf(model)).toBe('int8');
        gradients.setNumbers(floats(reference.adapter));
        const { loss } = gradients.step(pass, 1);
        made.push({ loss, gradient: gradients.takeGradient() });
      }
      const [plain, own, again] = made as [(typeof made)[number], (typeof made)[number], (typeof made)[number]];
      expect(own).toEqual(again);
      expect(Math.abs(own.loss / plain.loss - 1)).toBeLessThan(0.01);
      expect(cosine(own.gradient, plain.gradient)).toBeGreaterThan(0.99);
    },
  );
});

describe.each(Object.keys(families))('gradients of %s under dropout', (family) => {
  const reference = families[family] as TuneReference;
  const pass: Pass = { ...side(reference.sequences), dropout: { share: 0.3, key: 7 } };

  it('are the slope of the loss with the same values left out', async () => {
    const { gradients } = await open(family);
    const adapter = floats(reference.adapter);
    gradients.setNumbers(adapter);
    const step = gradients.step(pass, 1);
    expect(step.loss).toBe(gradients.loss(pass).loss);
    expect(step.loss).not.toBe(gradients.loss({ ...pass, dropout: { share: 0.3, key: 8 } }).loss);
    const gradient = gradients.takeGradient();
    const norm = Math.hypot(...gradient);
    const at = (t: number) => {
      gradients.setNumbers(adapter.map((x, i) => x + (t * (gradient[i] as number)) / norm));
      return gradients.loss(pass).loss;
    };
    const h = 5e-4;
    const slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    expect(Math.abs(slope / norm - 1)).toBeLessThan(1e-3);
  });

  it('come to those without it on average', async () => {
    const { gradients } = await open(family);
    gradients.setNumbers(floats(reference.adapter).map((x) => x / 10));
    const whole = side(reference.sequences);
    gradients.step(whole, 1);
    const plain = gradients.takeGradient();
    const passes = 64;
    for (let key = 0; key < passes; key++) gradients.step({ ...whole, dropout: { share: 0.1, key } }, 1 / passes);
    expect(distance(gradients.takeGradient(), plain)).toBeLessThan(0.15);
  });
});

describe('dropout', () => {
  it('takes whole inputs from A, each linear layer its own, and scales what is left', async () => {
    const [family] = Object.keys(families) as [string];
    const model = await frozenModel(family);
    const targets = ['v_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
    const lora = layoutOf(model.config, model.ffnSizes, { rank: 2, factor: 1, targets, layers: [1] });
    const gradients = openGradients(await nodeMatrix(), model, lora, 'fp32');
    // B so small that what follows A does not change by what A reads.
    gradients.setNumbers(Float32Array.from({ length: lora.size }, (_, i) => ((i % 7) - 3) * 1e-5));
    // One row: the gradient by A is its input times a number.
    const one: Pass = { spans: [{ tokens: 1, parent: null }], ids: [5], labels: [9] };
    gradients.step(one, 1e6);
    const plain = gradients.takeGradient();
    gradients.step({ ...one, dropout: { share: 0.25, key: 3 } }, 1e6);
    const dropped = gradients.takeGradient();
    const masks = lora.parts.map(({ linear, a, inputs }) => {
      const kept = Array.from({ length: inputs }, (_, i) => dropped[a + i] !== 0);
      kept.forEach((is, i) => {
        if (is) expect((dropped[a + i] as number) / (plain[a + i] as number), linear).toBeCloseTo(1 / 0.75, 2);
      });
      return kept.map(Number).join('');
    });
    for (const mask of masks) {
      const share = [...mask].filter((x) => x === '0').length / mask.length;
      expect(Math.abs(share - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / mask.length));
    }
    // Gate and up read the same.
    expect(masks[1]).not.toBe(masks[2]);
  });

  it('is of adapters alone', async () => {
    const [name] = Object.keys(families) as [string];
    const { config, ffnSizes } = await frozenModel(name);
    const gradients = openGradients(await nodeMatrix(), { config, ffnSizes }, fullLayout(config, ffnSizes), 'fp32');
    const pass: Pass = { spans: [{ tokens: 1, parent: null }], ids: [5], labels: [9], dropout: { share: 0.5, key: 1 } };
    expect(() => gradients.step(pass, 1)).toThrow(/adapter/);
  });
});

describe('gradients of part of a model', () => {
  it('are refused where sizes do not fit the kernels', async () => {
    const [family] = Object.keys(families) as [string];
    const model = await frozenModel(family);
    const odd = { ...model, ffnSizes: model.ffnSizes.map((n) => n - 1) };
    const m = await nodeMatrix();
    expect(() => openGradients(m, odd, loraOf(model), 'fp32')).toThrow(/multiples of 4/);
  });

  it.each([['v_proj', 'down_proj'], ['q_proj'], ['gate_proj', 'o_proj']] as const)(
    'are those of the whole where only upper layers and %s %s are changed',
    async (...targets) => {
      const [family] = Object.keys(families) as [string];
      const model = await frozenModel(family);
      const reference = families[family] as TuneReference;
      const pass = side(reference.sequences);
      const whole = loraOf(model);
      const upper = layoutOf(model.config, model.ffnSizes, { ...whole, targets, layers: [1] });
      const adapter = floats(reference.adapter);
      // The whole, with all that the part lacks at 0.
      const full = new Float32Array(whole.size);
      const part = new Float32Array(upper.size);
      for (const p of upper.parts) {
        const w = whole.part(p.layer, p.linear);
        if (!w) throw new Error('The whole has every part.');
        const n = (p.inputs + p.outputs) * whole.rank;
        full.set(adapter.subarray(w.a, w.a + n), w.a);
        part.set(adapter.subarray(w.a, w.a + n), p.a);
      }
      const of = async (lora: LoraLayout, numbers: Float32Array) => {
        const gradients = openGradients(await nodeMatrix(), model, lora, 'fp32');
        gradients.setNumbers(numbers);
        gradients.step(pass, 1);
        return gradients.takeGradient();
      };
      const [own, all] = [await of(upper, part), await of(whole, full)];
      for (const p of upper.parts) {
        const w = whole.part(p.layer, p.linear);
        const n = (p.inputs + p.outputs) * whole.rank;
        expect(distance(own.slice(p.a, p.a + n), all.slice(w?.a, (w?.a ?? 0) + n))).toBeLessThan(1e-6);
      }
    },
  );

  it('go no further down than the lowest adapter, and are counted so', async () => {
    const [family] = Object.keys(families) as [string];
    const model = await frozenModel(family, 'int8');
    const { config, ffnSizes } = model;
    const pass = side((families[family] as TuneReference).sequences);
    const of = async (layers: readonly number[]) => {
      const lora = layoutOf(config, ffnSizes, { ...loraOf(model), layers });
      const matrix = await nodeMatrix();
      let norms = 0;
      const rmsNormBackward: typeof matrix.k.rmsNormBackward = (...args) => {
        norms++;
        matrix.k.rmsNormBackward(...args);
      };
      openGradients({ ...matrix, k: { ...matrix.k, rmsNormBackward } }, model, lora, 'fp32').step(pass, 1);
      return { norms, cost: (back: boolean) => passCost(model, lora, pass, { back, arithmetic: 'fp32' }), lora };
    };
    const [whole, upper, both] = [await of([0, 1]), await of([1]), await of([0])];
    // The last norm; of each layer one behind attention and, but for the lowest, one before it.
    expect([whole.norms, upper.norms, both.norms]).toEqual([4, 2, 4]);
    const rows = pass.ids.length;
    const shapes = linearShapes(config, ffnSizes[0] as number);
    const sum = (linears: readonly LinearName[], of: (out: number, into: number) => number) =>
      linears.reduce((n, l) => n + of(...shapes[l]), 0);
    const seen = pass.spans.reduce((n, { tokens }) => n + (tokens * (tokens + 1)) / 2, 0);
    const low = rows * options.rank * sum(LINEARS, (out, into) => out + into);
    const operations = (cost: typeof upper) => cost.cost(true).operations;
    // One layer less back, of another the gradient by its input more, and the adapter's own products, three ways.
    const less = rows * sum(LINEARS, (out, into) => out * into) + 5 * seen * config.heads * config.headDim + 3 * low;
    expect((operations(whole) - operations(upper)) / 2).toBeCloseTo(less, 3);
    // Whoever adapts the lowest alone goes all the way.
    expect((operations(whole) - operations(both)) / 2).toBeCloseTo(3 * low, 3);
    const bytesOf = (layer: number) =>
      LINEARS.reduce((n, l) => n + storedBytes(model.layers[layer]?.linear[l] as StoredTensor), 0);
    expect(whole.cost(true).weightBytes - upper.cost(true).weightBytes).toBe(bytesOf(0));
    expect(whole.cost(true).activationBytes).toBe(2 * upper.cost(true).activationBytes);
    // There, only the adapter's own products are missing.
    expect((whole.cost(false).operations - upper.cost(false).operations) / 2).toBeCloseTo(low, 3);
  });
});

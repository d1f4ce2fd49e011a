import { LINEARS } from '../checkpoint/block';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JoulewiseError } from '../core/errors';
import { createRandom } from '../core/random';
import { BLOCK, countZeros, dequantize, is2of4, storedBytes } from '../tensor/stored';
import { PRECISIONS, quantizeBlocks, type PrecisionName } from '../tensor/precisions';
import { keepLayers, keepNeurons, neuronScores, PRUNERS, type PrunerName } from './pruners';
import { STEP_ENGINES } from '../schema/engines';
import { prune2of4, pruneMagnitude } from '../tensor/masks';
import { calibrationLevel, canonicalRecipe, formatRecipe, parsePruning, parseRecipe, type Recipe } from './recipe';
import { isUsage } from '../core/testing';

const precisionNames = Object.keys(PRECISIONS) as PrecisionName[];
const prunerNames = Object.keys(PRUNERS) as PrunerName[];

/** Weights with many ties and zeros beside ordinary ones. */
const weights = (min: number, max: number) =>
  fc
    .array(
      fc.oneof(
        fc.float({ min: -2, max: 2, noNaN: true }),
        fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, Math.fround(1e-40), Math.fround(-1e-40)),
      ),
      { minLength: min, maxLength: max },
    )
    .map((xs) => Float32Array.from(xs));

describe('recipes', () => {
  const sequential = (r: Recipe) =>
    calibrationLevel(r) !== null && r.budget === null && r.prunings.every((p) => p.pruner !== 'blocks');
  const recipe: fc.Arbitrary<Recipe> = fc
    .record({
      precision: fc.constantFrom(...precisionNames),
      method: fc.constantFrom('nearest' as const, 'gptq' as const, 'gptqact' as const),
      layers: fc.option(fc.integer({ min: 1, max: 999 })),
      ffn: fc.option(fc.integer({ min: 1, max: 999 })),
      mask: fc.constantFrom(null, ...prunerNames.filter((p) => ['mask', 'columns'].includes(PRUNERS[p].kind))),
      blocks: fc.boolean(),
      neurons: fc.boolean(),
      groups: fc.option(fc.integer({ min: 1, max: 999 })),
      budget: fc.option(fc.integer({ min: 1, max: 999_999 })),
      joules: fc.boolean(),
      smooth: fc.boolean(),
      seq: fc.boolean(),
      kv8: fc.boolean(),
      blend: fc.boolean(),
      tuning: fc.option(
        fc.record({
          rank: fc.integer({ min: 1, max: 999 }),
          targets: fc.option(fc.subarray([...LINEARS], { minLength: 1, maxLength: LINEARS.length - 1 })),
          layers: fc.option(
            fc.tuple(fc.nat({ max: 99 }), fc.nat({ max: 99 })).map(([first, more]) => ({ first, last: first + more })),
          ),
          steps: fc.option(fc.integer({ min: 1, max: 999_999 })),
          engine: fc.option(fc.constantFrom(...STEP_ENGINES)),
        }),
      ),
      mag: fc.integer({ min: 1, max: 999 }),
    })
    .map(
      ({
        precision,
        method,
        layers,
        ffn,
        mask,
        mag,
        blocks,
        neurons,
        groups,
        budget,
        joules,
        smooth,
        seq,
        kv8,
        blend,
        tuning,
      }) => ({
        blend,
        smooth,
        seq,
        kv8,
        tuning,
        precision: budget === null ? precision : 'int8',
        quantizer: budget === null && PRECISIONS[precision].bits < 16 ? method : ('nearest' as const),
        budget:
          budget === null
            ? null
            : joules
              ? { unit: 'J' as const, amount: budget / 1000 }
              : { unit: 'MB' as const, amount: budget * 1e5 },
        prunings: [
          ...(layers ? [{ pruner: blocks ? ('blocks' as const) : ('layers' as const), share: layers / 10 / 100 }] : []),
          ...(ffn ? [{ pruner: neurons ? ('neurons' as const) : ('ffn' as const), share: ffn / 10 / 100 }] : []),
          ...(groups ? [{ pruner: 'kvgroups' as const, share: groups / 10 / 100 }] : []),
          ...(mask && budget === null && !(method === 'gptqact' && PRUNERS[mask].kind === 'columns')
            ? [{ pruner: mask, share: PRUNERS[mask].takesShare ? mag / 10 / 100 : null }]
            : []),
        ],
      }),
    )
    // What cannot be calibrated behind its own layers has no name with `seq`.
    .map((r) => ({ ...r, seq: r.seq && sequential(r) }));

  it('come back from their name', () => {
    fc.assert(fc.property(recipe, (r) => void expect(parseRecipe(formatRecipe(r))).toEqual(r)));
  });

  it('names what an adapter changes without commas, in one order, and refuses what it cannot be', () => {
    const same = (text: string) => expect(formatRecipe(parseRecipe(text)));
    same('int8+lora8.400steps').toBe('int8+lora8.400steps');
    same('int8+lora8.400steps.layers20to29.v-q').toBe('int8+lora8.q-v.layers20to29.400steps');
    same('fp16+lora8.ort-gpu.q-v.400steps').toBe('fp16+lora8.q-v.400steps.ort-gpu');
    same('int4+lora16.up-down-gate-q-k-v-o').toBe('int4+lora16');
    expect(parseRecipe('lora8.down.layers3to3').tuning).toEqual({
      rank: 8,
      targets: ['down_proj'],
      layers: { first: 3, last: 3 },
      steps: null,
      engine: null,
    });
    for (const wrong of [
      'q-q',
      'x',
      'layers9to8',
      'layers5',
      'q.v',
      '4steps.5steps',
      'layers01to2',
      '',
      'q-',
      'ort-npu',
      'ort-gpu.ort-cpu',
    ])
      expect(() => parseRecipe(`int8+lora8.${wrong}`), wrong).toThrow(/is not known.*layersFIRSTtoLAST/);
  });

  it('have one name whatever the order written', () => {
    fc.assert(
      fc.property(recipe, fc.nat(), (r, seed) => {
        const name = formatRecipe(r);
        const mixed = createRandom(seed).shuffle(name.split('+')).join('+');
        expect(canonicalRecipe(` ${mixed.toUpperCase()} `)).toBe(name);
      }),
    );
    expect(canonicalRecipe('2:4')).toBe('fp32+2:4');
    expect(canonicalRecipe('mag50.0')).toBe('fp32+mag50');
  });

  it.each([
    [
      '',
      /Recipe part "" is not known\. Precisions: fp32, fp16, int8, int4, int4\.gptq, int4\.gptqact, int8\.gptq, int8\.gptqact; prunings: layersN, blocksN, ffnN, neuronsN, kvgroupsN, 2:4/,
    ],
    ['int3', /"int3" is not known/],
    ['fp16+int8', /names two precisions/],
    ['mag50+mag20', /names "mag" twice/],
    ['2:4+mag50', /two masks of the same weights/],
    ['fp16.gptq', /"fp16.gptq" is not known/],
    ['fp16.gptqact', /"fp16.gptqact" is not known/],
    ['int4.gptqact+sparsegpt2:4', /orders columns by their inputs/],
    ['int8+layers20+blocks20', /remove layers in two ways/],
    ['auto@60MB+2:4', /names a budget/],
    ['auto@60MB+auto@1J', /names two budgets/],
    ['auto@0J', /is not known/],
    ['int4+smooth+smooth', /names "smooth" twice/],
    ['int8+seq+2:4', /calibrates nothing that "seq" could put behind compressed layers/],
    ['fp32+seq', /Leave out "seq", or add \.gptq/],
    ['auto@60MB+seq', /names a budget, which chooses for all layers/],
    ['int8.gptq+blocks10+seq', /Leave out "seq", or write layersN/],
    ['int8.gptq+seq+seq', /names "seq" twice/],
    ['int8+mag', /"mag" is not known/],
    ['int8+mag0', /"mag0" is not known/],
    ['int8+mag100', /"mag100" is not known/],
    ['int8+2:450', /is not known/],
    ['constructor', /"constructor" is not known/],
    ['int8+toString50', /is not known/],
  ])('%j is refused with a sentence', (text, sentence) => {
    let caught: unknown;
    try {
      parseRecipe(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(JoulewiseError);
    expect(caught).toMatchObject({ code: 'recipe.unknown' });
    expect(caught).toSatisfy(isUsage);
    expect((caught as JoulewiseError).message).toMatch(sentence);
  });

  it('any text gives a recipe or a usage error', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom(...precisionNames, ...prunerNames, 'mag50', 'ffn12.5'));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        try {
          parseRecipe(parts.join('+'));
        } catch (error) {
          expect(error).toSatisfy(isUsage);
        }
      }),
    );
    expect(parsePruning('2:4')).toEqual({ pruner: '2:4', share: null });
    expect(parsePruning('ffn')).toBeNull();
  });
});

describe('masks', () => {
  it('2:4 keeps the two largest of each four, the earlier of equals', () => {
    fc.assert(
      fc.property(weights(0, 67), (w) => {
        const expected = w.slice();
        for (let i = 0; i + 3 < w.length; i += 4) {
          const order = [0, 1, 2, 3].sort(
            (a, b) => Math.abs(w[i + b] as number) - Math.abs(w[i + a] as number) || a - b,
          );
          for (const drop of order.slice(2)) expected[i + drop] = 0;
        }
        const got = w.slice();
        prune2of4(got);
        expect(got).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('2:4 leaves exactly two of four where none was zero', () => {
    const random = createRandom(2);
    const w = Float32Array.from({ length: 4096 }, random.normal);
    prune2of4(w);
    for (let i = 0; i < w.length; i += 4) expect([...w.subarray(i, i + 4)].filter((v) => v !== 0).length).toBe(2);
  });

  const byMagnitude = (w: Float32Array, share: number) => {
    const order = [...w.keys()].sort((a, b) => Math.abs(w[a] as number) - Math.abs(w[b] as number) || a - b);
    const out = w.slice();
    for (const i of order.slice(0, Math.floor(share * w.length))) out[i] = 0;
    return out;
  };

  it('magnitude equals a stable sort, ties and all', () => {
    fc.assert(
      fc.property(weights(0, 120), fc.integer({ min: 1, max: 999 }), (w, permille) => {
        const got = w.slice();
        pruneMagnitude(got, permille / 1000);
        expect(got).toEqual(byMagnitude(w, permille / 1000));
      }),
      { numRuns: 500 },
    );
  });

  it('magnitude removes the exact count of a large matrix, also one of few distinct values', () => {
    const random = createRandom(3);
    const normal = Float32Array.from({ length: 30_001 }, random.normal);
    const coarse = normal.map((v) => Math.round(v * 2) / 2 + 0.25);
    for (const w of [normal, coarse])
      for (const share of [0.001, 0.5, 0.9, 0.999]) {
        const got = w.slice();
        pruneMagnitude(got, share);
        expect(got).toEqual(byMagnitude(w, share));
        expect(got.filter((v) => v === 0).length).toBe(Math.floor(share * w.length));
      }
  });

  it('a view into a larger buffer is pruned alone', () => {
    const buffer = new Float32Array(24).fill(0.25);
    prune2of4(buffer.subarray(4, 12));
    pruneMagnitude(buffer.subarray(12, 20), 0.5);
    expect([...buffer.subarray(0, 4), ...buffer.subarray(20)].every((v) => v === 0.25)).toBe(true);
    expect([...buffer.subarray(4, 20)].filter((v) => v === 0).length).toBe(8);
  });
});

/** The definition, written plainly; float32 throughout. */
function naiveBlocks(w: Float32Array, rows: number, columns: number, bits: 4 | 8): Float32Array {
  const zero = 2 ** (bits - 1);
  const even = (x: number) => {
    const f = Math.floor(x);
    return x - f > 0.5 || (x - f === 0.5 && f % 2 !== 0) ? f + 1 : f;
  };
  const out = new Float32Array(w.length);
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < columns; k += BLOCK) {
      const at = Array.from({ length: Math.min(BLOCK, columns - k) }, (_, i) => r * columns + k + i);
      const extreme = at.reduce((m, i) => (Math.abs(w[i] as number) > Math.abs(m) ? (w[i] as number) : m), 0);
      const s = Math.fround(-extreme / zero);
      for (const i of at) {
        const q = s === 0 ? zero : Math.min(2 * zero - 1, Math.max(0, even(Math.fround((w[i] as number) / s)) + zero));
        out[i] = (q - zero) * s;
      }
    }
  return out;
}

describe('precisions', () => {
  const shaped = fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 75 }))
    .chain(([rows, columns]) => weights(rows * columns, rows * columns).map((data) => ({ data, rows, columns })));

  it('blocks equal their definition, for every number of columns', () => {
    fc.assert(
      fc.property(shaped, fc.constantFrom(4 as const, 8 as const), ({ data, rows, columns }, bits) => {
        const before = data.slice();
        const stored = quantizeBlocks(data, rows, columns, bits);
        expect(data).toEqual(before);
        const got = dequantize(stored);
        const expected = naiveBlocks(data, rows, columns, bits);
        got.forEach((v, i) => expect(v === expected[i] || `${i}: ${v}, not ${expected[i]}`).toBe(true));
      }),
      { numRuns: 400 },
    );
  });

  it('blocks stay within their error bound and keep zeros', () => {
    const random = createRandom(4);
    const [rows, columns] = [5, 100];
    const w = Float32Array.from({ length: rows * columns }, (_, i) => (i % 7 === 0 ? 0 : random.normal()));
    for (const bits of [4, 8] as const) {
      const back = dequantize(quantizeBlocks(w, rows, columns, bits));
      for (let r = 0; r < rows; r++)
        for (let k = 0; k < columns; k += BLOCK) {
          const block = w.subarray(r * columns + k, r * columns + Math.min(k + BLOCK, columns));
          const step = Math.max(...block.map(Math.abs)) / 2 ** (bits - 1);
          block.forEach((v, i) => {
            const b = back[r * columns + k + i] as number;
            if (v === 0) expect(b).toBeCloseTo(0, 30);
            // The far end of the other sign is clamped by one step at most; all else is within half a step.
            expect(Math.abs(b - v)).toBeLessThanOrEqual(
              step * (Math.abs(v) > step * (2 ** (bits - 1) - 1) ? 1 : 0.5001),
            );
          });
        }
    }
  });

  it('stored sizes and padding are those of MatMulNBits', () => {
    const t = quantizeBlocks(new Float32Array(2 * 33).fill(1), 2, 33, 4);
    if (t.format !== 'blocks') throw new Error();
    expect(t.data.length).toBe(2 * 2 * 16);
    expect(t.scales.length).toBe(4);
    // Element 2i is in the low nibble; 1 = (0 - 8) * -1/8; padding is the zero point.
    expect([t.data[0], t.data[16], t.data[17]]).toEqual([0x00, 0x80, 0x88]);
    expect(storedBytes(t)).toBe(64 + 16);
    const zeros = quantizeBlocks(new Float32Array(64), 1, 64, 8);
    expect([...zeros.data].every((q) => q === 128)).toBe(true);
  });

  it.each(precisionNames)('zeros of %s are counted as those that come back', (name) => {
    fc.assert(
      fc.property(shaped, ({ data, rows, columns }) => {
        const t = PRECISIONS[name].store(data, rows, columns);
        expect(countZeros(t)).toBe(dequantize(t).filter((v) => v === 0).length);
      }),
    );
  });

  it.each(precisionNames)('%s is 2:4 where what comes back is', (name) => {
    fc.assert(
      fc.property(shaped, fc.boolean(), ({ data, rows, columns }, prune) => {
        if (prune) prune2of4(data);
        const t = PRECISIONS[name].store(data, rows, columns);
        const w = dequantize(t);
        const most = Math.max(
          ...Array.from(w, (_, i) => {
            const [row, k] = [Math.floor(i / columns), i % columns];
            const end = Math.min(columns, k - (k % 4) + 4);
            return w.subarray(row * columns + k - (k % 4), row * columns + end).filter((v) => v !== 0).length;
          }),
        );
        expect(is2of4(t)).toBe(most <= 2);
      }),
    );
  });

  it.each(precisionNames)('masks survive %s', (name) => {
    const random = createRandom(5);
    const w = Float32Array.from({ length: 8 * 64 }, random.normal);
    prune2of4(w);
    const back = dequantize(PRECISIONS[name].store(w, 8, 64));
    w.forEach((v, i) => {
      if (v === 0) expect(Math.abs(back[i] as number)).toBe(0);
    });
  });
});

describe('structure', () => {
  it('removes the layers of least influence, never the first or the last', () => {
    expect(keepLayers([0, 5, 1, 4, 2, 0], 1 / 3)).toEqual([0, 1, 3, 5]);
    expect(keepLayers([1, 1, 1, 1], 0.25)).toEqual([0, 2, 3]);
    expect(keepLayers([1, 1], 0.9)).toEqual([0, 1]);
    expect(keepLayers([3, 2, 1, 3], 0.99)).toEqual([0, 3]);
  });

  it('keeps the best neurons, in order, a multiple of 32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 99 }), fc.nat(), (n, percent, seed) => {
        const random = createRandom(seed);
        const scores = Float64Array.from({ length: n }, () => random.int(20));
        const keep = keepNeurons(scores, percent / 100);
        // A share too small to remove a multiple of 32 removes nothing; compressCheckpoint refuses it.
        if (n >= 64 && keep.length < n) expect(keep.length % 32).toBe(0);
        expect(keep.length).toBeGreaterThan(0);
        const exact = n * (1 - percent / 100);
        expect(Math.abs(keep.length - exact)).toBeLessThanOrEqual(n >= 64 ? 32 : 1);
        expect([...keep]).toEqual([...new Set(keep)].sort((a, b) => a - b));
        const gone = [...scores.keys()].filter((i) => !keep.includes(i));
        const worst = Math.min(...[...keep].map((i) => scores[i] as number));
        for (const i of gone) expect(scores[i]).toBeLessThanOrEqual(worst);
      }),
    );
  });

  it('scores a neuron by the norms of its three vectors', () => {
    const scores = neuronScores(
      Float32Array.of(3, 4, 1, 0),
      Float32Array.of(1, 0, 2, 0),
      Float32Array.of(2, 3, 0, 4),
      2,
      2,
    );
    // |(3,4)| |(1,0)| |(2,0)|, |(1,0)| |(2,0)| |(3,4)|
    expect([...scores]).toEqual([10, 10]);
  });
});

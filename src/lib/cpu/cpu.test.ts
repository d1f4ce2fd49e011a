import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as L from '../../kernels/layout';
import { type LinearName, linearShapes, vectorNames } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { mergeInto, type LowRank } from '../checkpoint/adapter';
import { dequantize, is2of4, type StoredTensor } from '../tensor/stored';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { prune2of4 } from '../tensor/masks';
import { halfTable } from '../core/half';
import { createRandom } from '../core/random';
import { packRows8 } from '../tensor/pack';
import { bfloat16, FORMATS, formatOf, padDepth, padRows, type FormatName } from './formats';
import { CpuModel } from './model';
import type { BuildName, ByteDot } from '../core/dot';
import { BUILD_NAMES, byteDotOf } from './module';
import { checkFits, type CacheFormat } from './size';
import { loadModule, spawnThread } from './testing';

const CONFIG: ModelConfig = {
  family: 'Llama',
  hiddenSize: 128,
  intermediateSize: 160,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 64,
  vocabSize: 50,
  normEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: null,
  maxPositions: 256,
  tiedEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  bosTokenId: null,
  eosTokenIds: [],
};

type Source = (rows: number, columns: number) => StoredTensor;

function source(seed: number, precision: PrecisionName, sparse: boolean): Source {
  const random = createRandom(seed);
  return (rows, columns) => {
    const w = Float32Array.from({ length: rows * columns }, () => random.normal() * 0.1);
    // Groups of four must not run over a row's end.
    if (sparse) for (let r = 0; r < rows; r++) prune2of4(w.subarray(r * columns, (r + 1) * columns));
    if (sparse) for (let r = 0; r < rows; r++) w.fill(0, r * columns + (columns & ~3) + 2, (r + 1) * columns);
    return PRECISIONS[precision].store(w, rows, columns);
  };
}

/** A model of random weights, started. */
async function build(
  config: ModelConfig,
  o: {
    inner: Source;
    outer: Source;
    build: BuildName;
    threads: number;
    ffnSizes?: number[];
    cache?: CacheFormat;
    dot?: ByteDot;
    prepare?: (m: CpuModel) => void;
  },
): Promise<CpuModel> {
  const ffnSizes = o.ffnSizes ?? Array<number>(config.layers).fill(config.intermediateSize);
  const model = new CpuModel(config, ffnSizes, config.maxPositions, o.dot ?? null);
  const { hiddenSize: h, heads, kvHeads, headDim } = config;
  const q = heads * headDim;
  const kv = kvHeads * headDim;
  ffnSizes.forEach((f, layer) => {
    const shapes = linearShapes(config, f);
    const weights = {} as Record<LinearName, StoredTensor>;
    for (const [name, [r, c]] of Object.entries(shapes) as [LinearName, [number, number]][])
      weights[name] = o.inner(r, c);
    model.setLayer(layer, weights);
  });
  model.setOuter(o.outer(config.vocabSize, h), config.tiedEmbeddings ? null : o.outer(config.vocabSize, h));
  const random = createRandom(9);
  for (const name of vectorNames(config)) {
    const size =
      name.includes('q_norm') || name.includes('k_norm')
        ? headDim
        : name.includes('q_proj')
          ? q
          : /[kv]_proj/.test(name)
            ? kv
            : h;
    model.setVector(
      name,
      Float32Array.from({ length: size }, () => 1 + random.normal() * 0.1),
    );
  }
  o.prepare?.(model);
  await model.start(await loadModule(o.build), o.threads, spawnThread, o.cache);
  return model;
}

const plain = (ids: readonly number[], start: number, logitRows: readonly number[]) => ({
  ids,
  positions: ids.map((_, i) => start + i),
  spans: ids.map(() => 0),
  prefix: 0,
  logitRows,
});

function logitsOf(model: CpuModel, ids: readonly number[], start = 0, rows = [ids.length - 1]): Float32Array[] {
  const out: Float32Array[] = [];
  model.forward(start, plain(ids, start, rows), (_, view) => out.push(Float32Array.from(view)));
  return out;
}

const CASES: readonly (readonly [precision: PrecisionName, sparse: boolean, format: FormatName])[] = [
  ['fp32', false, 'f32'],
  ['fp16', false, 'f16'],
  ['int8', false, 'int8'],
  ['int4', false, 'int4'],
  ['fp16', true, 'f16 2:4'],
  ['int8', true, 'int8 2:4'],
];
const BYTE_CASES: typeof CASES = [
  ['int8', false, 'byte8'],
  ['int8', true, 'byte8 2:4'],
  ['int4', false, 'int4'],
];
/** The byte dot that a build has here; the plain build, which no browser would choose it for, computes VNNI's. */
const dotOf = (build: BuildName): ByteDot => (build === 'plain' ? 'unsigned' : byteDotOf(build));

/** Levels of x, as src/kernels/activations.ts makes them: float32 steps, rounded half to even. */
function levels(x: Float32Array, top: number): { level: number[]; scale: number } {
  const m = x.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  const inverse = m > 0 ? Math.fround(top / m) : 0;
  const even = (v: number) => {
    const f = Math.floor(v);
    return v - f > 0.5 || (v - f === 0.5 && f % 2 !== 0) ? f + 1 : f;
  };
  return { level: [...x].map((v) => even(Math.fround(v * inverse))), scale: Math.fround(m / top) };
}

/** x as int4 and byte8 meet it: bytes in blocks of 32, with a float32 scale each. */
function blocked(x: Float32Array): number[] {
  const out: number[] = [];
  for (let k = 0; k < x.length; k += L.DEPTH) {
    const { level, scale } = levels(x.subarray(k, k + L.DEPTH), L.TOP_BYTE);
    out.push(...level.map((l) => l * scale));
  }
  return out;
}

/** Blocks as they are computed: their scales as bfloat16. */
function withShortScales(t: StoredTensor): Float32Array {
  if (t.format !== 'blocks') throw new TypeError('not blocks');
  const upper = new Uint32Array(t.scales.length);
  t.scales.forEach((s, i) => (upper[i] = bfloat16(s) << 16));
  return dequantize({ ...t, scales: new Float32Array(upper.buffer) });
}

/** W x in float64 with the format's own quantization, and the sum of magnitudes that errors are measured against. */
function reference(t: StoredTensor, format: FormatName, x: Float32Array): { y: number[]; size: number[] } {
  let input = [...x];
  let w: ArrayLike<number> = dequantize(t);
  if (format === 'int4' || format === 'byte8') {
    input = blocked(x);
    w = withShortScales(t);
  }
  if (format === 'byte8 2:4') input = blocked(x);
  if (format.startsWith('int8')) {
    // Rows of the tests are short enough for the largest level.
    const { level, scale } = levels(x, L.TOP_LEVEL);
    input = level.map((l) => l * scale);
  }
  if (/^(?:int8|byte8 2:4)/.test(format)) {
    const { q, scales } = packRows8(dequantize(t), t.rows, t.columns, 'rows');
    w = Float64Array.from(q, (v, i) => v * (scales[Math.floor(i / t.columns)] as number));
  }
  const y: number[] = [];
  const size: number[] = [];
  for (let r = 0; r < t.rows; r++) {
    let sum = 0;
    let magnitude = 0;
    for (let k = 0; k < t.columns; k++) {
      const p = (w[r * t.columns + k] as number) * (input[k] as number);
      sum += p;
      magnitude += Math.abs(p);
    }
    y.push(sum);
    size.push(magnitude);
  }
  return { y, size };
}

describe.each(BUILD_NAMES)('%s build', (name) => {
  let model: CpuModel;
  let bytes: CpuModel;
  beforeAll(async () => {
    const dense = source(1, 'fp32', false);
    const o = { inner: dense, outer: dense, build: name, threads: 1 };
    model = await build(CONFIG, o);
    bytes = await build(CONFIG, { ...o, dot: dotOf(name) });
  });
  afterAll(() => {
    model.close();
    bytes.close();
  });

  it('is what its name says', () => {
    expect(model.kernels.isRelaxed()).toBe(name === 'relaxed' ? 1 : 0);
    expect(['unsigned', 'signed', null]).toContain(byteDotOf(name));
    if (name === 'plain') expect(byteDotOf(name)).toBe(null);
  });

  const inTurn = (dot: boolean, cases: typeof CASES) => cases.map((c) => [...c, dot] as const);
  it.each([...inTurn(false, CASES), ...(dotOf(name) ? inTurn(true, BYTE_CASES) : [])])(
    '%s, 2:4 %s, as %s, with a byte dot %s: products equal float64, every shape',
    (precision, sparse, format, dot) => {
      const used = dot ? bytes : model;
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 70 }),
          fc.integer({ min: sparse ? 4 : 1, max: 150 }),
          fc.integer({ min: 1, max: 20 }),
          fc.nat(),
          (rows, columns, tokens, seed) => {
            const t = source(seed, precision, sparse)(rows, columns);
            if (sparse) expect(is2of4(t)).toBe(true);
            if (!sparse && columns >= 4) expect(FORMATS[formatOf(t, null, true)].density).toBe(1);
            const { memory, kernels } = used;
            const at = memory.take(L.MATRIX_BYTES);
            used.placeAs('test', at, t, format);
            const depth = padDepth(columns);
            const random = createRandom(seed + 1);
            const inputs = Array.from({ length: tokens }, () =>
              Float32Array.from({ length: columns }, () => random.normal() * 3),
            );
            const x = memory.take(depth * 4);
            const y = memory.take(padRows(rows) * 4);
            const out = memory.take(tokens * padRows(rows) * 4);
            const expected = inputs.map((v) => reference(t, format, v));
            const check = (got: Float32Array, i: number, what: string) => {
              const { y: want, size } = expected[i] as { y: number[]; size: number[] };
              want.forEach((v, r) => {
                const error = Math.abs((got[r] as number) - v) / ((size[r] as number) || 1);
                expect(error <= 1e-5 || `${what} token ${i} row ${r}: ${got[r]}, not ${v}`).toBe(true);
              });
            };
            inputs.forEach((v, i) => {
              memory.f32(x, columns).set(v);
              kernels.newInput();
              kernels.matvec(at, x, y, 0, padRows(rows), kernels.mineOf(0));
              check(memory.f32(y, rows), i, 'vector');
              kernels.packToken(x, depth, i, FORMATS[format].operand, kernels.mineOf(0));
            });
            memory.u32(L.BENCH, 4).set([at, tokens, out, padRows(rows)]);
            used.run(L.COMMAND_GEMM);
            inputs.forEach((_, i) => check(memory.f32(out + i * padRows(rows) * 4, rows), i, 'matrix'));
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('every half keeps its value, subnormals and the largest alike', () => {
    const { memory, kernels } = model;
    const at = memory.take(L.MATRIX_BYTES);
    const x = memory.take(128);
    const y = memory.take(128);
    memory.f32(x, 32).fill(0);
    memory.f32(x, 1)[0] = 1;
    const halves = halfTable();
    const bits = [0, 1, 2, 3, 0x3ff, 0x400, 0x401, 0x3c00, 0x53ff, 0x5400, 0x7bff].flatMap((b) => [b, b | 0x8000]);
    for (const b of bits) {
      const data = new Uint16Array(32);
      data[0] = b;
      model.placeAs('half', at, { format: 'fp16', rows: 1, columns: 32, data }, 'f16');
      kernels.newInput();
      kernels.matvec(at, x, y, 0, 32, kernels.mineOf(0));
      expect((memory.f32(y, 1)[0] as number) + 0).toBe((halves[b] as number) + 0);
    }
  });
});

const CACHES: readonly CacheFormat[] = ['f32', 'int8'];

describe.each(CACHES)('attention over a cache of %s', (cache) => {
  it.each([24, 64, 80, 96, 128])(
    'heads of %s: equals float64 on the same levels, any number of positions',
    async (headDim) => {
      const dense = source(1, 'fp32', false);
      const config = { ...CONFIG, headDim, heads: 4, kvHeads: 2, hiddenSize: 4 * headDim, maxPositions: 256 };
      const model = await build(config, { inner: dense, outer: dense, build: 'relaxed', threads: 1, cache });
      const { memory, kernels } = model;
      const random = createRandom(headDim);
      const draw = () => Float32Array.from({ length: headDim }, () => random.normal() * 2);
      // Positions are kept only up to the cache's first chunk until a pass asks for more.
      logitsOf(model, Array<number>(150).fill(1));
      const at = memory.take(headDim * 4);
      const to = memory.take(headDim * 4);
      const put = (x: Float32Array) => (memory.f32(at, headDim).set(x), at);
      const second = memory.take(headDim * 4);
      /** What the cache gives back of x. */
      const kept = (x: Float32Array, scale = 1) => {
        if (cache === 'f32') return [...x].map((v) => v * scale);
        const l = levels(x, L.TOP_BYTE);
        return l.level.map((v) => v * l.scale * scale);
      };
      const keys: number[][] = [];
      const values: number[][] = [];
      for (let slot = 0; slot < 150; slot++) {
        const [k, v] = [draw(), draw()];
        memory.f32(second, headDim).set(v);
        kernels.keep(0, 1, slot, put(k), second);
        keys.push(kept(k));
        values.push(kept(v));
        if (![0, 1, 15, 16, 63, 64, 100, 149].includes(slot)) continue;
        const q = draw();
        memory.setU32(L.PASS_START, slot);
        // Head 3 attends with the second key-value head.
        kernels.attend(0, 3, put(q), to, kernels.mineOf(0));
        const scaled = q.map((x) => Math.fround(x * Math.fround(headDim ** -0.5)));
        const query = cache === 'int8' ? levels(scaled, L.TOP_LEVEL) : null;
        const input = query ? query.level.map((l) => l * query.scale) : [...scaled];
        const scores = keys.map((key) => key.reduce((s, x, i) => s + x * (input[i] as number), 0));
        const top = Math.max(...scores);
        const weights = scores.map((s) => Math.exp(s - top));
        const total = weights.reduce((s, w) => s + w, 0);
        for (let d = 0; d < headDim; d++) {
          const want = weights.reduce((s, w, j) => s + w * (values[j]?.[d] ?? NaN), 0) / total;
          // Weights are levels too: half a step of 1/32767 of the largest, over all positions.
          const tolerance = 2e-5 + (cache === 'int8' ? (keys.length * 6) / 65_534 / total : 0);
          expect(Math.abs((memory.f32(to, headDim)[d] as number) - want)).toBeLessThan(tolerance);
        }
      }
      model.close();
    },
  );

  it('prefill, then decode, equals one prefill', async () => {
    const dense = source(4, 'fp32', false);
    const config = { ...CONFIG, hiddenSize: 72, headDim: 24, heads: 3, layers: 2 };
    const model = await build(config, { inner: dense, outer: dense, build: 'relaxed', threads: 2, cache });
    const ids = Array.from({ length: 75 }, (_, i) => (i * 7) % config.vocabSize);
    const whole = logitsOf(model, ids, 0, [70, 71, 72, 73, 74]);
    logitsOf(model, ids.slice(0, 70));
    const size = Math.max(...(whole[0] as Float32Array).map(Math.abs));
    for (let i = 70; i < 75; i++)
      logitsOf(model, [ids[i] as number], i)[0]?.forEach((v, j) =>
        expect(Math.abs(v - (whole[i - 70]?.[j] ?? NaN))).toBeLessThan((cache === 'f32' ? 1e-5 : 5e-3) * size),
      );
    model.close();
  });
});

describe('model', () => {
  const VARIED: readonly (readonly [what: string, config: Partial<ModelConfig>, ffn: number[] | undefined])[] = [
    ['heads of 64', {}, undefined],
    ['heads of 80, three to a key', { hiddenSize: 240, heads: 3, headDim: 80 }, undefined],
    [
      'heads of 96 with biases, untied',
      { family: 'Qwen2', headDim: 96, qkvBias: true, tiedEmbeddings: false },
      undefined,
    ],
    ['heads of 128 with head norms', { family: 'Qwen3', headDim: 128, qkNorm: true }, undefined],
    ['odd sizes, widths that differ by layer', { hiddenSize: 72, headDim: 24, heads: 3, layers: 3 }, [160, 37, 96]],
  ];

  it.each(VARIED)(
    '%s: prefill, then decode, equals one prefill; spans equal texts of their own',
    async (_, more, ffnSizes) => {
      const config = { ...CONFIG, ...more };
      const dense = source(4, 'fp32', false);
      const model = await build(config, {
        inner: dense,
        outer: dense,
        build: 'relaxed',
        threads: 1,
        ...(ffnSizes ? { ffnSizes } : {}),
      });
      const ids = Array.from({ length: 75 }, (_, i) => (i * 7) % config.vocabSize);
      const whole = logitsOf(model, ids, 0, [69, 70, 71, 72, 73, 74]);
      logitsOf(model, ids.slice(0, 70));
      for (let i = 70; i < 75; i++) {
        const [one] = logitsOf(model, [ids[i] as number], i);
        const want = whole[i - 69] as Float32Array;
        one?.forEach((v, j) => expect(Math.abs(v - (want[j] as number))).toBeLessThan(2e-4));
      }
      // Prompt of 10, then two spans of 3: each sees the prompt and itself.
      const prompt = ids.slice(0, 10);
      const spans = [
        [1, 2, 3],
        [4, 5, 6],
      ];
      const packed: Float32Array[] = [];
      model.forward(
        0,
        {
          ids: [...prompt, ...spans.flat()],
          positions: [...prompt.keys(), 10, 11, 12, 10, 11, 12],
          spans: [...prompt.map(() => 0), 10, 10, 10, 13, 13, 13],
          prefix: 10,
          logitRows: [12, 15],
        },
        (_, v) => packed.push(Float32Array.from(v)),
      );
      spans.forEach((span, s) => {
        const [alone] = logitsOf(model, [...prompt, ...span]);
        packed[s]?.forEach((v, j) => expect(Math.abs(v - (alone?.[j] ?? NaN))).toBeLessThan(2e-4));
      });
      model.close();
    },
  );

  it.each([1, 3])('tells the log of each row’s sum of exponentials, with %i threads', async (threads) => {
    const model = await build(CONFIG, {
      inner: source(21, 'int8', false),
      outer: source(22, 'fp32', false),
      build: 'plain',
      threads,
    });
    const ids = [3, 1, 4, 1, 5];
    const check = (start: number, request: ReturnType<typeof plain>) => {
      let rows = 0;
      model.forward(start, { ...request, probabilities: true }, (_, logits, logSum) => {
        rows++;
        expect(logSum).toBeCloseTo(Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)), 5);
      });
      expect(rows).toBe(request.logitRows.length);
    };
    check(0, plain(ids, 0, [0, 2, 3, 4]));
    check(5, plain([6], 5, [0]));
    model.forward(6, plain([2], 6, [0]), (_, __, logSum) => expect(logSum).toBeNaN());
    model.close();
  });

  it('a pass that is asked for at once behind another is not taken for it', async () => {
    const model = await build(CONFIG, {
      inner: source(23, 'fp32', false),
      outer: source(24, 'fp32', false),
      build: 'plain',
      threads: 4,
    });
    const ids = [3, 1, 4, 1, 5];
    // A token without probabilities, then at once a prompt with them: threads that are late must still end the first.
    const once = () => {
      const out: number[] = [];
      for (const logits of logitsOf(model, [6], 5)) out.push(...logits);
      model.forward(0, { ...plain(ids, 0, [4]), probabilities: true }, (_, logits) => out.push(...logits));
      return out;
    };
    logitsOf(model, ids);
    const first = once();
    for (let i = 0; i < 300; i++) expect(once()).toEqual(first);
    model.close();
  }, 60_000);

  it('an adapter beside the weights equals one merged into them, in prefill and decode', async () => {
    const config = { ...CONFIG, hiddenSize: 72, headDim: 24, heads: 3, layers: 2, intermediateSize: 100 };
    const random = createRandom(12);
    const draw = (n: number, scale: number) => Float32Array.from({ length: n }, () => random.normal() * scale);
    const lows = new Map<string, LowRank>();
    const shapes: Record<LinearName, [number, number]> = {
      q_proj: [72, 72],
      k_proj: [24, 72],
      v_proj: [24, 72],
      o_proj: [72, 72],
      gate_proj: [100, 72],
      up_proj: [100, 72],
      down_proj: [72, 100],
    };
    const names = Object.keys(shapes) as LinearName[];
    // Not every layer has every one, and ranks need not be even.
    for (const [layer, linear] of [0, 1].flatMap((l) => names.map((n) => [l, n] as const))) {
      if (layer === 1 && linear === 'k_proj') continue;
      const [rows, columns] = shapes[linear];
      const rank = linear === 'o_proj' ? 40 : 5;
      lows.set(`${layer} ${linear}`, { rank, a: draw(rank * columns, 0.1), b: draw(rows * rank, 0.1) });
    }
    const ids = Array.from({ length: 20 }, (_, i) => (i * 11) % config.vocabSize);
    const out: number[][][] = [];
    for (const apart of [true, false]) {
      const dense = source(4, 'fp32', false);
      let made = 0;
      const inner: Source = (rows, columns) => {
        const t = dense(rows, columns);
        const low = lows.get(`${Math.floor(made / 7)} ${names[made++ % 7]}`);
        if (!apart && low && t.format === 'fp32') mergeInto(t.data, low);
        return t;
      };
      const model = await build(config, {
        inner,
        outer: source(5, 'fp32', false),
        build: 'relaxed',
        threads: 2,
        prepare: (m) => {
          if (apart)
            for (const [key, low] of lows) {
              const [layer, linear] = key.split(' ') as [string, LinearName];
              m.setAdapter(Number(layer), linear, low);
            }
        },
      });
      expect(model.adapters).toBe(apart ? 13 : 0);
      out.push([...logitsOf(model, ids, 0, [3, 19]), ...logitsOf(model, [7], 20)].map((l) => [...l]));
      model.close();
    }
    const [apart, merged] = out as [number[][], number[][]];
    apart.forEach((row, i) => row.forEach((v, j) => expect(Math.abs(v - (merged[i]?.[j] ?? NaN))).toBeLessThan(2e-4)));
  });

  it.each([
    ...CASES.map((c) => [...c, 'relaxed', null] as const),
    ...BYTE_CASES.map((c) => [...c, 'plain', 'unsigned'] as const),
  ])('%s, 2:4 %s, as %s (%s build): identical bits on 1, 2 and 3 threads', async (precision, sparse, _, name, dot) => {
    const config = { ...CONFIG, hiddenSize: 120, heads: 5, kvHeads: 1, headDim: 24, layers: 2 };
    // Decoding goes on into a second chunk of the cache.
    const ids = Array.from({ length: 62 }, (_, i) => (i * 11) % config.vocabSize);
    const results: string[] = [];
    for (const threads of [1, 2, 3]) {
      const model = await build(config, {
        inner: source(6, precision, sparse),
        outer: source(7, PRECISIONS[precision].outer, false),
        build: name,
        dot,
        threads,
      });
      const out = logitsOf(model, ids, 0, [3, 19]);
      for (let i = 0; i < 4; i++) out.push(...logitsOf(model, [i], ids.length + i));
      results.push(JSON.stringify(out.map((l) => [...l])));
      model.close();
    }
    expect(results[1]).toBe(results[0]);
    expect(results[2]).toBe(results[0]);
  });

  it('both builds give the same bits where sums are integers', async () => {
    const out: string[] = [];
    for (const name of BUILD_NAMES) {
      const dense = source(1, 'fp32', false);
      const model = await build(CONFIG, { inner: dense, outer: dense, build: name, threads: 1 });
      const t = source(8, 'int8', false)(33, 70);
      const { memory, kernels } = model;
      const at = memory.take(L.MATRIX_BYTES);
      model.placeAs('test', at, t, 'int8');
      const x = memory.take(96 * 4);
      const y = memory.take(64 * 4);
      memory.f32(x, 70).set(Float32Array.from({ length: 70 }, (_, i) => Math.sin(i)));
      kernels.newInput();
      kernels.matvec(at, x, y, 0, 64, kernels.mineOf(0));
      out.push(JSON.stringify([...memory.f32(y, 33)]));
      model.close();
    }
    expect(out[1]).toBe(out[0]);
  });

  it.each([false, true])('int8 against bytes answers as int8 against 16-bit levels does, 2:4 %s', async (sparse) => {
    const ids = [3, 1, 4, 1, 5, 9, 2];
    const out: number[][] = [];
    for (const dot of [null, 'unsigned'] as const) {
      const o = {
        inner: source(10, 'int8', sparse),
        outer: source(11, 'int8', false),
        build: 'plain',
        dot,
      } as const;
      const model = await build(CONFIG, { ...o, threads: 1 });
      out.push([...logitsOf(model, ids), ...logitsOf(model, [6], 7)].flatMap((l) => [...l]));
      expect(model.matrices.get('model.layers.0.mlp.up_proj.weight')?.format.startsWith(dot ? 'byte8' : 'int8')).toBe(
        true,
      );
      model.close();
    }
    const [levels = [], bytes = []] = out;
    const size = Math.max(...levels.map(Math.abs));
    bytes.forEach((v, i) => expect(Math.abs(v - (levels[i] as number))).toBeLessThan(0.05 * size));
  });

  it('streams change the order of reading and no bit', async () => {
    for (const [precision, sparse, format] of [...CASES, ...BYTE_CASES]) {
      const dot: ByteDot = format.startsWith('byte') ? 'unsigned' : null;
      const o = { inner: source(10, precision, sparse), outer: source(11, precision, false), dot };
      const model = await build(CONFIG, { ...o, build: 'plain', threads: 2 });
      const [first, ...others] = [8, 4, 2, 1, 3].map((n) => {
        model.setStreams({ [format]: n });
        return [3, 1, 4].map((id, i) => [...(logitsOf(model, [id], i)[0] ?? [])]);
      });
      for (const other of others) expect(other, format).toEqual(first);
      model.close();
    }
  });

  // Node 20's relaxed 32-bit dot forgets what it adds to (`byteDotOf` finds that), so the relaxed build is left to browsers.
  it('sums of bytes in 16 and in 32 bits are the same', async () => {
    const model = await build(CONFIG, {
      inner: source(10, 'int4', false),
      outer: source(11, 'int8', false),
      build: 'plain',
      threads: 1,
    });
    const ids = [3, 1, 4, 1, 5, 9, 2];
    const run = (wide: number) => {
      model.memory.setU32(L.M_WIDE_SUMS, wide);
      model.memory.setU32(L.M_UNSIGNED, wide ? 0xffffffff : 0);
      return [...logitsOf(model, ids), ...logitsOf(model, [6], 7)].map((l) => [...l]);
    };
    expect(run(1)).toEqual(run(0));
    model.close();
  });

  it('a model beyond 4 GiB is refused with what would fit', () => {
    const config = { ...CONFIG, hiddenSize: 2048, heads: 32, kvHeads: 8, headDim: 64, vocabSize: 128_256, layers: 16 };
    const ffn = Array<number>(16).fill(8192);
    expect(() => checkFits(config, ffn, 'fp32', 'f32', 'f32')).toThrow(
      /needs 4\.\d GiB.*fit: fp16 \(2\.\d GiB\), int8/,
    );
    expect(() => checkFits(config, ffn, 'int8', 'int8', 'int8')).not.toThrow();
  });
});

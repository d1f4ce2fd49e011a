import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configFromJson, type ModelConfig } from '../checkpoint/config';
import { type LinearName, LINEARS, linearShapes, vectorNames } from '../checkpoint/block';
import { dequantize } from '../tensor/stored';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { createRandom } from '../core/random';
import { graphCost } from '../graph/cost';
import { summarizeOnnx } from '../graph/decode';
import { encodeModel } from '../graph/encode';
import { byteSize, type Graph } from '../graph/graph';
import {
  buildDecoder,
  DIMS,
  layerWeights,
  outerWeights,
  tableWeights,
  vectorWeight,
  type DecoderOptions,
} from './decoder';
import { FORMS as FORM_TABLE, type FormName } from './forms';
import { packRows8, transpose } from '../tensor/pack';

describe('packing', () => {
  const matrix = fc
    .tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 }), fc.nat())
    .map(([rows, columns, seed]) => {
      const random = createRandom(seed);
      return { rows, columns, w: Float32Array.from({ length: rows * columns }, random.normal) };
    });

  it('transposes every shape', () => {
    fc.assert(
      fc.property(matrix, ({ rows, columns, w }) => {
        const out = transpose(w, rows, columns);
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < columns; c++) if (out[c * rows + r] !== w[r * columns + c]) throw new Error(`${r},${c}`);
        expect(transpose(out, columns, rows)).toEqual(w);
      }),
    );
  });

  it('packs rows to int8 by their definition, in both layouts', () => {
    const even = (x: number) => {
      const f = Math.floor(x);
      return x - f > 0.5 || (x - f === 0.5 && f % 2 !== 0) ? f + 1 : f;
    };
    fc.assert(
      fc.property(matrix, ({ rows, columns, w }) => {
        const { q, scales } = packRows8(w, rows, columns, 'rows');
        const turned = packRows8(w, rows, columns, 'transposed');
        expect(turned.scales).toEqual(scales);
        for (let r = 0; r < rows; r++) {
          const row = w.subarray(r * columns, (r + 1) * columns);
          const scale = Math.fround(Math.fround(Math.max(1e-12, ...row.map(Math.abs))) / 127);
          expect(scales[r]).toBe(scale);
          row.forEach((v, c) => {
            const expected = even(Math.fround(v / scale));
            if (q[r * columns + c] !== expected || turned.q[c * rows + r] !== expected) throw new Error(`${r},${c}`);
          });
        }
      }),
    );
  });

  it('packs tiles of 2:4 so that the kept inputs alone give the product', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        (rows, columns, seed) => {
          const random = createRandom(seed);
          // Each tile of 128 rows drops two inputs of each four.
          const dropped = Array.from({ length: 3 * columns }, () => random.int(4));
          const w = Float32Array.from({ length: rows * columns }, (_, i) => {
            const [r, c] = [Math.floor(i / columns), i % columns];
            const drop = dropped[(r >> 7) * columns + (c >> 2)] as number;
            return c % 4 === drop || c % 4 === (drop + 1) % 4 ? 0 : random.normal();
          });
          const [kept, packed] = FORM_TABLE.tiles32.linearWeights('m', PRECISIONS.fp32.store(w, rows, columns));
          const index = new Int32Array((kept as { data: Uint8Array<ArrayBuffer> }).data.buffer);
          const values = new Float32Array((packed as { data: Uint8Array<ArrayBuffer> }).data.buffer);
          const x = Float32Array.from({ length: columns }, random.normal);
          const perTile = index.length / Math.ceil(rows / 128);
          for (let r = 0; r < rows; r++) {
            let dense = 0;
            for (let c = 0; c < columns; c++) dense += (w[r * columns + c] as number) * (x[c] as number);
            let tiled = 0;
            for (let i = 0; i < perTile; i++) {
              const at = (r >> 7) * perTile + i;
              tiled += (values[at * 128 + (r & 127)] as number) * (x[index[at] as number] as number);
            }
            expect(tiled).toBeCloseTo(dense, 9);
          }
        },
      ),
      { numRuns: 60 },
    );
    const full = PRECISIONS.fp32.store(Float32Array.of(1, 1, 1, 0), 1, 4);
    expect(() => FORM_TABLE.tiles32.linearWeights('m', full)).toThrow('not 2:4 by tiles');
  });

  it('packs rows of zeros as zeros', () => {
    const { q, scales } = packRows8(new Float32Array(8), 2, 4, 'rows');
    expect([...q].every((v) => v === 0)).toBe(true);
    expect([...scales].every((s) => s > 0)).toBe(true);
  });
});

const base: ModelConfig = {
  family: 'Llama',
  hiddenSize: 40,
  intermediateSize: 72,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  vocabSize: 50,
  normEpsilon: 1e-5,
  ropeTheta: 10000,
  ropeScaling: null,
  maxPositions: 64,
  tiedEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  bosTokenId: null,
  eosTokenIds: [2],
};
const FAMILIES = {
  Llama: {},
  Qwen2: { family: 'Qwen2', qkvBias: true },
  Qwen3: { family: 'Qwen3', qkNorm: true },
} as const satisfies Record<string, Partial<ModelConfig>>;
/** Form of linear layers, of embedding and head, and the precision that fits both. */
const FORMS: [FormName, FormName, PrecisionName][] = [
  ['f32', 'f32', 'fp32'],
  ['f16', 'f16', 'fp16'],
  ['f32', 'f32', 'fp16'],
  ['tiles32', 'f32', 'fp32'],
  ['tiles16', 'f16', 'fp16'],
  ['dyn8', 'dyn8', 'int8'],
  ['dyn8', 'dyn8', 'int4'],
  ['nbits8', 'nbits8', 'int8'],
  ['nbits4', 'nbits8', 'int4'],
];

function packAll(
  o: DecoderOptions,
  precision: PrecisionName,
  precisionOf: (layer: number, linear: LinearName) => PrecisionName = () => precision,
) {
  const { config } = o;
  const random = createRandom(1);
  const store = (name: PrecisionName, rows: number, columns: number) =>
    PRECISIONS[name].store(Float32Array.from({ length: rows * columns }, random.normal), rows, columns);
  /** Every tile keeps inputs 4i and 4i + 3. */
  const storeTiles = (name: PrecisionName, rows: number, columns: number) =>
    PRECISIONS[name].store(
      Float32Array.from({ length: rows * columns }, (_, i) => (((i % columns) + 1) % 4 < 2 ? random.normal() : 0)),
      rows,
      columns,
    );
  const weights = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const ffn = o.ffnSizes[layer] as number;
    const shapes = linearShapes(config, ffn);
    const stored = Object.fromEntries(
      LINEARS.map((l) => [l, (o.form.startsWith('tiles') ? storeTiles : store)(precisionOf(layer, l), ...shapes[l])]),
    );
    weights.push(...layerWeights(o, layer, stored as Record<LinearName, ReturnType<typeof store>>));
  }
  const { outer } = PRECISIONS[precision];
  const embedding = store(outer, config.vocabSize, config.hiddenSize);
  const head = config.tiedEmbeddings ? null : store(outer, config.vocabSize, config.hiddenSize);
  weights.push(...outerWeights(o, embedding, head));
  for (const name of vectorNames(config)) {
    const size = /[qk]_norm/.test(name)
      ? config.headDim
      : /q_proj\.bias/.test(name)
        ? config.heads * config.headDim
        : /bias/.test(name)
          ? config.kvHeads * config.headDim
          : config.hiddenSize;
    weights.push(vectorWeight(o, name, new Float32Array(size)));
  }
  weights.push(...tableWeights(o));
  return weights;
}

/** Every value that a node reads was made before it, and every output is made. */
function checkOrder(graph: Graph): void {
  const known = new Set(['', ...graph.inputs.map((i) => i.name), ...graph.initializers.map((i) => i.name)]);
  for (const node of graph.nodes) {
    for (const i of node.inputs) if (!known.has(i)) throw new Error(`${node.op} reads ${i} before it is made`);
    for (const o of node.outputs) {
      if (o !== '' && known.has(o)) throw new Error(`${o} is made twice`);
      known.add(o);
    }
  }
  for (const o of graph.outputs) expect(known.has(o.name)).toBe(true);
}

describe('decoder', () => {
  const cases = Object.entries(FAMILIES).flatMap(([family, change]) =>
    [true, false].flatMap((tied) =>
      (['engine', 'export'] as const).flatMap((use) =>
        FORMS.map(([form, outerForm, precision]) => ({ family, change, tied, use, form, outerForm, precision })),
      ),
    ),
  );

  it.each(cases)(
    '$family, $precision as $form, tied $tied, for $use: declares exactly what is packed',
    ({ change, tied, use, form, outerForm, precision }) => {
      for (const [headSink, presents] of [
        [true, 'fresh'],
        [false, 'whole'],
      ] as const) {
        const o: DecoderOptions = {
          config: { ...base, ...change, tiedEmbeddings: tied },
          ffnSizes: [72, 32],
          form,
          outerForm,
          use: use,
          headSink,
          presents,
          maxPositions: 16,
        };
        const graph = buildDecoder(o);
        checkOrder(graph);
        const declared = graph.initializers.filter((i) => i.data === null).map((i) => [i.name, byteSize(i)] as const);
        const packed = packAll(o, precision).map((w) => [w.name, w.data.byteLength] as const);
        const sorted = (rows: (readonly [string, number])[]) => rows.slice().sort((a, b) => (a[0] < b[0] ? -1 : 1));
        expect(sorted(packed)).toEqual(sorted(declared));
        const summary = summarizeOnnx(
          'd',
          encodeModel(graph, (w) => ({ location: w.name, offset: 0 })),
        );
        expect(summary.outputs[0]).toBe('logits');
        expect(summary.inputs).toEqual(graph.inputs.map((i) => i.name));
        // Shapes must fit together, or the walk throws.
        const c = graphCost(graph, { [DIMS.B]: 1, [DIMS.S]: 3, [DIMS.P]: 4, [DIMS.T]: 7, n: 2 });
        expect(c.operations).toBeGreaterThan(0);
      }
    },
  );

  it('a mixture computes each linear layer in the form of its own bits', () => {
    const four = (layer: number, linear: LinearName) => (layer + LINEARS.indexOf(linear)) % 3 === 0;
    const o: DecoderOptions = {
      config: base,
      ffnSizes: [72, 32],
      form: 'nbits8',
      outerForm: 'nbits8',
      formOf: (layer, linear) => (four(layer, linear) ? 'nbits4' : 'nbits8'),
      use: 'engine',
      headSink: false,
      presents: 'whole',
      maxPositions: 16,
    };
    const graph = buildDecoder(o);
    checkOrder(graph);
    const packed = new Map(
      packAll(o, 'int8', (layer, linear) => (four(layer, linear) ? 'int4' : 'int8')).map((w) => [w.name, w.data]),
    );
    for (const i of graph.initializers) if (i.data === null) expect(packed.get(i.name)?.byteLength).toBe(byteSize(i));
    const bits = graph.nodes
      .filter((n) => n.op === 'MatMulNBits')
      .map((n) => [n.inputs[1], n.attributes?.['bits']] as const);
    for (let layer = 0; layer < 2; layer++)
      for (const linear of LINEARS)
        expect(bits).toContainEqual([`l${layer}.${linear.replace('_proj', '')}.q`, four(layer, linear) ? 4 : 8]);
  });

  it('keeps tied tables once where the form can', () => {
    const bytes = (form: FormName, tied: boolean) =>
      buildDecoder({
        config: { ...base, tiedEmbeddings: tied },
        ffnSizes: [72, 72],
        form,
        outerForm: form,
        use: 'engine',
        headSink: true,
        presents: 'fresh',
        maxPositions: 16,
      }).initializers.reduce((n, i) => (i.data ? n : n + byteSize(i)), 0);
    expect(bytes('f32', false) - bytes('f32', true)).toBe(base.vocabSize * base.hiddenSize * 4);
    expect(bytes('dyn8', false)).toBe(bytes('dyn8', true));
  });

  it('costs about two operations a parameter and token for the built-in model', () => {
    const config = configFromJson(
      JSON.parse(readFileSync('static/builtin/config.json', 'utf8')) as Record<string, unknown>,
    );
    const { hiddenSize: h, layers, intermediateSize: f, heads, kvHeads, headDim: d, vocabSize } = config;
    const parameters = layers * (2 * h * heads * d + 2 * h * kvHeads * d + 3 * h * f) + vocabSize * h;
    const graph = buildDecoder({
      config,
      ffnSizes: Array<number>(layers).fill(f),
      form: 'f32',
      outerForm: 'f32',
      use: 'engine',
      headSink: true,
      presents: 'fresh',
      maxPositions: 1024,
    });
    const cost = (S: number, P: number) =>
      graphCost(graph, { [DIMS.B]: 1, [DIMS.S]: S, [DIMS.P]: P, [DIMS.T]: S + P, n: 1 });
    const decode = cost(1, 0);
    expect(decode.operations / (2 * parameters)).toBeGreaterThan(1);
    expect(decode.operations / (2 * parameters)).toBeLessThan(1.05);
    // A step reads every weight once; the tied table only once, and one of its rows more.
    expect(decode.weightBytes / (4 * parameters)).toBeGreaterThan(1);
    expect(decode.weightBytes / (4 * parameters)).toBeLessThan(1.05 + (1024 * d * 4) / (4 * parameters));
    // Attention adds 4 operations a past token, head, channel and layer.
    const step = cost(1, 500).operations - cost(1, 499).operations;
    expect(step).toBeGreaterThanOrEqual(4 * heads * d * layers);
    expect(step).toBeLessThan(4 * heads * d * layers * 1.1);
    // Prefill skips the output projection of all but one position.
    expect(cost(256, 0).operations).toBeLessThan(256 * decode.operations);
  });

  it('rounds nothing it need not: dequantized blocks pass through f32 packing unchanged', () => {
    const t = PRECISIONS.int8.store(Float32Array.of(0.5, -1, 0.25, 2), 2, 2);
    expect(transpose(transpose(dequantize(t), 2, 2), 2, 2)).toEqual(dequantize(t));
  });
});

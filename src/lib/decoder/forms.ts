import { dequantize, halves, BLOCK, bytesOf, type StoredTensor } from '../tensor/stored';
import { TILE_ROWS } from '../tensor/masks';
import type { GraphBuilder } from '../graph/builder';
import { DTYPES } from '../graph/graph';
import { packRows8, transpose } from '../tensor/pack';

/**
 * How a stored tensor is computed with: one row per form. `linear` emits y = x W^T for W [out, in], `embed` emits the
 * rows of a table [vocabulary, hidden] picked by ids, and the pack functions make the weights those declared. A form is
 * the whole story of a kernel: engines choose one, and the record names it.
 */
export interface Form {
  /** Activation dtype the rest of the graph must have. */
  activation: 'float32' | 'float16';
  linear(e: Emit, x: string, name: string, out: number, into: number): string;
  linearWeights(name: string, t: StoredTensor): GraphWeight[];
  /** `tied`: the table is the output projection's own weight, already (or about to be) declared under `name`. */
  embed(e: Emit, ids: string, name: string, vocabulary: number, hidden: number, tied: boolean): string;
  embeddingWeights(name: string, t: StoredTensor, tied: boolean): GraphWeight[];
}

export interface GraphWeight {
  name: string;
  data: Uint8Array<ArrayBuffer>;
}

/** What an emitter works with: the builder, and activations already quantized (each is quantized once). */
export interface Emit {
  g: GraphBuilder;
  quantized: Map<string, { values: string; scale: string }>;
}

export type FormName = 'f32' | 'f16' | 'tiles32' | 'tiles16' | 'dyn8' | 'nbits8' | 'nbits4';

/** Weights as floating-point matrices [in, out]. */
function floating(dtype: 'float32' | 'float16'): Form {
  const cast = (t: Float32Array) => (dtype === 'float32' ? t : halves(t));
  return {
    activation: dtype,
    linear: ({ g }, x, name, out, into) => g.op('MatMul', [x, g.weight(`${name}.w`, dtype, [into, out])]),
    linearWeights: (name, t) => [
      { name: `${name}.w`, data: bytesOf(cast(transpose(dequantize(t), t.rows, t.columns))) },
    ],
    embed({ g }, ids, name, vocabulary, hidden, tied) {
      if (!tied) return g.op('Gather', [g.weight(`${name}.w`, dtype, [vocabulary, hidden]), ids]);
      // One copy serves both: the projection wants [hidden, vocabulary], so its columns are gathered and turned.
      const columns = g.op('Gather', [g.weight(`${name}.w`, dtype, [hidden, vocabulary]), ids], { axis: 1 });
      return g.op('Transpose', [columns], { perm: [1, 2, 0] });
    },
    embeddingWeights: (name, t, tied) => (tied ? [] : [{ name: `${name}.w`, data: bytesOf(cast(dequantize(t))) }]),
  };
}

/**
 * 2:4 whose pattern is shared by tiles of 128 outputs: each tile multiplies only the inputs it keeps, so a dense product
 * with half the weights. Inputs are gathered once per tile: [1, S, K] -> [1, tiles, S, K / 2] x [tiles, K / 2, 128].
 */
function tiles(dtype: 'float32' | 'float16'): Form {
  const dense = floating(dtype);
  const cast = (t: Float32Array) => (dtype === 'float32' ? t : halves(t));
  const shape = (out: number, into: number) => ({ count: Math.ceil(out / TILE_ROWS), kept: 2 * Math.ceil(into / 4) });
  return {
    ...dense,
    linear({ g }, x, name, out, into) {
      const { count, kept } = shape(out, into);
      const picked = g.op('Gather', [x, g.weight(`${name}.kept`, 'int32', [count, kept])], { axis: 2 });
      const byTile = g.op('Transpose', [picked], { perm: [0, 2, 1, 3] });
      const y = g.op('MatMul', [byTile, g.weight(`${name}.w`, dtype, [count, kept, TILE_ROWS])]);
      const byToken = g.op('Transpose', [y], { perm: [0, 2, 1, 3] });
      const rows = g.op('Reshape', [byToken, g.constant([0, 0, count * TILE_ROWS])]);
      if (out === count * TILE_ROWS) return rows;
      return g.op('Slice', [rows, g.constant([0]), g.constant([out]), g.constant([2])]);
    },
    linearWeights(name, t) {
      const w = dequantize(t);
      const { count, kept } = shape(t.rows, t.columns);
      const index = new Int32Array(count * kept);
      const values = new Float32Array(count * kept * TILE_ROWS);
      for (let tile = 0; tile < count; tile++) {
        const r0 = tile * TILE_ROWS;
        const r1 = Math.min(r0 + TILE_ROWS, t.rows);
        const inputs = keptInputs(w, t.columns, r0, r1);
        index.set(inputs, tile * kept);
        inputs.forEach((c, i) => {
          // A short last group lists its only input twice: the second time against zeros.
          if (c === inputs[i - 1]) return;
          const to = (tile * kept + i) * TILE_ROWS;
          for (let r = r0; r < r1; r++) values[to + r - r0] = w[r * t.columns + c] as number;
        });
      }
      return [
        { name: `${name}.kept`, data: bytesOf(index) },
        { name: `${name}.w`, data: bytesOf(cast(values)) },
      ];
    },
  };
}

/** The two inputs of each four that rows r0..r1 use, ascending; unused ones fill up. Throws where a group uses more. */
function keptInputs(w: Float32Array, columns: number, r0: number, r1: number): number[] {
  const out: number[] = [];
  for (let c = 0; c < columns; c += 4) {
    const group = Array.from({ length: Math.min(4, columns - c) }, (_, i) => c + i);
    const used = group.filter((k) => {
      for (let r = r0; r < r1; r++) if (w[r * columns + k] !== 0) return true;
      return false;
    });
    if (used.length > 2) throw new TypeError('this matrix is not 2:4 by tiles');
    const free = group.filter((k) => !used.includes(k));
    while (used.length < 2) used.push(free.shift() ?? c);
    out.push(...used.sort((a, b) => a - b));
  }
  return out;
}

/** MatMulNBits: blocks as stored, unpacked by the kernel. */
function nbits(bits: 4 | 8): Form {
  const blobBytes = (BLOCK * bits) / 8;
  const blocks = (into: number) => Math.ceil(into / BLOCK);
  const declare = (g: GraphBuilder, name: string, out: number, into: number) => [
    g.weight(`${name}.q`, 'uint8', [out, blocks(into), blobBytes]),
    g.weight(`${name}.s`, 'float32', [out, blocks(into)]),
  ];
  const pack = (name: string, t: StoredTensor): GraphWeight[] => {
    if (t.format !== 'blocks' || t.bits !== bits) throw new TypeError(`${name} is not stored in ${bits}-bit blocks`);
    return [
      { name: `${name}.q`, data: bytesOf(t.data) },
      { name: `${name}.s`, data: bytesOf(t.scales) },
    ];
  };
  return {
    activation: 'float32',
    linear: ({ g }, x, name, out, into) =>
      g.op('MatMulNBits', [x, ...declare(g, name, out, into)], {
        K: into,
        N: out,
        bits,
        block_size: BLOCK,
        // 0 = no promise to round activations, which some GPUs would use to go through int8.
        accuracy_level: 0,
      }),
    linearWeights: pack,
    embed({ g }, ids, name, vocabulary, hidden) {
      if (bits !== 8) throw new TypeError('embeddings are stored in 8 bits or more');
      const [q, s] = declare(g, name, vocabulary, hidden) as [string, string];
      const rows = g.op('Cast', [g.op('Gather', [q, ids])], { to: DTYPES.float32.onnx });
      const centred = g.op('Sub', [rows, g.constant(1 << (bits - 1), 'float32')]);
      const scale = g.op('Unsqueeze', [g.op('Gather', [s, ids]), g.constant([3])]);
      return g.op('Reshape', [g.op('Mul', [centred, scale]), g.constant([0, 0, blocks(hidden) * BLOCK])]);
    },
    embeddingWeights: (name, t, tied) => (tied ? [] : pack(name, t)),
  };
}

/** Zero point of uint8 activations: the WASM build multiplies uint8 by int8 ten times faster than int8 by int8. */
const ACTIVATION_ZERO = 128;

/**
 * int8 weights with one scale per output; activations as two uint8 terms per token, x = s (h + l / 254): a coarse one
 * and what it leaves over, so 16 bits in all. One term alone makes results chaotic: a difference in the last bit of a
 * float flips roundings until the NLL of a short text moves by 1 %. Both terms are rows of one product, so weights are
 * still read once; per token, so that a result does not depend on what else is in the prompt.
 */
const dyn8: Form = {
  activation: 'float32',
  linear(e, x, name, out, into) {
    const { g } = e;
    const { values, scale } = quantizeActivations(e, x);
    // [2, S, out] = terms x weights, already times the weights' scales.
    const terms = g.op('MatMulIntegerToFloat', [
      values,
      g.weight(`${name}.q`, 'int8', [into, out]),
      g.constant(1, 'float32'),
      g.weight(`${name}.s`, 'float32', [out]),
      g.constant(ACTIVATION_ZERO, 'uint8'),
    ]);
    return g.op('ReduceSum', [g.op('Mul', [terms, scale]), g.constant([0])], { keepdims: 1 });
  },
  linearWeights(name, t) {
    const { q, scales } = packRows8(dequantize(t), t.rows, t.columns, 'transposed');
    return [
      { name: `${name}.q`, data: bytesOf(q) },
      { name: `${name}.s`, data: bytesOf(scales) },
    ];
  },
  /** Rows as uint8 around 128 (an int8 Gather falls to the CPU on WebGPU), never shared with the projection. */
  embed({ g }, ids, name, vocabulary, hidden) {
    const rows = g.op('Cast', [g.op('Gather', [g.weight(`${name}.rows.q`, 'uint8', [vocabulary, hidden]), ids])], {
      to: DTYPES.float32.onnx,
    });
    const scale = g.op('Gather', [g.weight(`${name}.rows.s`, 'float32', [vocabulary, 1]), ids]);
    return g.op('Mul', [g.op('Sub', [rows, g.constant(ACTIVATION_ZERO, 'float32')]), scale]);
  },
  embeddingWeights(name, t) {
    const { q, scales } = packRows8(dequantize(t), t.rows, t.columns, 'rows');
    const offset = bytesOf(q);
    for (let i = 0; i < offset.length; i++) offset[i] = (offset[i] as number) ^ ACTIVATION_ZERO;
    return [
      { name: `${name}.rows.q`, data: offset },
      { name: `${name}.rows.s`, data: bytesOf(scales) },
    ];
  },
};

/** Steps of the second term within one step of the first: |rest| <= 1/2 becomes |l| <= 127. */
const FINE_STEPS = 254;

/** [1, S, K] -> uint8 [2, S, K] (coarse term, fine term) and their scales [2, S, 1]. */
function quantizeActivations(e: Emit, x: string): { values: string; scale: string } {
  const known = e.quantized.get(x);
  if (known) return known;
  const { g } = e;
  const f32 = (n: number) => g.constant(n, 'float32');
  const largest = g.op('Max', [g.op('ReduceMax', [g.op('Abs', [x]), g.constant([-1])], { keepdims: 1 }), f32(1e-12)]);
  const steps = g.op('Mul', [x, g.op('Div', [f32(127), largest])]);
  const coarse = g.op('Round', [steps]);
  const fine = g.op('Round', [g.op('Mul', [g.op('Sub', [steps, coarse]), f32(FINE_STEPS)])]);
  const both = g.op('Add', [g.op('Concat', [coarse, fine], { axis: 0 }), f32(ACTIVATION_ZERO)]);
  const step = g.op('Mul', [largest, f32(1 / 127)]);
  const made = {
    values: g.op('Cast', [both], { to: DTYPES.uint8.onnx }),
    scale: g.op('Concat', [step, g.op('Mul', [step, f32(1 / FINE_STEPS)])], { axis: 0 }),
  };
  e.quantized.set(x, made);
  return made;
}

export const FORMS: Readonly<Record<FormName, Form>> = {
  f32: floating('float32'),
  f16: floating('float16'),
  tiles32: tiles('float32'),
  tiles16: tiles('float16'),
  dyn8,
  nbits8: nbits(8),
  nbits4: nbits(4),
};

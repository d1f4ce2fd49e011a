import { DTYPES } from '../graph/graph';
import type { GraphBuilder } from '../graph/builder';
import { BLOCK, bytesOf, dequantize, type StoredTensor } from '../tensor/stored';

/** Weights by the names that a graph declares. */
export interface StepWeight {
  name: string;
  data: Uint8Array<ArrayBuffer>;
}

/** A frozen matrix [rows, columns] in a graph. */
export interface FrozenMatrix {
  /** Float32 [rows, columns], for a product. */
  value: string;
  /**
   * The same on the way back, where `value` is not kept for it: made when the gradient `after` is there, and not before.
   * Null = `value` is kept anyway.
   */
  again: ((after: string) => string) | null;
  /** Rows that int64 `ids` [n] pick: float32 [n, columns]. */
  rows(ids: string): string;
}

/** How a stored matrix stands in a graph of a step: one row a format. All is computed in float32. */
interface StepForm {
  declare(g: GraphBuilder, name: string, t: StoredTensor): FrozenMatrix;
  weights(name: string, t: StoredTensor): StepWeight[];
}

/** As float32, which fp32 and fp16 are without loss. */
const floats: StepForm = {
  declare(g, name, { rows, columns }) {
    const value = g.weight(name, 'float32', [rows, columns]);
    return { value, again: null, rows: (ids) => g.op('Gather', [value, ids]) };
  },
  weights: (name, t) => [{ name, data: bytesOf(dequantize(t)) }],
};

const blocksOf = ({ columns }: StoredTensor) => Math.ceil(columns / BLOCK);

/** Blocks as they are stored, made float32 for each product, on the way there and again on the way back. */
function blocks(bits: 4 | 8): StepForm {
  const dtype = bits === 8 ? 'uint8' : 'uint4';
  const zero = 1 << (bits - 1);
  const zeros = (t: StoredTensor) => `zeros${bits}.${t.rows}x${blocksOf(t)}`;
  return {
    declare(g, name, t) {
      const { rows, columns } = t;
      const padded = blocksOf(t) * BLOCK;
      const q = g.weight(`${name}.q`, dtype, [rows, padded]);
      const s = g.weight(`${name}.s`, 'float32', [rows, blocksOf(t)]);
      const z = g.weight(zeros(t), dtype, [rows, blocksOf(t)]);
      const cut = (x: string) =>
        padded === columns ? x : g.op('Slice', [x, g.constant([0]), g.constant([columns]), g.constant([1])]);
      const unpacked = (scales: string) =>
        cut(g.op('DequantizeLinear', [q, scales, z], { axis: 1, block_size: BLOCK }));
      return {
        value: unpacked(s),
        again(after) {
          // 0 times one element of the gradient: else ONNX Runtime takes both for one and keeps every matrix in float32.
          const corner = g.op('Slice', [after, g.constant([0, 0]), g.constant([1, 1]), g.constant([0, 1])]);
          return unpacked(g.op('Add', [s, g.op('Mul', [corner, g.constant(0, 'float32')])]));
        },
        rows(ids) {
          if (bits !== 8) throw new TypeError('embeddings are stored in 8 bits or more');
          const picked = g.op('Cast', [g.op('Gather', [q, ids])], { to: DTYPES.float32.onnx });
          const centred = g.op('Reshape', [
            g.op('Sub', [picked, g.constant(zero, 'float32')]),
            g.constant([-1, blocksOf(t), BLOCK]),
          ]);
          const scales = g.op('Unsqueeze', [g.op('Gather', [s, ids]), g.constant([2])]);
          return cut(g.op('Reshape', [g.op('Mul', [centred, scales]), g.constant([-1, padded])]));
        },
      };
    },
    weights(name, t) {
      if (t.format !== 'blocks') throw new TypeError(`${name} is not stored in blocks`);
      const each = bits === 8 ? zero : zero | (zero << 4);
      return [
        { name: `${name}.q`, data: bytesOf(t.data) },
        { name: `${name}.s`, data: bytesOf(t.scales) },
        { name: zeros(t), data: new Uint8Array(Math.ceil((t.rows * blocksOf(t) * bits) / 8)).fill(each) },
      ];
    },
  };
}

const FORMS = { fp32: floats, fp16: floats, int8: blocks(8), int4: blocks(4) } as const;

const formOf = (t: StoredTensor) => FORMS[t.format === 'blocks' ? (t.bits === 8 ? 'int8' : 'int4') : t.format];

/** Declares a stored matrix under a name. */
export const declareMatrix = (g: GraphBuilder, name: string, t: StoredTensor) => formOf(t).declare(g, name, t);
/** What was declared, in bytes; matrices of equal shapes share their zero points. */
export const matrixWeights = (name: string, t: StoredTensor) => formOf(t).weights(name, t);

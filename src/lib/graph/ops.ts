import { JoulewiseError, quote } from '../core/errors';
import { elementCount, type Attribute } from './graph';

/**
 * One row per operator: its domain, how output shapes follow from concrete input shapes, and how many operations it
 * does. Bytes are the same for all: inputs and outputs once each (caches hold nothing between nodes), so only the
 * exceptions say otherwise.
 */
export interface OpRow {
  domain: '' | 'com.microsoft';
  shape(node: OpContext): Shape[];
  /** Floating-point or integer operations; a multiply-add counts two. Default: one per output element. */
  operations?(node: OpContext, out: Shape): number;
  /** Elements of each input that are really read, where not all (Gather reads the rows it picks). */
  reads?(node: OpContext, input: number, out: Shape): number | null;
}

export type Shape = readonly number[];

export interface OpContext {
  op: string;
  /** null where an optional input is absent. */
  inputs: readonly (Shape | null)[];
  /** Integer values of a constant input, e.g. the target of Reshape. */
  constants: readonly (readonly number[] | null)[];
  attributes: Readonly<Record<string, Attribute>>;
}

const need = (c: OpContext, i: number): Shape => {
  const s = c.inputs[i];
  if (!s) throw new JoulewiseError('internal', `Input ${i} of ${c.op} has no shape.`);
  return s;
};
const attribute = (c: OpContext, name: string, fallback: number): number => {
  const a = c.attributes[name];
  return typeof a === 'number' ? a : fallback;
};
const axis = (a: number, rank: number) => (a < 0 ? a + rank : a);

/** NumPy broadcasting. */
function broadcast(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const dims = shapes.map((s) => s[i - rank + s.length] ?? 1);
    return Math.max(...dims) === 0 || dims.includes(0) ? 0 : Math.max(...dims);
  });
}

const elementwise = (cost = 1): OpRow => ({
  domain: '',
  shape: (c) => [broadcast(c.inputs.filter((s) => s !== null))],
  operations: (_, out) => cost * elementCount(out),
});

const reduce: OpRow = {
  domain: '',
  shape(c) {
    const x = need(c, 0);
    const axes = (c.constants[1] ?? x.map((_, i) => i)).map((a) => axis(a, x.length));
    const keep = attribute(c, 'keepdims', 1) === 1;
    return [x.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]))];
  },
  operations: (c) => elementCount(need(c, 0)),
};

const matmulShape = (c: OpContext): Shape[] => {
  const a = need(c, 0);
  const b = need(c, 1);
  return [[...broadcast([a.slice(0, -2), b.slice(0, -2)]), a.at(-2) as number, b.at(-1) as number]];
};
const matmul: OpRow = {
  domain: '',
  shape: matmulShape,
  operations: (c, out) => 2 * elementCount(out) * (need(c, 0).at(-1) as number),
};

/** RMS normalisation: square, sum, scale, weight. */
const rmsNorm = (c: OpContext) => 4 * elementCount(need(c, 0));

/** Operators by name. */
export const OPS: Readonly<Record<string, OpRow>> = {
  Add: elementwise(),
  Sub: elementwise(),
  Mul: elementwise(),
  Div: elementwise(),
  Max: elementwise(),
  Abs: elementwise(),
  Round: elementwise(),
  Floor: elementwise(),
  Cast: elementwise(),
  Neg: elementwise(),
  Min: elementwise(),
  Sqrt: elementwise(),
  Exp: elementwise(),
  // exp, add, divide
  Sigmoid: elementwise(4),
  // subtract the largest, exp, add, divide
  Softmax: elementwise(4),
  ReduceMax: reduce,
  ReduceSum: reduce,
  ReduceMean: reduce,
  // exp and add
  ReduceLogSumExp: { ...reduce, operations: (c) => 2 * elementCount(need(c, 0)) },
  MatMul: matmul,
  /** alpha A B + C, each of A and B as it is or turned. */
  Gemm: {
    domain: '',
    shape(c) {
      const turned = (i: number, name: string) => {
        const s = need(c, i);
        return attribute(c, name, 0) ? [...s].reverse() : s;
      };
      return [[turned(0, 'transA')[0] as number, turned(1, 'transB')[1] as number]];
    },
    operations(c, out) {
      const inner = need(c, 0)[attribute(c, 'transA', 0) ? 0 : 1] as number;
      return 2 * elementCount(out) * inner + (c.inputs[2] ? elementCount(out) : 0);
    },
  },
  MatMulInteger: matmul,
  MatMulIntegerToFloat: { ...matmul, domain: 'com.microsoft' },
  MatMulNBits: {
    domain: 'com.microsoft',
    shape: (c) => [[...need(c, 0).slice(0, -1), attribute(c, 'N', 0)]],
    operations: (c, out) => 2 * elementCount(out) * attribute(c, 'K', 0),
  },
  /** Blocks along the last dimension: (x - zero point) scale. */
  DequantizeLinear: { domain: '', shape: (c) => [need(c, 0)], operations: (_, out) => 2 * elementCount(out) },
  Gather: {
    domain: '',
    shape(c) {
      const x = need(c, 0);
      const a = axis(attribute(c, 'axis', 0), x.length);
      return [[...x.slice(0, a), ...need(c, 1), ...x.slice(a + 1)]];
    },
    operations: () => 0,
    reads: (_, input, out) => (input === 0 ? elementCount(out) : null),
  },
  /** Constant starts, ends and axes, steps of one. */
  Slice: {
    domain: '',
    shape(c) {
      const out = [...need(c, 0)];
      const [, starts, ends, axes] = c.constants;
      axes?.forEach((a, i) => {
        const d = axis(a, out.length);
        out[d] = Math.min(ends?.[i] as number, out[d] as number) - (starts?.[i] as number);
      });
      return [out];
    },
    operations: () => 0,
    reads: (_, input, out) => (input === 0 ? elementCount(out) : null),
  },
  /** Rows of input 2 added to input 0 (`reduction` add) at the indices of input 1 [n, 1]. */
  ScatterND: { domain: '', shape: (c) => [need(c, 0)], operations: (c) => elementCount(need(c, 2)) },
  Expand: {
    domain: '',
    shape(c) {
      const target = c.constants[1];
      if (!target) throw new JoulewiseError('internal', 'Expand needs a constant shape.');
      return [broadcast([need(c, 0), target])];
    },
    operations: () => 0,
  },
  /** Sizes are a constant. */
  Split: {
    domain: '',
    shape(c) {
      const x = need(c, 0);
      const a = axis(attribute(c, 'axis', 0), x.length);
      return (c.constants[1] ?? []).map((size) => x.map((d, i) => (i === a ? size : d)));
    },
    operations: () => 0,
  },
  Transpose: {
    domain: '',
    shape(c) {
      const perm = c.attributes['perm'] as readonly number[];
      return [perm.map((p) => need(c, 0)[p] as number)];
    },
    operations: () => 0,
  },
  Reshape: {
    domain: '',
    shape(c) {
      const x = need(c, 0);
      const target = c.constants[1];
      if (!target) throw new JoulewiseError('internal', 'Reshape needs a constant shape.');
      const dims = target.map((d, i) => (d === 0 ? (x[i] as number) : d));
      const known = dims.reduce((a, d) => (d === -1 ? a : a * d), 1);
      return [dims.map((d) => (d === -1 ? elementCount(x) / known : d))];
    },
    operations: () => 0,
    // A view: no bytes move.
    reads: () => 0,
  },
  Unsqueeze: {
    domain: '',
    shape(c) {
      const x = [...need(c, 0)];
      for (const a of c.constants[1] ?? []) x.splice(axis(a, x.length + 1), 0, 1);
      return [x];
    },
    operations: () => 0,
    reads: () => 0,
  },
  Concat: {
    domain: '',
    shape(c) {
      const first = need(c, 0);
      const a = axis(attribute(c, 'axis', 0), first.length);
      const total = c.inputs.reduce((n, s) => n + ((s as Shape)[a] as number), 0);
      return [first.map((d, i) => (i === a ? total : d))];
    },
    operations: () => 0,
  },
  Shape: { domain: '', shape: (c) => [[need(c, 0).length]], operations: () => 0, reads: () => 0 },
  /** Inputs: x [1, rows, width], first position, cosines and sines [positions, half a head]. */
  RotaryEmbedding: {
    domain: 'com.microsoft',
    shape: (c) => [need(c, 0)],
    operations: (_, out) => 3 * elementCount(out),
  },
  SimplifiedLayerNormalization: { domain: '', shape: (c) => [need(c, 0)], operations: rmsNorm },
  SkipSimplifiedLayerNormalization: {
    domain: 'com.microsoft',
    shape: (c) => [need(c, 0), need(c, 0), need(c, 0), need(c, 0)],
    operations: (c) => rmsNorm(c) + elementCount(need(c, 0)),
  },
  /** Inputs: query, key, value, past_key, past_value, ...; causal, so half the square of the new tokens. */
  GroupQueryAttention: {
    domain: 'com.microsoft',
    shape(c) {
      const past = need(c, 3);
      const total = (past[2] as number) + (need(c, 0)[1] as number);
      const present = [past[0] as number, past[1] as number, total, past[3] as number];
      return [need(c, 0), present, present];
    },
    operations(c) {
      const [b, s, width] = need(c, 0) as [number, number, number];
      const past = need(c, 3)[2] as number;
      const pairs = s * past + (s * (s + 1)) / 2;
      return 4 * b * pairs * width;
    },
    // Inputs 7 and 8 are the rope tables: one row a token.
    reads: (c, input) =>
      input === 7 || input === 8 ? (need(c, 0)[1] as number) * (need(c, input)[1] as number) : null,
  },
};

export function opRow(op: string): OpRow {
  const row = Object.hasOwn(OPS, op) ? OPS[op] : undefined;
  if (!row) throw new JoulewiseError('internal', `Operator ${quote(op)} has no row in the table of operators.`);
  return row;
}

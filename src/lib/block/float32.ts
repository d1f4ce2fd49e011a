import {
  BIAS_OF,
  GROUPS,
  INPUT_GROUPS,
  LINEARS,
  linearShapes,
  names,
  readVectors,
  type ropeTables,
  type BlockVectors,
  type GroupName,
  type LinearName,
  type VectorName,
} from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { describe, packedA, packedB, type Matrix } from '../matrix/matrix';
import { openProducts, type LaidLinear } from './products';
import { rowsOf, type PlacedSpan } from './spans';

/** A block's weights as they are read: linear [out, in], norms and biases. */
export interface BlockWeights {
  linear: Readonly<Record<LinearName, Float32Array<ArrayBuffer>>>;
  vectors: BlockVectors;
}

/** A block's weights where they are used: linear layers as they are stored, described in the matrix's memory. */
export interface BlockSource {
  linear: Readonly<Record<LinearName, LaidLinear>>;
  /** Addresses of norms and biases, float32. */
  vectors: Readonly<Partial<Record<VectorName, number>>>;
}

/** Norms and biases that were read, put into a matrix's memory. */
export const putVectors = (m: Matrix, vectors: BlockVectors): BlockSource['vectors'] =>
  Object.fromEntries(
    (Object.entries(vectors) as [VectorName, Float32Array<ArrayBuffer>][]).map(([name, data]) => [name, m.put(data)]),
  );

/** Weights that were read, put into a matrix's memory. */
export function sourceOf(
  m: Matrix,
  { linear, vectors }: BlockWeights,
  shapes: Readonly<Record<LinearName, readonly [rows: number, columns: number]>>,
): BlockSource {
  const put = (l: LinearName): LaidLinear => {
    const [rows, columns] = shapes[l];
    return { at: describe(m, { form: 'fp32', rows, columns, data: m.put(linear[l]), scales: 0 }), levels: false };
  };
  return {
    linear: Object.fromEntries(LINEARS.map((l) => [l, put(l)])) as Record<LinearName, LaidLinear>,
    vectors: putVectors(m, vectors),
  };
}

/** Reads the weights of one block, one tensor after the other. */
export async function readBlock(
  config: ModelConfig,
  layer: number,
  read: (name: string) => Promise<Float32Array<ArrayBuffer>>,
): Promise<BlockWeights> {
  const linear = {} as Record<LinearName, Float32Array<ArrayBuffer>>;
  for (const l of LINEARS) linear[l] = await read(names.linear(layer, l));
  return { linear, vectors: await readVectors(config, layer, read) };
}

/**
 * Who looks on while a block runs: `x` and `y` are addresses, float32 [tokens, features]. A tap may change
 * `y`, and overwrite the block's `right` and, where it is not said otherwise, `left`; nothing else.
 */
export interface Taps {
  /** What the linear layers of a group are about to read. */
  onInput?(group: GroupName, x: number, tokens: number): void;
  /** What a linear layer gave, before its bias; the block's `left` holds what it read, packed, and must be left so. */
  onOutput?(linear: LinearName, y: number, tokens: number): void;
}

/** A block in a matrix's memory, for passes of at most `tokens` rows. */
export interface Float32Block {
  /** Panels of products, at least [features, tokens] and [tokens, features] of any group. */
  readonly left: number;
  readonly right: number;
  /** Values of a row that a group reads, and that a linear layer gives. */
  readonly features: Readonly<Record<GroupName, number>>;
  readonly outputs: Readonly<Record<LinearName, number>>;
  /** The block's output in place of its input: hidden states [rows of all spans, hidden] float32 at address `x`. */
  run(x: number, spans: readonly PlacedSpan[], taps?: Taps): void;
}

/** Turns heads by their positions: rows of x [rows, heads, headDim], forth or (of gradients) back. */
export function turn(
  { k }: Matrix,
  x: number,
  spans: readonly PlacedSpan[],
  { cos, sin }: { cos: number; sin: number },
  heads: number,
  headDim: number,
): void {
  for (const { row, tokens, past } of spans) {
    const at = past * (headDim / 2) * 4;
    k.rope(x + row * heads * headDim * 4, cos + at, sin + at, tokens, heads, headDim);
  }
}

/** Columns of a span's scores: what it sees, filled up to a multiple of 4. */
export const scoreColumns = ({ past, tokens }: PlacedSpan) => Math.ceil((past + tokens) / 4) * 4;

/**
 * softmax(q k^T / sqrt(headDim)) of one head and one span into `scores` [tokens, scoreColumns], zeros where nothing is
 * seen. `q`, `k` are the head's addresses in rows of `qStride` and `kStride` floats.
 */
export function attentionWeights(
  { k: kernels }: Matrix,
  span: PlacedSpan,
  o: { q: number; qStride: number; k: number; kStride: number; headDim: number },
  { left, right, scores }: { left: number; right: number; scores: number },
): void {
  const columns = scoreColumns(span);
  kernels.packA(o.q + span.row * o.qStride * 4, o.qStride, span.tokens, o.headDim, left, 1);
  let to = scores;
  for (const { row, tokens } of span.seen) {
    kernels.packBTransposed(o.k + row * o.kStride * 4, o.kStride, tokens, o.headDim, right);
    kernels.gemm(left, right, to, columns, span.tokens, tokens, o.headDim, false, false);
    to += tokens * 4;
  }
  kernels.causalSoftmax(scores, span.tokens, columns, span.past, 1 / Math.sqrt(o.headDim));
}

/**
 * Lays a block of `checkpoint/block.ts` out in a matrix's memory; all but products in levels is float32. Call it within `m.within`, which frees it.
 * A pass has at most `tokens` rows, a span sees at most `tokens` of them; `rope` reaches to the last position; `ffn` neurons where
 * they are not the config's.
 */
export function layBlock(
  m: Matrix,
  config: ModelConfig,
  { linear: weights, vectors: vector }: BlockSource,
  o: { tokens: number; rope: ReturnType<typeof ropeTables>; ffn?: number },
): Float32Block {
  const { k } = m;
  const { hiddenSize: hidden, heads, kvHeads, headDim, normEpsilon } = config;
  const ffn = o.ffn ?? config.intermediateSize;
  const shapes = linearShapes(config, ffn);
  const q = heads * headDim;
  const kv = kvHeads * headDim;
  const [cos, sin] = [m.put(o.rope.cos), m.put(o.rope.sin)];
  const T = o.tokens;
  const widest = Math.max(hidden, q, ffn);
  const floats = (n: number) => m.take(n * 4);
  const normed = floats(T * hidden);
  const left = floats(Math.max(packedA(T, Math.max(widest, T)), packedA(widest, T)));
  const right = floats(Math.max(packedB(widest, T), packedB(T, headDim), packedB(headDim, T)));
  const products = openProducts(m, weights, { left, rows: T, widest });
  const scores = floats(T * Math.ceil(T / 4) * 4);
  const mixed = floats(T * q);
  const added = floats(T * hidden);
  const outputs: Record<LinearName, number> = {
    q_proj: floats(T * q),
    k_proj: floats(T * kv),
    v_proj: floats(T * kv),
    o_proj: added,
    gate_proj: floats(T * ffn),
    up_proj: floats(T * ffn),
    down_proj: added,
  };
  const { q_proj: Q, k_proj: K, v_proj: V, gate_proj: gate, up_proj: up } = outputs;

  /** All linear layers of a group: y [tokens, out] = x [tokens, in] W^T. */
  const project = (group: GroupName, x: number, tokens: number, taps: Taps) => {
    taps.onInput?.(group, x, tokens);
    const [, into] = shapes[INPUT_GROUPS[group][0]];
    products.read(x, tokens, into);
    for (const linear of INPUT_GROUPS[group]) {
      const [out] = shapes[linear];
      const y = outputs[linear];
      products.times(linear, y, tokens, out);
      taps.onOutput?.(linear, y, tokens);
      const bias = linear in BIAS_OF ? vector[BIAS_OF[linear as keyof typeof BIAS_OF]] : undefined;
      if (bias !== undefined) k.addRow(y, bias, tokens, out);
    }
  };
  const norm = (weight: VectorName, x: number, y: number, rows: number, size: number) => {
    const at = vector[weight];
    if (at !== undefined) k.rmsNorm(x, at, y, rows, size, normEpsilon);
  };
  const attend = (tokens: number, spans: readonly PlacedSpan[]) => {
    norm('qNorm', Q, Q, tokens * heads, headDim);
    norm('kNorm', K, K, tokens * kvHeads, headDim);
    turn(m, Q, spans, { cos, sin }, heads, headDim);
    turn(m, K, spans, { cos, sin }, kvHeads, headDim);
    for (let h = 0; h < heads; h++) {
      const group = Math.floor((h * kvHeads) / heads) * headDim * 4;
      const own = h * headDim * 4;
      for (const span of spans) {
        const columns = scoreColumns(span);
        attentionWeights(
          m,
          span,
          { q: Q + own, qStride: q, k: K + group, kStride: kv, headDim },
          { left, right, scores },
        );
        let from = scores;
        for (const [i, { row, tokens: n }] of span.seen.entries()) {
          k.packA(from, columns, span.tokens, n, left, 1);
          k.packB(V + group + row * kv * 4, kv, headDim, n, right);
          k.gemm(left, right, mixed + own + span.row * q * 4, q, span.tokens, headDim, n, i > 0, false);
          from += n * 4;
        }
      }
    }
  };

  return {
    left,
    right,
    features: Object.fromEntries(GROUPS.map((g) => [g, shapes[INPUT_GROUPS[g][0]][1]])) as Record<GroupName, number>,
    outputs: Object.fromEntries(LINEARS.map((l) => [l, shapes[l][0]])) as Record<LinearName, number>,
    run(x, spans, taps = {}) {
      const tokens = rowsOf(spans);
      norm('inputNorm', x, normed, tokens, hidden);
      project('attention', normed, tokens, taps);
      attend(tokens, spans);
      project('output', mixed, tokens, taps);
      k.addTo(x, added, tokens * hidden);
      norm('postNorm', x, normed, tokens, hidden);
      project('ffn', normed, tokens, taps);
      k.siluTimes(gate, up, tokens * ffn);
      project('down', gate, tokens, taps);
      k.addTo(x, added, tokens * hidden);
    },
  };
}

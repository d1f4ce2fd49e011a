import {
  BIAS_OF,
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
import { packedA, packedB, type Matrix } from '../matrix/matrix';

/** A block's weights as they are read: linear [out, in], norms and biases. */
export interface BlockWeights {
  linear: Readonly<Record<LinearName, Float32Array<ArrayBuffer>>>;
  vectors: BlockVectors;
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
 * Who looks on while a block runs: `x` is an address, float32 [tokens, features]. A tap may overwrite the block's
 * `left` and `right`, nothing else.
 */
export interface Taps {
  /** What the linear layers of a group are about to read. */
  onInput?(group: GroupName, x: number, tokens: number): void;
  /** What a linear layer gave, before its bias. */
  onOutput?(linear: LinearName, y: number, tokens: number): void;
}

/** A block in a matrix's memory, for sequences of at most `tokens` tokens. */
export interface Float32Block {
  /** Panels of products, at least [features, tokens] and [tokens, features] of any group. */
  readonly left: number;
  readonly right: number;
  /** The block's output in place of its input: hidden states [tokens, hidden] float32 at address `x`. */
  run(x: number, tokens: number, taps?: Taps): void;
}

/**
 * Lays a block of `checkpoint/block.ts` out in a matrix's memory, in float32; call it within `m.within`, which frees it.
 * Attention is causal over one sequence.
 */
export function layBlock(
  m: Matrix,
  config: ModelConfig,
  { linear: weights, vectors }: BlockWeights,
  o: { tokens: number; rope: ReturnType<typeof ropeTables> },
): Float32Block {
  const { k } = m;
  const { hiddenSize: hidden, intermediateSize: ffn, heads, kvHeads, headDim, normEpsilon } = config;
  const shapes = linearShapes(config, ffn);
  const q = heads * headDim;
  const kv = kvHeads * headDim;
  const packed = {} as Record<LinearName, number>;
  for (const linear of LINEARS) {
    const [out, into] = shapes[linear];
    packed[linear] = m.take(packedB(out, into) * 4);
    m.within(() => k.packBTransposed(m.put(weights[linear]), into, out, into, packed[linear]));
  }
  const vector: Partial<Record<VectorName, number>> = {};
  for (const [name, data] of Object.entries(vectors) as [VectorName, Float32Array<ArrayBuffer>][])
    vector[name] = m.put(data);
  const [cos, sin] = [m.put(o.rope.cos), m.put(o.rope.sin)];
  const T = o.tokens;
  const widest = Math.max(hidden, q, ffn);
  const floats = (n: number) => m.take(n * 4);
  const normed = floats(T * hidden);
  const left = floats(Math.max(packedA(T, Math.max(widest, T)), packedA(widest, T)));
  const right = floats(Math.max(packedB(widest, T), packedB(T, headDim), packedB(headDim, T)));
  const scores = floats(T * T);
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
  const scale = 1 / Math.sqrt(headDim);

  /** All linear layers of a group: y [tokens, out] = x [tokens, in] W^T. */
  const project = (group: GroupName, x: number, tokens: number, taps: Taps) => {
    taps.onInput?.(group, x, tokens);
    const [, into] = shapes[INPUT_GROUPS[group][0]];
    k.packA(x, into, tokens, into, left, 1);
    for (const linear of INPUT_GROUPS[group]) {
      const [out] = shapes[linear];
      const y = outputs[linear];
      k.gemm(left, packed[linear], y, out, tokens, out, into, false, false);
      taps.onOutput?.(linear, y, tokens);
      const bias = linear in BIAS_OF ? vector[BIAS_OF[linear as keyof typeof BIAS_OF]] : undefined;
      if (bias !== undefined) k.addRow(y, bias, tokens, out);
    }
  };
  const norm = (weight: VectorName, x: number, y: number, rows: number, size: number) => {
    const at = vector[weight];
    if (at !== undefined) k.rmsNorm(x, at, y, rows, size, normEpsilon);
  };
  const attend = (tokens: number) => {
    norm('qNorm', Q, Q, tokens * heads, headDim);
    norm('kNorm', K, K, tokens * kvHeads, headDim);
    k.rope(Q, cos, sin, tokens, heads, headDim);
    k.rope(K, cos, sin, tokens, kvHeads, headDim);
    for (let h = 0; h < heads; h++) {
      const group = Math.floor((h * kvHeads) / heads) * headDim * 4;
      k.packA(Q + h * headDim * 4, q, tokens, headDim, left, 1);
      k.packBTransposed(K + group, kv, tokens, headDim, right);
      k.gemm(left, right, scores, tokens, tokens, tokens, headDim, false, false);
      k.causalSoftmax(scores, tokens, scale);
      k.packA(scores, tokens, tokens, tokens, left, 1);
      k.packB(V + group, kv, headDim, tokens, right);
      k.gemm(left, right, mixed + h * headDim * 4, q, tokens, headDim, tokens, false, false);
    }
  };

  return {
    left,
    right,
    run(x, tokens, taps = {}) {
      norm('inputNorm', x, normed, tokens, hidden);
      project('attention', normed, tokens, taps);
      attend(tokens);
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

import type { Checkpoint } from '../checkpoint/checkpoint';
import { linearShapes, ropeFrequencies } from '../checkpoint/config';
import { LINEARS, names, type LinearName } from '../checkpoint/families';
import { GROUPS, type GroupName, type InputStatistics, type LayerStatistics, type Level } from '../compress/statistics';
import { JoulewiseError } from '../core/errors';
import { packedA, packedB, type Matrix } from '../matrix/matrix';

/** Some sequences on their way through the model: hidden states in, statistics of the next layer out. */
export interface Share {
  next(): Promise<LayerStatistics>;
}

/** Rows of the embedding for each sequence, [tokens, hidden] float32. */
export async function embedSequences(
  checkpoint: Checkpoint,
  sequences: readonly (readonly number[])[],
): Promise<Float32Array<ArrayBuffer>[]> {
  const { hiddenSize, vocabSize } = checkpoint.config;
  const table = await checkpoint.read(names.embedding);
  return sequences.map((ids) => {
    const out = new Float32Array(ids.length * hiddenSize);
    ids.forEach((id, i) => {
      if (id < 0 || id >= vocabSize)
        throw new JoulewiseError('internal', `Token id ${id} is outside the vocabulary of ${vocabSize}.`);
      out.set(table.subarray(id * hiddenSize, (id + 1) * hiddenSize), i * hiddenSize);
    });
    return out;
  });
}

/**
 * The Llama-family forward pass of `sequences` (hidden states [tokens, hidden], changed in place), one layer a call, in
 * float32. x^T x is summed in float32 in steps of one sequence: an entry is within 2e-6 sqrt(H_ii H_jj) of float64's.
 */
export function openShare(
  m: Matrix,
  checkpoint: Checkpoint,
  sequences: Float32Array<ArrayBuffer>[],
  level: Level,
): Share {
  const { config } = checkpoint;
  const { hiddenSize: hidden, intermediateSize: ffn, heads, kvHeads, headDim, normEpsilon } = config;
  if (hidden % 4 || ffn % 4)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      'Calibration needs hidden and FFN sizes that are multiples of 4; this model has others.',
    );
  const q = heads * headDim;
  const kv = kvHeads * headDim;
  const longest = sequences.reduce((n, s) => Math.max(n, s.length / hidden), 0);
  const sizes: Record<GroupName, number> = { attention: hidden, output: q, ffn: hidden, down: ffn };
  const shapes = linearShapes(config, ffn);
  const half = headDim / 2;
  const cosTable = new Float32Array(longest * half);
  const sinTable = new Float32Array(longest * half);
  ropeFrequencies(config).forEach((f, i) => {
    for (let t = 0; t < longest; t++) {
      cosTable[t * half + i] = Math.cos(t * f);
      sinTable[t * half + i] = Math.sin(t * f);
    }
  });

  let layer = 0;
  return {
    async next() {
      const index = layer++;
      const weights = {} as Record<LinearName, Float32Array>;
      for (const linear of LINEARS) weights[linear] = await checkpoint.read(names.linear(index, linear));
      const vector = (name: string) => checkpoint.read(name);
      const inputNorm = await vector(names.inputNorm(index));
      const postNorm = await vector(names.postNorm(index));
      const qNorm = config.qkNorm ? await vector(names.qNorm(index)) : null;
      const kNorm = config.qkNorm ? await vector(names.kNorm(index)) : null;
      const biases: Partial<Record<LinearName, Float32Array>> = {};
      if (config.qkvBias)
        for (const linear of ['q_proj', 'k_proj', 'v_proj'] as const)
          biases[linear] = await vector(names.linear(index, linear, 'bias'));

      return m.within(() => {
        const { k } = m;
        const packed = {} as Record<LinearName, number>;
        for (const linear of LINEARS) {
          const [out, into] = shapes[linear];
          packed[linear] = m.take(packedB(out, into) * 4);
          m.within(() => k.packBTransposed(m.put(weights[linear]), into, out, into, packed[linear]));
        }
        const bias = new Map(Object.entries(biases).map(([linear, data]) => [linear, m.put(data)]));
        const [norm1, norm2] = [m.put(inputNorm), m.put(postNorm)];
        const normQ = qNorm ? m.put(qNorm) : 0;
        const normK = kNorm ? m.put(kNorm) : 0;
        const [cos, sin] = [m.put(cosTable), m.put(sinTable)];
        const squaresAt = {} as Record<GroupName, number>;
        const gramAt = {} as Record<GroupName, number>;
        for (const g of GROUPS) {
          squaresAt[g] = m.take(sizes[g] * 8);
          m.f64(squaresAt[g], sizes[g]).fill(0);
          if (level === 'gram') {
            gramAt[g] = m.take(sizes[g] ** 2 * 4);
            m.f32(gramAt[g], sizes[g] ** 2).fill(0);
          }
        }
        const T = longest;
        const widest = Math.max(hidden, q, ffn);
        const x = m.take(T * hidden * 4);
        const before = m.take(T * hidden * 4);
        const normed = m.take(T * hidden * 4);
        const left = m.take(Math.max(packedA(T, Math.max(widest, T)), packedA(widest, T)) * 4);
        const right = m.take(Math.max(packedB(widest, T), packedB(T, headDim), packedB(headDim, T)) * 4);
        const Q = m.take(T * q * 4);
        const K = m.take(T * kv * 4);
        const V = m.take(T * kv * 4);
        const scores = m.take(T * T * 4);
        const mixed = m.take(T * q * 4);
        const gate = m.take(T * ffn * 4);
        const up = m.take(T * ffn * 4);
        const added = m.take(T * hidden * 4);
        const outputs = m.take(8 * widest);
        const outputSquares = Object.fromEntries(LINEARS.map((l) => [l, 0])) as Record<LinearName, number>;

        /** Statistics of one group's input, [tokens, size]. */
        const collect = (g: GroupName, at: number, tokens: number) => {
          const n = sizes[g];
          k.addSquares(at, tokens, n, squaresAt[g]);
          if (level !== 'gram') return;
          k.packATransposed(at, n, n, tokens, left);
          k.packB(at, n, n, tokens, right);
          k.gemm(left, right, gramAt[g], n, n, n, tokens, true, true);
        };
        /** y [tokens, out] = the input packed in `left`, times a layer's weights. */
        const linear = (name: LinearName, to: number, tokens: number) => {
          const [out, into] = shapes[name];
          k.gemm(left, packed[name], to, out, tokens, out, into, false, false);
          m.f64(outputs, out).fill(0);
          k.addSquares(to, tokens, out, outputs);
          outputSquares[name] += m.f64(outputs, out).reduce((a, b) => a + b, 0);
          const b = bias.get(name);
          if (b !== undefined) k.addRow(to, b, tokens, out);
        };

        let cosine = 0;
        let total = 0;
        const scale = 1 / Math.sqrt(headDim);
        for (const states of sequences) {
          const tokens = states.length / hidden;
          total += tokens;
          m.f32(x, states.length).set(states);
          m.f32(before, states.length).set(states);
          k.rmsNorm(x, norm1, normed, tokens, hidden, normEpsilon);
          collect('attention', normed, tokens);
          k.packA(normed, hidden, tokens, hidden, left, 1);
          linear('q_proj', Q, tokens);
          linear('k_proj', K, tokens);
          linear('v_proj', V, tokens);
          if (normQ) k.rmsNorm(Q, normQ, Q, tokens * heads, headDim, normEpsilon);
          if (normK) k.rmsNorm(K, normK, K, tokens * kvHeads, headDim, normEpsilon);
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
          collect('output', mixed, tokens);
          k.packA(mixed, q, tokens, q, left, 1);
          linear('o_proj', added, tokens);
          k.addTo(x, added, tokens * hidden);
          k.rmsNorm(x, norm2, normed, tokens, hidden, normEpsilon);
          collect('ffn', normed, tokens);
          k.packA(normed, hidden, tokens, hidden, left, 1);
          linear('gate_proj', gate, tokens);
          linear('up_proj', up, tokens);
          k.siluTimes(gate, up, tokens * ffn);
          collect('down', gate, tokens);
          k.packA(gate, ffn, tokens, ffn, left, 1);
          linear('down_proj', added, tokens);
          k.addTo(x, added, tokens * hidden);
          cosine += k.cosines(before, x, tokens, hidden);
          states.set(m.f32(x, states.length));
        }
        const inputs = {} as Record<GroupName, InputStatistics>;
        for (const g of GROUPS) {
          const n = sizes[g];
          inputs[g] = {
            size: n,
            squares: m.f64(squaresAt[g], n).slice(),
            gram: level === 'gram' ? upperTriangle(m.f32(gramAt[g], n * n), n) : null,
          };
        }
        return { inputs, cosine, outputSquares, tokens: total };
      });
    },
  };
}

function upperTriangle(full: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array((n * (n + 1)) / 2);
  for (let i = 0, at = 0; i < n; at += n - i, i++) out.set(full.subarray(i * n + i, (i + 1) * n), at);
  return out;
}

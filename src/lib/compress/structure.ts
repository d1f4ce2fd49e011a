import type { ModelConfig } from '../checkpoint/config';
import type { LinearName } from '../checkpoint/block';
import type { Matrix2d } from './smooth';

/** What is left out whole: rows of the layers that make a feature, columns of the one that reads it. */

type Weights = Record<LinearName, Matrix2d>;

function keepRows(w: Matrix2d, keep: Int32Array): void {
  const data = new Float32Array(keep.length * w.columns);
  keep.forEach((from, to) => data.set(w.data.subarray(from * w.columns, (from + 1) * w.columns), to * w.columns));
  w.data = data;
  w.rows = keep.length;
}

function keepColumns(w: Matrix2d, keep: Int32Array): void {
  const data = new Float32Array(w.rows * keep.length);
  for (let r = 0; r < w.rows; r++)
    for (let i = 0; i < keep.length; i++)
      data[r * keep.length + i] = w.data[r * w.columns + (keep[i] as number)] as number;
  w.data = data;
  w.columns = keep.length;
}

/** Drops the same neurons from gate, up (rows) and down (columns). */
export function removeNeurons(weights: Weights, keep: Int32Array): void {
  keepRows(weights.gate_proj, keep);
  keepRows(weights.up_proj, keep);
  keepColumns(weights.down_proj, keep);
}

/** Features of the given groups, each of `size` consecutive ones. */
export const groupFeatures = (groups: Int32Array, size: number): Int32Array =>
  Int32Array.from({ length: groups.length * size }, (_, i) => {
    const group = groups[Math.floor(i / size)] as number;
    return group * size + (i % size);
  });

/**
 * Drops key-value groups: their key and value head, and all query heads that attend with them. Returns the features of
 * the output projection's input that stay.
 */
export function removeGroups(
  weights: Weights,
  keep: Int32Array,
  { heads, kvHeads, headDim }: Pick<ModelConfig, 'heads' | 'kvHeads' | 'headDim'>,
): Int32Array {
  const queries = groupFeatures(keep, (heads / kvHeads) * headDim);
  const keys = groupFeatures(keep, headDim);
  keepRows(weights.q_proj, queries);
  keepRows(weights.k_proj, keys);
  keepRows(weights.v_proj, keys);
  keepColumns(weights.o_proj, queries);
  return queries;
}

import { ROUND } from '../core/half';

/** Rows and columns handled together, so that both sides of a transposition stay in the cache. */
const TILE = 32;

/** [rows, columns] -> [columns, rows]. */
export function transpose(w: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(w.length);
  for (let r0 = 0; r0 < rows; r0 += TILE) {
    const r1 = Math.min(r0 + TILE, rows);
    for (let c0 = 0; c0 < columns; c0 += TILE) {
      const c1 = Math.min(c0 + TILE, columns);
      for (let c = c0; c < c1; c++)
        for (let r = r0, to = c * rows + r0, from = r0 * columns + c; r < r1; r++, to++, from += columns)
          out[to] = w[from] as number;
    }
  }
  return out;
}

/**
 * One symmetric int8 scale per row: s = max|w| / 127, q = round(w / s). `transposed` gives q as [columns, rows], which
 * MatMulInteger wants; `rows` keeps [rows, columns].
 */
export function packRows8(
  w: Float32Array,
  rows: number,
  columns: number,
  layout: 'rows' | 'transposed',
): { q: Int8Array<ArrayBuffer>; scales: Float32Array<ArrayBuffer> } {
  const q = new Int8Array(w.length);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    let largest = 1e-12;
    for (let i = r * columns, end = i + columns; i < end; i++) {
      const v = w[i] as number;
      const a = v < 0 ? -v : v;
      if (a > largest) largest = a;
    }
    scales[r] = Math.fround(Math.fround(largest) / 127);
  }
  if (layout === 'rows') {
    for (let r = 0; r < rows; r++) {
      const s = scales[r] as number;
      for (let i = r * columns, end = i + columns; i < end; i++)
        q[i] = Math.fround((w[i] as number) / s) + ROUND - ROUND;
    }
    return { q, scales };
  }
  for (let r0 = 0; r0 < rows; r0 += TILE) {
    const r1 = Math.min(r0 + TILE, rows);
    for (let c0 = 0; c0 < columns; c0 += TILE) {
      const c1 = Math.min(c0 + TILE, columns);
      for (let r = r0; r < r1; r++) {
        const s = scales[r] as number;
        for (let c = c0, from = r * columns + c0, to = c0 * rows + r; c < c1; c++, from++, to += rows)
          q[to] = Math.fround((w[from] as number) / s) + ROUND - ROUND;
      }
    }
  }
  return { q, scales };
}

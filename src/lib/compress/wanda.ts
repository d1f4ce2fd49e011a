import { prune2of4 } from './pruners';

/**
 * Wanda (Sun et al. 2023): a weight matters by |w| times the norm of its input, compared within each output. Weights
 * [rows, columns] are zeroed in place; `squares` are the inputs' sums of squares [columns].
 */
export function pruneWanda(
  w: Float32Array,
  rows: number,
  columns: number,
  squares: Float64Array,
  pattern: { kind: '2:4' } | { kind: 'share'; share: number },
): void {
  const norms = Float32Array.from(squares, Math.sqrt);
  const scores = new Float32Array(columns);
  const sorted = new Float32Array(columns);
  const remove = pattern.kind === 'share' ? Math.floor(pattern.share * columns) : 0;
  if (pattern.kind === 'share' && remove === 0) return;
  for (let r = 0, at = 0; r < rows; r++, at += columns) {
    for (let c = 0; c < columns; c++) scores[c] = Math.abs(w[at + c] as number) * (norms[c] as number);
    if (pattern.kind === '2:4') {
      // A dead input scores 0 everywhere and so loses all four: those weights do nothing either way.
      prune2of4(scores);
      const end = columns - (columns % 4);
      for (let c = 0; c < end; c++) if (scores[c] === 0) w[at + c] = 0;
      continue;
    }
    sorted.set(scores);
    const threshold = kthSmallest(sorted, remove - 1);
    let ties = remove;
    for (let c = 0; c < columns; c++) if ((scores[c] as number) < threshold) ties--;
    for (let c = 0; c < columns; c++) {
      const s = scores[c] as number;
      if (s < threshold || (s === threshold && ties-- > 0)) w[at + c] = 0;
    }
  }
}

/** The k-th smallest (from 0), by selection in place (Hoare). */
export function kthSmallest(a: Float32Array, k: number): number {
  let low = 0;
  let high = a.length - 1;
  while (low < high) {
    const pivot = a[(low + high) >> 1] as number;
    let i = low;
    let j = high;
    while (i <= j) {
      while ((a[i] as number) < pivot) i++;
      while ((a[j] as number) > pivot) j--;
      if (i <= j) {
        const t = a[i] as number;
        a[i++] = a[j] as number;
        a[j--] = t;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return a[k] as number;
}

/** Rows that share one pattern of 2:4: what a kernel of tiles can skip together. */
export const TILE_ROWS = 128;

/** 2:4 with one pattern for each 128 outputs: the two inputs of four whose weights' squares sum highest stay. */
export function pruneTiles2of4(w: Float32Array, rows: number, columns: number): void {
  const sums = new Float64Array(4);
  for (let r0 = 0; r0 < rows; r0 += TILE_ROWS) {
    const r1 = Math.min(r0 + TILE_ROWS, rows);
    for (let c = 0; c + 3 < columns; c += 4) {
      sums.fill(0);
      for (let r = r0; r < r1; r++)
        for (let i = 0; i < 4; i++) sums[i] = (sums[i] as number) + (w[r * columns + c + i] as number) ** 2;
      const order = [0, 1, 2, 3].sort((a, b) => (sums[b] as number) - (sums[a] as number) || a - b);
      for (const i of order.slice(2)) for (let r = r0; r < r1; r++) w[r * columns + c + i] = 0;
    }
  }
}

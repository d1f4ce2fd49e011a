import { prune2of4 } from '../tensor/masks';

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

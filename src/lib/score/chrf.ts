import { countNgrams, overlap, solidCodePoints } from './text';

const ORDER = 6;
const BETA_SQUARED = 4;

/** Per ticket, for each order 1..6: n-grams of the output, of the reference, and matches (18 counts). */
export function chrfCounts(reference: string, output: string): number[] {
  const [wanted, got] = [solidCodePoints(reference), solidCodePoints(output)];
  return Array.from({ length: ORDER }, (_, k) => {
    const n = k + 1;
    const references = Math.max(wanted.length - n + 1, 0);
    // sacrebleu: an order that the reference is too short for does not count against the output.
    const outputs = references > 0 ? Math.max(got.length - n + 1, 0) : 0;
    const matches = outputs > 0 ? overlap(countNgrams(got, n, ''), countNgrams(wanted, n, '')) : 0;
    return [outputs, references, matches];
  }).flat();
}

/**
 * Corpus chrF2 in [0, 100] of summed `chrfCounts`. Source: sacrebleu 2.6, CHRF defaults (char order 6, word order 0,
 * beta 2, white space removed, effective order).
 */
export function chrfScore(sums: ArrayLike<number>): number {
  let precision = 0;
  let recall = 0;
  let orders = 0;
  for (let k = 0; k < ORDER; k++) {
    const [outputs, references, matches] = [0, 1, 2].map((j) => sums[3 * k + j] as number) as [number, number, number];
    if (outputs === 0 || references === 0) continue;
    precision += matches / outputs;
    recall += matches / references;
    orders++;
  }
  if (orders === 0 || precision + recall === 0) return 0;
  precision /= orders;
  recall /= orders;
  return (100 * (1 + BETA_SQUARED) * precision * recall) / (BETA_SQUARED * precision + recall);
}

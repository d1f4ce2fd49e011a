import { countNgrams, overlap, solidCodePoints, tokens13a } from './text';

const ORDER = 4;

/** Per ticket: output length, reference length, clipped matches for n = 1..4, output n-grams for n = 1..4 (10 counts). */
export const bleuCounts = (reference: string, output: string) => countsOf(tokens13a(reference), tokens13a(output));

/** `bleuCounts` of characters, white space left out, in place of words (sacrebleu's tokenizer "char"). */
export const bleuCharacterCounts = (reference: string, output: string) =>
  countsOf(solidCodePoints(reference), solidCodePoints(output));

function countsOf(wanted: readonly string[], got: readonly string[]): number[] {
  const orders = Array.from({ length: ORDER }, (_, k) => k + 1);
  return [
    got.length,
    wanted.length,
    ...orders.map((n) => overlap(countNgrams(got, n, ' '), countNgrams(wanted, n, ' '))),
    ...orders.map((n) => Math.max(got.length - n + 1, 0)),
  ];
}

/**
 * Corpus BLEU in [0, 100] of summed `bleuCounts`. Source: sacrebleu 2.6, BLEU.compute_bleu: max order 4, "exp"
 * smoothing (each order without a match counts as half of the one before), no effective order.
 */
export function bleuScore(sums: ArrayLike<number>): number {
  const [outputLength, referenceLength] = [sums[0] as number, sums[1] as number];
  const matches = Array.from({ length: ORDER }, (_, k) => sums[2 + k] as number);
  const totals = Array.from({ length: ORDER }, (_, k) => sums[2 + ORDER + k] as number);
  // An order that no output is long enough for makes the geometric mean 0 (sacrebleu: log 0 = -9999999999).
  if (matches.every((m) => m === 0) || totals.some((t) => t === 0)) return 0;
  const brevity = outputLength < referenceLength ? Math.exp(1 - referenceLength / outputLength) : 1;
  let halvings = 1;
  let logs = 0;
  for (let k = 0; k < ORDER; k++) {
    const matched = matches[k] as number;
    if (matched === 0) halvings *= 2;
    logs += Math.log((100 * (matched || 1 / halvings)) / (totals[k] as number));
  }
  return brevity * Math.exp(logs / ORDER);
}

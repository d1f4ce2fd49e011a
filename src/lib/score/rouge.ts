import { countNgrams, overlap, rougeTokens, unicodeTokens, type Words } from './text';

const TOKENS = { ascii: rougeTokens, unicode: unicodeTokens } satisfies Record<Words, (text: string) => string[]>;

/** Harmonic mean; 0 where both are 0 (rouge_score.scoring.fmeasure). */
const fMeasure = (precision: number, recall: number) =>
  precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;

/** ROUGE-N F1 in [0, 1] of one ticket. Source: rouge-score 0.1.2, _score_ngrams, use_stemmer=False. */
export function rougeN(reference: string, output: string, n: number, words: Words = 'ascii'): number {
  const [wanted, got] = [TOKENS[words](reference), TOKENS[words](output)];
  const matches = overlap(countNgrams(wanted, n, ' '), countNgrams(got, n, ' '));
  const grams = (tokens: readonly string[]) => Math.max(tokens.length - n + 1, 1);
  return fMeasure(matches / grams(got), matches / grams(wanted));
}

/** Length of the longest common subsequence: O(a.length * b.length) time, one row of memory. */
export function lcsLength(a: readonly string[], b: readonly string[]): number {
  const row = new Uint32Array(b.length + 1);
  for (const token of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] as number;
      row[j] = token === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1] as number);
      diagonal = above;
    }
  }
  return row[b.length] as number;
}

/** ROUGE-L F1 in [0, 1] of one ticket. Source: rouge-score 0.1.2, _score_lcs. */
export function rougeL(reference: string, output: string, words: Words = 'ascii'): number {
  const [wanted, got] = [TOKENS[words](reference), TOKENS[words](output)];
  if (wanted.length === 0 || got.length === 0) return 0;
  const length = lcsLength(wanted, got);
  return fMeasure(length / got.length, length / wanted.length);
}

import { wordTokens } from './text';

/** One vector of a sparse matrix: ascending feature numbers and their values. */
export interface SparseVector {
  indices: Int32Array;
  values: Float64Array;
}

export interface TfidfOptions {
  /** 1: words; 2: words and pairs of neighbouring words. */
  ngrams: 1 | 2;
  /** A term must occur in at least this many texts. */
  minDf: number;
}

/** Terms and their weights, learnt from the training texts. */
export interface Tfidf {
  options: TfidfOptions;
  vocabulary: ReadonlyMap<string, number>;
  /** ln((1 + n) / (1 + df)) + 1 of each term. */
  idf: Float64Array;
}

function termCounts(text: string, ngrams: 1 | 2): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (term: string) => counts.set(term, (counts.get(term) ?? 0) + 1);
  const words = wordTokens(text);
  words.forEach(add);
  if (ngrams === 2) for (let i = 1; i < words.length; i++) add(`${words[i - 1]} ${words[i]}`);
  return counts;
}

/** Vocabulary and idf. Source: scikit-learn TfidfVectorizer(ngram_range=(1, ngrams), min_df), its other defaults. */
export function fitTfidf(texts: readonly string[], options: TfidfOptions): Tfidf {
  const documentFrequency = new Map<string, number>();
  for (const text of texts)
    for (const term of termCounts(text, options.ngrams).keys())
      documentFrequency.set(term, (documentFrequency.get(term) ?? 0) + 1);
  const kept = [...documentFrequency].filter(([, df]) => df >= options.minDf);
  return {
    options,
    vocabulary: new Map(kept.map(([term], i) => [term, i])),
    idf: Float64Array.from(kept, ([, df]) => Math.log((1 + texts.length) / (1 + df)) + 1),
  };
}

/** Term counts x idf, scaled to length 1; the zero vector where no term is known. */
export function tfidfVector({ options, vocabulary, idf }: Tfidf, text: string): SparseVector {
  const terms: [index: number, value: number][] = [];
  for (const [term, count] of termCounts(text, options.ngrams)) {
    const index = vocabulary.get(term);
    if (index !== undefined) terms.push([index, count * (idf[index] as number)]);
  }
  terms.sort(([a], [b]) => a - b);
  const norm = Math.hypot(...terms.map(([, value]) => value)) || 1;
  return {
    indices: Int32Array.from(terms, ([index]) => index),
    values: Float64Array.from(terms, ([, value]) => value / norm),
  };
}

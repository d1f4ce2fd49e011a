import { JoulewiseError } from '../core/errors';
import { bytes, operations, type Bytes, type Operations } from '../core/units';
import type { TaskName } from '../schema/run';
import { logProbabilities, trainLogistic, type Logistic } from './logistic';
import { fitTfidf, tfidfVector, type SparseVector, type Tfidf, type TfidfOptions } from './tfidf';

/** What a step computed and moved: what the meter's profile tier turns into joules. */
export interface BaselineWork {
  operations: Operations;
  bytes: Bytes;
}

export interface BaselineInput extends Partial<TfidfOptions> {
  task: TaskName;
  /** Training tickets, and what was wanted for each: its cause, or its response. */
  texts: readonly string[];
  targets: readonly string[];
  /** Inverse strength of the L2 penalty (rca only), as in scikit-learn. */
  c?: number;
}

/** Words and word pairs that occur at least twice, C = 10: within 0.5 points of the best of a grid on real tickets. */
export const BASELINE_DEFAULTS = { ngrams: 2, minDf: 2, c: 10 } as const;

/** rca: TF-IDF + multinomial logistic regression. */
export interface Classifier {
  task: 'rca';
  tfidf: Tfidf;
  logistic: Logistic;
  work: BaselineWork;
}

/** Text tasks: the answer of the training ticket with the nearest text. */
export interface Retriever {
  task: 'response';
  tfidf: Tfidf;
  /** For each term, the training tickets that hold it and its weight there. */
  postings: readonly { tickets: number[]; values: number[] }[];
  responses: readonly string[];
  work: BaselineWork;
}

/** summary: the first sentence (the "lead" that summarisers are measured against); what others were given says nothing. */
export interface Lead {
  task: 'summary';
  work: BaselineWork;
}

export type Baseline = Classifier | Retriever | Lead;

export interface Prediction {
  output: string;
  /** rca: log-probability (nats) of each of `logistic.classes`; else null. */
  scores: number[] | null;
  /** response: cosine to the ticket that was found, in [0, 1]; else null. */
  similarity: number | null;
  work: BaselineWork;
}

/*
 * Rough counts, an order of magnitude and no more. A hash table decides the cost, not arithmetic: each term is built,
 * hashed and looked up for about 100 operations and one cache line of 64 bytes; characters are two bytes, read twice.
 */
const OPERATIONS_PER_TERM = 100;
const BYTES_PER_TERM = 64;
const BYTES_PER_CHARACTER = 4;
const BYTES_PER_NUMBER = 8;

const work = (count: number, moved: number): BaselineWork => ({ operations: operations(count), bytes: bytes(moved) });
const addWork = (a: BaselineWork, b: BaselineWork) => work(a.operations + b.operations, a.bytes + b.bytes);

/** A word is about six characters with its space; each n-gram order makes one term per word. */
const vectorWork = (text: string, ngrams: number): BaselineWork => {
  const terms = (text.length / 6) * ngrams;
  return work(terms * OPERATIONS_PER_TERM, text.length * BYTES_PER_CHARACTER + terms * BYTES_PER_TERM);
};

/** One multiply-add for each stored value and class; forward only. */
const productWork = (values: number, classes: number): BaselineWork =>
  work(2 * values * classes, values * classes * BYTES_PER_NUMBER);

const totalWork = (parts: readonly BaselineWork[]) => parts.reduce(addWork, work(0, 0));

function trainClassifier(
  tfidf: Tfidf,
  rows: readonly SparseVector[],
  targets: readonly string[],
  c: number,
  read: BaselineWork,
) {
  const logistic = trainLogistic(rows, targets, tfidf.vocabulary.size, c);
  const product = productWork(
    rows.reduce((total, row) => total + row.indices.length, 0),
    logistic.classes.length,
  );
  // Each evaluation multiplies forward and backward; each iteration touches about 40 vectors of weights (two-loop recursion).
  const update = work(
    80 * logistic.weights.length * logistic.iterations,
    40 * BYTES_PER_NUMBER * logistic.weights.length * logistic.iterations,
  );
  const evaluations = work(2 * product.operations * logistic.evaluations, 2 * product.bytes * logistic.evaluations);
  return { task: 'rca', tfidf, logistic, work: totalWork([read, evaluations, update]) } satisfies Classifier;
}

function trainRetriever(tfidf: Tfidf, rows: readonly SparseVector[], targets: readonly string[], read: BaselineWork) {
  const postings = Array.from({ length: tfidf.vocabulary.size }, () => ({
    tickets: [] as number[],
    values: [] as number[],
  }));
  rows.forEach(({ indices, values }, ticket) => {
    indices.forEach((term, i) => {
      const posting = postings[term] as (typeof postings)[number];
      posting.tickets.push(ticket);
      posting.values.push(values[i] as number);
    });
  });
  return { task: 'response', tfidf, postings, responses: targets, work: read } satisfies Retriever;
}

/**
 * The classical baseline of a task. Deterministic.
 * @throws input.empty without training tickets; option.invalid where texts and targets do not pair up
 */
export function trainBaseline(input: BaselineInput & { task: 'rca' }): Classifier;
export function trainBaseline(input: BaselineInput & { task: 'response' }): Retriever;
export function trainBaseline(input: BaselineInput & { task: 'summary' }): Lead;
export function trainBaseline(input: BaselineInput): Baseline;
export function trainBaseline({ task, texts, targets, ...options }: BaselineInput): Baseline {
  if (texts.length === 0)
    throw new JoulewiseError('input.empty', 'The classical baseline needs training tickets, and there are none.');
  if (texts.length !== targets.length)
    throw new JoulewiseError('option.invalid', `${texts.length} texts but ${targets.length} targets were given.`);
  if (task === 'summary') return { task, work: work(0, 0) };
  const { ngrams, minDf, c } = { ...BASELINE_DEFAULTS, ...options };
  const tfidf = fitTfidf(texts, { ngrams, minDf });
  const rows = texts.map((text) => tfidfVector(tfidf, text));
  // Texts are read twice: once for the vocabulary, once for the vectors.
  const once = totalWork(texts.map((text) => vectorWork(text, ngrams)));
  const read = addWork(once, once);
  return task === 'rca' ? trainClassifier(tfidf, rows, targets, c, read) : trainRetriever(tfidf, rows, targets, read);
}

const indexOfLargest = (xs: ArrayLike<number>) => {
  let best = 0;
  for (let i = 1; i < xs.length; i++) if ((xs[i] as number) > (xs[best] as number)) best = i;
  return best;
};

function classify({ tfidf, logistic }: Classifier, text: string): Prediction {
  const vector = tfidfVector(tfidf, text);
  const scores = logProbabilities(logistic, vector);
  return {
    output: logistic.classes[indexOfLargest(scores)] as string,
    scores,
    similarity: null,
    work: addWork(vectorWork(text, tfidf.options.ngrams), productWork(vector.indices.length, scores.length)),
  };
}

function retrieve({ tfidf, postings, responses }: Retriever, text: string): Prediction {
  const vector = tfidfVector(tfidf, text);
  const cosines = new Float64Array(responses.length);
  let products = 0;
  vector.indices.forEach((term, i) => {
    const { tickets, values } = postings[term] as Retriever['postings'][number];
    products += tickets.length;
    tickets.forEach((ticket, p) => {
      cosines[ticket] = (cosines[ticket] as number) + (vector.values[i] as number) * (values[p] as number);
    });
  });
  const best = indexOfLargest(cosines);
  const similarity = cosines[best] as number;
  return {
    // A ticket that shares no word with any other has no neighbour; an arbitrary response would be worse than none.
    output: similarity > 0 ? (responses[best] as string) : '',
    scores: null,
    similarity: Math.min(similarity, 1),
    work: totalWork([
      vectorWork(text, tfidf.options.ngrams),
      productWork(products, 1),
      work(responses.length, responses.length * BYTES_PER_NUMBER),
    ]),
  };
}

const SENTENCE_END = /[.!?](?=\s)|\n/;

/** The text up to its first end of a sentence or line. */
function lead(text: string): Prediction {
  const trimmed = text.trim();
  const end = SENTENCE_END.exec(trimmed)?.index;
  const output = end === undefined ? trimmed : trimmed.slice(0, end + 1).trim();
  return { output, scores: null, similarity: null, work: work(0, output.length) };
}

/** Answers one ticket. The first of equally good classes or tickets wins. */
export function predict(model: Baseline, text: string): Prediction {
  switch (model.task) {
    case 'rca':
      return classify(model, text);
    case 'response':
      return retrieve(model, text);
    case 'summary':
      return lead(text);
    default:
      return model satisfies never;
  }
}

/** Where a cause was never seen in training: the logarithm of the smallest positive double, as JSON has no -Infinity. */
const UNSEEN = Math.log(Number.MIN_VALUE);

/** `Prediction.scores` in the order of `causes`, as `TicketOutcome.scores` wants them. */
export function scoresOf({ logistic }: Classifier, scores: readonly number[], causes: readonly string[]): number[] {
  const byClass = new Map(logistic.classes.map((name, i) => [name, scores[i] as number]));
  return causes.map((cause) => Math.max(byClass.get(cause) ?? UNSEEN, UNSEEN));
}

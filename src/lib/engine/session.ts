import type { Arithmetic, Work } from '../core/cost';
import type { EngineName } from '../schema/engines';
import type { KernelReading } from '../schema/run';
import type { Prefixes } from './prefixes';

/** A candidate answer's log-probability: the sum over its tokens, in nats. */
export interface CandidateScore {
  logProb: number;
  tokens: number;
}

/** New tokens, tokens before them, and positions whose logits are computed. */
export type Pass = readonly [fresh: number, past: number, logits: number];

/**
 * Passes of scoring: tokens of the prompt, those of them that come from a prefix, and for each candidate the tokens that
 * are read of it (all but its last).
 */
export type ScorePasses = (prompt: number, past: number, read: readonly number[]) => readonly Pass[];

/** What is left of the prompt and all candidates side by side. */
export const inOnePass: ScorePasses = (prompt, past, read) => {
  const extra = read.reduce((sum, n) => sum + n, 0);
  return [[prompt - past + extra, past, 1 + extra]];
};

/** What is left of the prompt, then each candidate behind it. A candidate of one token takes no pass of its own. */
export const oneByOne: ScorePasses = (prompt, past, read) => [
  [prompt - past, past, 1],
  ...read.filter((n) => n > 0).map((n): Pass => [n, prompt, n]),
];

/** Adapters of one set of packed weights, one of them at work at a time. */
export interface NamedAdapters {
  readonly names: readonly string[];
  /** Puts one to work, or (null) none; none is at first. Empties the cache; prefixes that were kept with it are there again. */
  use(name: string | null): void;
}

/**
 * An open model, whatever computes it: ONNX Runtime on WebGPU or WASM, Transformers.js, or our own kernels. One
 * sequence at a time; token ids in, logits out. `prefill` starts anew, `decode` goes on from there.
 */
export interface EngineSession {
  readonly engine: EngineName;
  /** Row title of the kernel table. */
  readonly kernel: string;
  /** Of its linear layers: what prices their joules. */
  readonly arithmetic: Arithmetic;
  readonly threads: number;
  /** Longest context, in tokens. */
  readonly maxPositions: number;
  /** What was asked for and could not be had, and what was used instead. */
  readonly fallbacks: readonly string[];
  /** Beginnings that are computed once for many prompts; null on engines that compute every prompt whole. */
  readonly prefixes: Prefixes | null;
  /** Adapters that lie beside the weights by name; null or none on engines that have one at most. */
  readonly adapters?: NamedAdapters | null;
  /** Empties the cache, runs the prompt; logits [vocabulary] after its last token. */
  prefill(ids: readonly number[]): Promise<Float32Array>;
  /** Appends one token; logits [vocabulary] after it. */
  decode(id: number): Promise<Float32Array>;
  /** Log-probability of each candidate after the prompt, which is computed once. Empties the cache. */
  score(prompt: readonly number[], candidates: readonly (readonly number[])[]): Promise<CandidateScore[]>;
  /** Passes of `score`. */
  readonly scorePasses: ScorePasses;
  /** Log-probability (nats) of each token but the first given those before it, and the last position's logits. */
  evaluate(ids: readonly number[]): Promise<{ logProbs: Float64Array; last: Float32Array }>;
  /** Work of one pass over `fresh` new tokens after `past` ones; null where the graph is not ours. */
  work(fresh: number, past: number, logits: number): Work | null;
  /** What each kernel did since the last call; null on engines that do not say. */
  takeKernels(): KernelReading[] | null;
  /** Waits until submitted GPU work is done, so that a clock read after it is true. */
  fence(): Promise<void>;
  /** Size of the WebAssembly heap, bytes; null where it cannot be known. */
  heapBytes(): number | null;
  close(): Promise<void>;
}

/** Natural log of the softmax of `logits` at `id`, in float64. */
export function logProbability(logits: Float32Array, id: number): number {
  let top = -Infinity;
  for (const v of logits) if (v > top) top = v;
  let sum = 0;
  for (const v of logits) sum += Math.exp(v - top);
  return (logits[id] as number) - top - Math.log(sum);
}

/** Index of the largest value; the first of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  let top = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (v > top) {
      top = v;
      best = i;
    }
  }
  return best;
}

/** Indices of the k largest values, largest first. */
export function topK(values: Float32Array, k: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (best.length === k && v <= (values[best[k - 1] as number] as number)) continue;
    let at = best.length;
    while (at > 0 && (values[best[at - 1] as number] as number) < v) at--;
    best.splice(at, 0, i);
    if (best.length > k) best.pop();
  }
  return best;
}

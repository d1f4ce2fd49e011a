import { wilson } from '../core/proportion';
import { logSumExp } from './classification';

/** One ticket: log-probabilities of the candidate causes [causes] (in nats, any common offset) and which is true. */
export interface ConfidenceRow {
  scores: readonly number[];
  /** Index of the true cause; -1 where it is none of the candidates, which counts as wrong and is not fitted to. */
  truth: number;
}

/** Share that each cause gets, softmax(scores / temperature) [causes]; they sum to 1. */
export function probabilities(scores: readonly number[], temperature: number): number[] {
  const scaled = scores.map((s) => s / temperature);
  const total = logSumExp(scaled);
  return scaled.map((s) => Math.exp(s - total));
}

const SMALLEST = 0.05;
const LARGEST = 20;
/** Fewer tickets than this say nothing about a temperature. */
const FEWEST_ROWS = 10;

/**
 * The temperature whose softmax(scores / T) gives the true causes the least negative log-likelihood (Guo et al. 2017,
 * ICML), in [0.05, 20]; above 1 the scores are overconfident. Null below 10 rows with a candidate as truth, or where all
 * have the same one. In 1 / T the likelihood is convex with slope sum(E[s] - s_true), so its root is found by halving.
 */
export function fitTemperature(rows: readonly ConfidenceRow[]): number | null {
  const usable = rows.filter(({ scores, truth }) => Number.isFinite(scores[truth]));
  if (usable.length < FEWEST_ROWS || new Set(usable.map(({ truth }) => truth)).size < 2) return null;
  const slope = (temperature: number) =>
    usable.reduce((total, { scores, truth }) => {
      const own = scores[truth] as number;
      // A cause that was given no probability at all has no share at any temperature.
      return (
        total +
        probabilities(scores, temperature).reduce(
          (sum, p, i) => (p === 0 ? sum : sum + p * ((scores[i] as number) - own)),
          0,
        )
      );
    }, 0);
  let [low, high] = [Math.log(SMALLEST), Math.log(LARGEST)];
  for (let i = 0; i < 60; i++) {
    const mid = (low + high) / 2;
    // More than the true scores on average: still too sharp.
    if (slope(Math.exp(mid)) > 0) low = mid;
    else high = mid;
  }
  return Math.exp((low + high) / 2);
}

/** Share of the most likely cause, and whether it is the true one. */
function answers(rows: readonly ConfidenceRow[], temperature: number): { confidence: number; right: boolean }[] {
  return rows.map(({ scores, truth }) => {
    const p = probabilities(scores, temperature);
    const confidence = Math.max(...p);
    return { confidence, right: p.indexOf(confidence) === truth };
  });
}

export interface ReliabilityBin {
  /** Confidences in (low, high]; the first bin holds 0 too. */
  low: number;
  high: number;
  n: number;
  /** Mean confidence and share of right answers; null in an empty bin. */
  confidence: number | null;
  accuracy: number | null;
}

/**
 * Confidence against accuracy in bins of equal width, and their mean distance weighted by tickets: the expected
 * calibration error in [0, 1] (Naeini, Cooper and Hauskrecht 2015, AAAI). NaN without rows.
 */
export function reliability(
  rows: readonly ConfidenceRow[],
  temperature: number,
  bins = 10,
): { bins: ReliabilityBin[]; ece: number } {
  const sums = Array.from({ length: bins }, () => ({ n: 0, confidence: 0, right: 0 }));
  for (const { confidence, right } of answers(rows, temperature)) {
    const sum = sums[Math.min(Math.max(Math.ceil(confidence * bins) - 1, 0), bins - 1)];
    if (!sum) continue;
    sum.n++;
    sum.confidence += confidence;
    if (right) sum.right++;
  }
  const ece = sums.reduce((total, { confidence, right }) => total + Math.abs(confidence - right), 0) / rows.length;
  return {
    ece,
    bins: sums.map(({ n, confidence, right }, i) => ({
      low: i / bins,
      high: (i + 1) / bins,
      n,
      confidence: n === 0 ? null : confidence / n,
      accuracy: n === 0 ? null : right / n,
    })),
  };
}

export interface CoveragePoint {
  /** Tickets of at least this confidence are answered. */
  threshold: number;
  /** Share of tickets answered, and of right answers among them. */
  coverage: number;
  accuracy: number;
  /** Tickets answered. */
  n: number;
}

/**
 * What is answered, and how well, at every confidence that occurs, highest first (the risk-coverage curve of El-Yaniv
 * and Wiener 2010). Tickets of the same confidence are answered together, since no threshold tells them apart.
 */
export function coverage(rows: readonly ConfidenceRow[], temperature: number): CoveragePoint[] {
  const sorted = answers(rows, temperature).sort((a, b) => b.confidence - a.confidence);
  const points: CoveragePoint[] = [];
  let right = 0;
  sorted.forEach((answer, i) => {
    if (answer.right) right++;
    if (sorted[i + 1]?.confidence === answer.confidence) return;
    const n = i + 1;
    points.push({ threshold: answer.confidence, coverage: n / sorted.length, accuracy: right / n, n });
  });
  return points;
}

/**
 * The lowest threshold at which what is answered reaches the accuracy `target`, i.e. the most tickets answered, with
 * `lower`, the accuracy's lower limit by Wilson's two-sided 95 % interval; null where no threshold does. Chosen on these
 * rows for these rows: judge it by `lower`, not by `accuracy`.
 */
export function abstainThreshold(
  rows: readonly ConfidenceRow[],
  temperature: number,
  target: number,
): (CoveragePoint & { lower: number }) | null {
  const point = coverage(rows, temperature).findLast(({ accuracy }) => accuracy >= target);
  return point ? { ...point, lower: wilson(Math.round(point.accuracy * point.n), point.n).low } : null;
}

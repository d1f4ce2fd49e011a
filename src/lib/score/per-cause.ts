import { wilson } from '../core/proportion';
import type { Estimate } from '../core/stats';

/** How one cause is recognised; shares in [0, 1] with Wilson's 95 % intervals. */
export interface CauseScore {
  cause: string;
  /** Right among those predicted; null where it was never predicted. */
  precision: Estimate | null;
  /** Found among those true; null where it never was true. */
  recall: Estimate | null;
  /**
   * Harmonic mean of both, 2 J / (1 + J) of J = right / (true or predicted): J is a share of the tickets that concern the
   * cause, so its interval carries over.
   */
  f1: Estimate;
  nTrue: number;
  nPredicted: number;
}

const harmonic = (jaccard: number) => (2 * jaccard) / (1 + jaccard);

/**
 * One row per cause that occurs as truth or as prediction, in the order of their names, as scikit-learn's
 * classification_report has them (which writes 0 where we say null).
 */
export function perCause(truth: readonly string[], predicted: readonly string[]): CauseScore[] {
  const counts = new Map<string, { right: number; nTrue: number; nPredicted: number }>();
  const of = (cause: string) => {
    const known = counts.get(cause);
    if (known) return known;
    const fresh = { right: 0, nTrue: 0, nPredicted: 0 };
    counts.set(cause, fresh);
    return fresh;
  };
  truth.forEach((cause, i) => {
    const answer = predicted[i] as string;
    of(cause).nTrue++;
    of(answer).nPredicted++;
    if (answer === cause) of(cause).right++;
  });
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([cause, { right, nTrue, nPredicted }]) => {
      const { mid, low, high, n } = wilson(right, nTrue + nPredicted - right);
      return {
        cause,
        precision: nPredicted === 0 ? null : wilson(right, nPredicted),
        recall: nTrue === 0 ? null : wilson(right, nTrue),
        f1: { mid: harmonic(mid), low: harmonic(low), high: harmonic(high), n },
        nTrue,
        nPredicted,
      };
    });
}

import { logSumExp } from './classification';
import { minimise } from './lbfgs';
import type { SparseVector } from './tfidf';

/** Multinomial logistic regression: log-probability of class k is linear in the features, then normalised. */
export interface Logistic {
  /** Ascending. */
  classes: readonly string[];
  /** [feature][class], row-major, so that one feature's weights lie together. */
  weights: Float64Array;
  intercepts: Float64Array;
  iterations: number;
  evaluations: number;
  converged: boolean;
}

/**
 * Minimises scikit-learn's LogisticRegression objective (C, L2, lbfgs, intercept not penalised), divided by C n:
 * mean cross-entropy + penalty ||W||^2 / (2 C n).
 */
export function trainLogistic(
  rows: readonly SparseVector[],
  targets: readonly string[],
  features: number,
  c: number,
): Logistic {
  const classes = [...new Set(targets)].sort();
  const k = classes.length;
  const truth = targets.map((target) => classes.indexOf(target));
  const n = rows.length;
  // With two classes scikit-learn penalises the difference w of the two weight vectors; ours are +w/2 and -w/2, whose
  // squares add up to half of w's.
  const penalty = (k === 2 ? 2 : 1) / (c * n);
  const size = features * k;
  const scores = new Float64Array(k);

  const objective = (x: Float64Array, gradient: Float64Array) => {
    let loss = 0;
    gradient.fill(0);
    for (let i = 0; i < n; i++) {
      const { indices, values } = rows[i] as SparseVector;
      for (let j = 0; j < k; j++) scores[j] = x[size + j] as number;
      for (let f = 0; f < indices.length; f++) {
        const at = (indices[f] as number) * k;
        const value = values[f] as number;
        for (let j = 0; j < k; j++) scores[j] = (scores[j] as number) + value * (x[at + j] as number);
      }
      let top = -Infinity;
      for (let j = 0; j < k; j++) top = Math.max(top, scores[j] as number);
      let total = 0;
      for (let j = 0; j < k; j++) total += Math.exp((scores[j] as number) - top);
      const log = top + Math.log(total);
      const own = truth[i] as number;
      loss += log - (scores[own] as number);
      // From here on `scores` holds d loss / d score, per ticket of the mean.
      for (let j = 0; j < k; j++) scores[j] = (Math.exp((scores[j] as number) - log) - (j === own ? 1 : 0)) / n;
      for (let f = 0; f < indices.length; f++) {
        const at = (indices[f] as number) * k;
        const value = values[f] as number;
        for (let j = 0; j < k; j++) gradient[at + j] = (gradient[at + j] as number) + value * (scores[j] as number);
      }
      for (let j = 0; j < k; j++) gradient[size + j] = (gradient[size + j] as number) + (scores[j] as number);
    }
    let squares = 0;
    for (let j = 0; j < size; j++) {
      const w = x[j] as number;
      squares += w * w;
      gradient[j] = (gradient[j] as number) + penalty * w;
    }
    return loss / n + (penalty * squares) / 2;
  };

  const { x, iterations, evaluations, converged } = minimise(objective, new Float64Array(size + k));
  return {
    classes,
    weights: x.subarray(0, size),
    intercepts: x.subarray(size),
    iterations,
    evaluations,
    converged,
  };
}

/** Log-probability (nats) of each class, parallel to `classes`. */
export function logProbabilities(
  { classes, weights, intercepts }: Logistic,
  { indices, values }: SparseVector,
): number[] {
  const k = classes.length;
  const scores = Array.from(intercepts);
  indices.forEach((feature, f) => {
    for (let j = 0; j < k; j++)
      scores[j] = (scores[j] as number) + (values[f] as number) * (weights[feature * k + j] as number);
  });
  const log = logSumExp(scores);
  return scores.map((score) => score - log);
}

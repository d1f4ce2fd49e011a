import { meanStatistic, type Statistic } from './statistic';

/** Share of exact matches, in [0, 1] (scikit-learn accuracy_score). */
export const accuracy = (truth: readonly string[], predicted: readonly string[]): Statistic =>
  meanStatistic(truth.map((t, i) => (t === predicted[i] ? 1 : 0)));

/**
 * Mean F1 over the labels, in [0, 1]: scikit-learn f1_score(average='macro', zero_division=0). The labels are those
 * that occur as truth or as prediction in the tickets at hand, also within each resample.
 */
export function macroF1(truth: readonly string[], predicted: readonly string[]): Statistic {
  const labels = [...new Set([...truth, ...predicted])];
  const indexOf = new Map(labels.map((label, i) => [label, i]));
  const t = Int32Array.from(truth, (label) => indexOf.get(label) as number);
  const p = Int32Array.from(predicted, (label) => indexOf.get(label) as number);
  // F1 = 2 TP / (times true + times predicted): two counters per label are enough.
  const hits = new Int32Array(labels.length);
  const seen = new Int32Array(labels.length);
  return {
    n: truth.length,
    value(indices) {
      hits.fill(0);
      seen.fill(0);
      for (const i of indices) {
        const [ti, pi] = [t[i] as number, p[i] as number];
        seen[ti] = (seen[ti] as number) + 1;
        seen[pi] = (seen[pi] as number) + 1;
        if (ti === pi) hits[ti] = (hits[ti] as number) + 1;
      }
      let total = 0;
      let present = 0;
      for (let label = 0; label < labels.length; label++) {
        const occurrences = seen[label] as number;
        if (occurrences === 0) continue;
        present++;
        total += (2 * (hits[label] as number)) / occurrences;
      }
      return total / present;
    },
  };
}

/** log(sum(exp(x))) without overflow. */
export function logSumExp(xs: readonly number[]): number {
  const top = Math.max(...xs);
  return top + Math.log(xs.reduce((total, x) => total + Math.exp(x - top), 0));
}

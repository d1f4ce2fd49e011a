import { bootstrap } from '../core/stats';
import type { EstimateRecord } from '../schema/run';

/**
 * A metric reduced to what its bootstrap needs: `value(indices)` is the metric of the multiset of tickets named by
 * `indices` (0..n-1, any length, repeats allowed). NaN where it is undefined for that multiset.
 */
export interface Statistic {
  n: number;
  value(indices: Int32Array): number;
}

/**
 * A metric that is a function of summed per-ticket counts (means, ratios, chrF, BLEU): the texts are read once, a
 * resample only adds rows of numbers.
 * @param rows one row of counts per ticket, all of the same width
 * @param finish summed row, tickets in the sum -> metric
 */
export function sumStatistic(
  rows: readonly ArrayLike<number>[],
  finish: (sums: Float64Array, count: number) => number,
): Statistic {
  const width = rows[0]?.length ?? 0;
  const table = new Float64Array(rows.length * width);
  rows.forEach((row, i) => table.set(row, i * width));
  const sums = new Float64Array(width);
  return {
    n: rows.length,
    value(indices) {
      sums.fill(0);
      for (const index of indices) {
        const at = index * width;
        for (let j = 0; j < width; j++) sums[j] = (sums[j] as number) + (table[at + j] as number);
      }
      return finish(sums, indices.length);
    },
  };
}

/** Mean of one number per ticket. */
export const meanStatistic = (values: readonly number[]): Statistic =>
  sumStatistic(
    values.map((v) => [v]),
    (sums, count) => (sums[0] as number) / count,
  );

export const identity = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

const orNull = (x: number) => (Number.isFinite(x) ? x : null);

/** Point value and 95 % percentile-bootstrap interval over tickets; null where the metric is undefined for them. */
export function estimate(statistic: Statistic, options?: { resamples?: number; seed?: number }): EstimateRecord | null {
  if (statistic.n === 0) return null;
  const { mid, low, high, n } = bootstrap(statistic.n, (indices) => statistic.value(indices), options);
  return Number.isFinite(mid) ? { mid, low: orNull(low), high: orNull(high), n } : null;
}

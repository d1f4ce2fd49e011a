import { createRandom } from './random';

/** An estimate with its 95 % interval. `n` counts the independent observations behind it. */
export interface Estimate {
  mid: number;
  low: number;
  high: number;
  n: number;
}

export const sum = (xs: readonly number[]) => xs.reduce((a, x) => a + x, 0);
export const mean = (xs: readonly number[]) => sum(xs) / xs.length;

/** Sample standard deviation (n - 1). NaN below two values. */
export function standardDeviation(xs: readonly number[]): number {
  const m = mean(xs);
  return Math.sqrt(sum(xs.map((x) => (x - m) ** 2)) / (xs.length - 1));
}

export function median(xs: readonly number[]): number {
  return quantile(
    xs.slice().sort((a, b) => a - b),
    0.5,
  );
}

/** Linear-interpolation quantile (type 7) of an ascending list. */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * q;
  const i = Math.floor(at);
  const a = sorted[i] as number;
  const b = sorted[Math.min(i + 1, sorted.length - 1)] as number;
  return a + (b - a) * (at - i);
}

/** Two-sided 97.5 % quantiles of Student's t for 1..30 degrees of freedom (standard table). */
const T975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** t quantile at 0.975; beyond 30 degrees of freedom by the Cornish-Fisher expansion (error below 1e-4). */
export function t975(df: number): number {
  const row = T975[df - 1];
  if (row !== undefined) return row;
  const z = 1.959964;
  return z + (z ** 3 + z) / (4 * df) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * df * df);
}

/** Mean with its 95 % t-interval. One value has no interval: low and high are null. */
export function tInterval(xs: readonly number[]): { mid: number; low: number | null; high: number | null; n: number } {
  const n = xs.length;
  const mid = mean(xs);
  if (n < 2) return { mid, low: null, high: null, n };
  const half = (t975(n - 1) * standardDeviation(xs)) / Math.sqrt(n);
  return { mid, low: mid - half, high: mid + half, n };
}

/**
 * Percentile bootstrap (Efron): resamples the indices 0..n-1 and evaluates `statistic` on each resample.
 * Works for corpus metrics too, where the statistic is not a mean of per-item scores.
 */
export function bootstrap(
  n: number,
  statistic: (indices: Int32Array) => number,
  { resamples = 1000, seed = 1, level = 0.95 }: { resamples?: number; seed?: number; level?: number } = {},
): Estimate {
  const all = Int32Array.from({ length: n }, (_, i) => i);
  const mid = statistic(all);
  if (n < 2) return { mid, low: NaN, high: NaN, n };
  const random = createRandom(seed);
  const values: number[] = [];
  const pick = new Int32Array(n);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < n; i++) pick[i] = random.int(n);
    const v = statistic(pick);
    if (Number.isFinite(v)) values.push(v);
  }
  values.sort((a, b) => a - b);
  const tail = (1 - level) / 2;
  return { mid, low: quantile(values, tail), high: quantile(values, 1 - tail), n };
}

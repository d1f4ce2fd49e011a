import { normalQuantile } from '../core/distributions';
import { groupBy } from '../core/group';
import { createRandom } from '../core/random';
import { quantile, standardDeviation } from '../core/stats';

/**
 * Bootstrap draws of ticket indices [resamples][about n], to be shared by all variants: that makes their resampled
 * metrics a pair. With `groups` (parallel to the tickets; null: alone) the tickets of a group are drawn together, since
 * near duplicates say the same thing twice; a draw then holds as many groups as there are, and about n tickets.
 */
export function drawTickets(
  n: number,
  {
    resamples = 2000,
    seed = 1,
    groups = [],
  }: { resamples?: number; seed?: number; groups?: readonly (string | null)[] } = {},
): Int32Array[] {
  const tickets = Array.from({ length: n }, (_, i) => i);
  const byGroup = groupBy(tickets, (i) => groups[i] ?? i);
  const units = [...byGroup.values()];
  const random = createRandom(seed);
  return Array.from({ length: resamples }, () =>
    Int32Array.from(Array.from({ length: units.length }, () => random.pick(units)).flat()),
  );
}

/** Paired right and wrong answers of two variants on the same n tickets. */
export interface PairedCounts {
  n: number;
  /** Tickets that only the first has right. */
  b: number;
  /** Tickets that only the second has right. */
  c: number;
}

/**
 * Tango's score statistic (1998, Statistics in Medicine 17, 891-908) of the hypothesis that the difference of shares is
 * `delta`: (b - c - n delta) / sqrt(n (2 q + delta (1 - delta))), q the likeliest share of tickets that only the second
 * has right under that hypothesis. It falls from Infinity to -Infinity as delta goes from -1 to 1.
 */
function tangoScore({ n, b, c }: PairedCounts, delta: number): number {
  const linear = (2 * n - b + c) * delta - b - c;
  const constant = -c * delta * (1 - delta);
  const root = Math.sqrt(Math.max(linear * linear - 8 * n * constant, 0));
  // The larger root of 2n q^2 + linear q + constant = 0, without cancellation.
  const q = linear <= 0 ? (root - linear) / (4 * n) : (-2 * constant) / (linear + root);
  const distance = b - c - n * delta;
  // No variance at no distance: the hypothesis is what was seen.
  return distance === 0 ? 0 : distance / Math.sqrt(Math.max(n * (2 * q + delta * (1 - delta)), 0));
}

/** The smallest difference that Tango's test does not reject at z standard errors above it. */
function tangoLimit(counts: PairedCounts, z: number): number {
  let [low, high] = [-1, (counts.b - counts.c) / counts.n];
  // 60 halvings reach the last bit.
  for (let i = 0; i < 60; i++) {
    const delta = (low + high) / 2;
    if (tangoScore(counts, delta) > z) low = delta;
    else high = delta;
  }
  return (low + high) / 2;
}

const swapped = ({ n, b, c }: PairedCounts): PairedCounts => ({ n, b: c, c: b });

/** Tango's two-sided score interval of the difference of paired shares (b - c) / n, in [-1, 1]. */
export function tango(counts: PairedCounts, level: number): { low: number; high: number } {
  const z = normalQuantile((1 + level) / 2);
  return { low: tangoLimit(counts, z), high: -tangoLimit(swapped(counts), z) };
}

/** Tango's one-sided lower limit of (b - c) / n: the difference is at least that, with confidence `level`. */
export const tangoLower = (counts: PairedCounts, level: number): number => tangoLimit(counts, normalQuantile(level));

/**
 * The share of tickets that may differ although none of n did, 1 - alpha^(1/n): the exact rule behind "3 / n" (Hanley
 * and Lippman-Hand 1983). A larger share would have shown itself with probability 1 - alpha.
 */
export const rareDifference = (n: number, alpha: number): number => (n === 0 ? 1 : 1 - alpha ** (1 / n));

/** Two variants on the same tickets; all differences are first minus second. */
export interface PairedMetric {
  /** The metric's difference on the tickets as they are. */
  difference: number;
  /** The metric of either variant on each of the same draws (`drawTickets`); draws where it is undefined are left out. */
  first: ArrayLike<number>;
  second: ArrayLike<number>;
  n: number;
  /**
   * A share of right answers by its counts; any other metric by how many tickets are scored differently, and by the
   * most that two variants can be apart (its range, high - low; may be Infinity).
   */
  kind: { b: number; c: number } | { differing: number; range: number };
}

export interface PairedDifference {
  mid: number;
  /** Standard error, in units of the metric. */
  sd: number;
  /** Two-sided interval at the level. */
  low: number;
  high: number;
  /** The difference is at least that, with confidence `level`. */
  lowOneSided: number;
}

/** With fewer odd tickets than this a bootstrap does not see what may happen (at n = 24 it covers 0.75 of 0.95). */
export const FEW_DIFFERING = 10;

/** Two-sided and one-sided limits. */
type Limits = Pick<PairedDifference, 'low' | 'high' | 'lowOneSided'>;

/** The percentile interval (Efron) of differences, which holds the point whatever the bias of the metric. */
function percentile(mid: number, differences: readonly number[], level: number): Limits {
  const sorted = differences.slice().sort((a, b) => a - b);
  const at = (q: number) => (sorted.length === 0 ? mid : quantile(sorted, q));
  return {
    low: Math.min(mid, at((1 - level) / 2)),
    high: Math.max(mid, at((1 + level) / 2)),
    lowOneSided: Math.min(mid, at(1 - level)),
  };
}

/** Limits at least as wide as differences of size `range` that no ticket showed allow, yet within +-range. */
function widened(mid: number, limits: Limits, n: number, range: number, level: number): Limits {
  const two = rareDifference(n, (1 - level) / 2) * range;
  const one = rareDifference(n, 1 - level) * range;
  return {
    low: Math.max(Math.min(limits.low, mid - two), -range),
    high: Math.min(Math.max(limits.high, mid + two), range),
    lowOneSided: Math.max(Math.min(limits.lowOneSided, mid - one), -range),
  };
}

/**
 * The difference of a metric between two variants that answered the same n tickets, with its interval.
 *
 * Where at least ten tickets are odd (differ; for accuracy also: are not of the most frequent of b, c and the same) it is
 * the percentile bootstrap over tickets. Below that a bootstrap is too narrow: accuracy has Tango's interval instead, any
 * other metric at least the share of tickets that may differ unseen times its range. So no interval has a width of 0, and
 * none is narrower than n tickets allow.
 */
export function pairedDifference(metric: PairedMetric, level = 0.95): PairedDifference {
  const { difference: mid, n, kind } = metric;
  const differences = Array.from(metric.first, (v, i) => v - (metric.second[i] as number)).filter(Number.isFinite);
  const drawn = percentile(mid, differences, level);
  const spread = differences.length > 1 ? standardDeviation(differences) : 0;
  const accuracy = 'b' in kind;
  const odd = accuracy ? n - Math.max(kind.b, kind.c, n - kind.b - kind.c) : kind.differing;
  if (odd >= FEW_DIFFERING && spread > 0) return { mid, sd: spread, ...drawn };

  const limits = accuracy ? exactAccuracy({ n, ...kind }, level) : widened(mid, drawn, n, kind.range, level);
  return { mid, sd: (limits.high - limits.low) / 2 / normalQuantile((1 + level) / 2), ...limits };
}

/** Tango's limits; without a differing ticket, where his test is only approximate, those of the exact rule. */
function exactAccuracy(counts: PairedCounts, level: number): Limits {
  if (counts.b + counts.c === 0) return widened(0, { low: 0, high: 0, lowOneSided: 0 }, counts.n, 1, level);
  return { ...tango(counts, level), lowOneSided: tangoLower(counts, level) };
}

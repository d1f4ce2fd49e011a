import { isModel } from '../schema/engines';
import type { VariantResult } from '../schema/result';
import type { EstimateRecord } from '../schema/run';

/** A value with its 95 % interval; null ends where nothing was repeated or resampled. */
export interface Interval {
  mid: number;
  low: number | null;
  high: number | null;
}

/** Against the leader: `unknown` where one of the two has no interval, so that nothing can be said. */
export type Standing = 'leader' | 'tied' | 'behind' | 'unknown';

export interface RankedVariant {
  result: VariantResult;
  /** E_min / E: 1 for the leanest. Our choice; the paper does not give its formula. */
  phi: Interval;
  /** Mean task quality in [0, 1]. */
  rho: Interval;
  /** R = w phi + (1 - w) rho (arXiv 2503.17783, section 3). */
  score: Interval;
  standing: Standing;
  /** Whether no other variant is leaner and at least as good, or better and at least as lean. */
  onFront: boolean;
}

export interface Ranking {
  w: number;
  /** Best first; equal scores by name. */
  ranked: RankedVariant[];
  /** Not comparable, and why. Never ranked as if the unknown were 0. */
  apart: { result: VariantResult; why: string }[];
  /** What makes the comparison itself doubtful, in sentences. */
  warnings: string[];
}

/** A result whose energy and quality are known. */
type Comparable = VariantResult & { energy: EstimateRecord; quality: EstimateRecord };

const isComparable = (result: VariantResult): result is Comparable =>
  result.energy !== null && result.energy.mid > 0 && result.quality !== null;

const whyApart = ({ energy, quality }: VariantResult): string =>
  energy === null
    ? 'Its energy is unknown.'
    : energy.mid <= 0
      ? 'Its energy reading is not above zero, so it cannot be right.'
      : quality === null
        ? 'Its quality is unknown.'
        : '';

const byName = (a: VariantResult, b: VariantResult) => {
  const [x, y] = [`${a.variant}\n${a.engine}`, `${b.variant}\n${b.engine}`];
  return x < y ? -1 : x > y ? 1 : 0;
};

/** Half-width of the energy interval over the energy; null without one. */
const relativeError = ({ mid, high }: Interval) => (high === null ? null : (high - mid) / mid);

/**
 * phi with the interval of the variant's own energy. E_min is one constant for all, so its error scales every phi alike
 * and does not enter; hence the leanest variant's interval may reach above 1.
 */
function phiOf(energy: EstimateRecord, least: number): Interval {
  const mid = least / energy.mid;
  const error = relativeError(energy);
  return error === null ? { mid, low: null, high: null } : { mid, low: mid / (1 + error), high: mid * (1 + error) };
}

/**
 * a x + b y with errors added in quadrature: repeat noise of energy and sampling noise of tickets are independent.
 * A term of weight 0 needs no interval.
 */
function weightedSum(a: number, x: Interval, b: number, y: Interval): Interval {
  const mid = a * x.mid + b * y.mid;
  const used = [
    { weight: a, term: x },
    { weight: b, term: y },
  ].filter(({ weight }) => weight !== 0);
  if (used.some(({ term }) => term.low === null || term.high === null)) return { mid, low: null, high: null };
  const half = (side: 'low' | 'high') =>
    Math.hypot(...used.map(({ weight, term }) => weight * ((term[side] as number) - term.mid)));
  return { mid, low: mid - half('low'), high: mid + half('high') };
}

/** Whether two intervals share a point; null where one of them is missing. */
export const overlap = (a: Interval, b: Interval): boolean | null =>
  a.low === null || a.high === null || b.low === null || b.high === null ? null : a.low <= b.high && b.low <= a.high;

const standingOf = (score: Interval, leader: Interval): Standing => {
  const shared = overlap(score, leader);
  return shared === null ? 'unknown' : shared ? 'tied' : 'behind';
};

/** Points that no other dominates: less energy and at least the quality, or more quality and at most the energy. */
export function paretoFront(points: readonly { energy: number; quality: number }[]): boolean[] {
  return points.map(
    (p) =>
      !points.some(
        (q) => q.energy <= p.energy && q.quality >= p.quality && (q.energy < p.energy || q.quality > p.quality),
      ),
  );
}

const kinds = (what: string, values: readonly string[]) => {
  const found = [...new Set(values)].sort();
  return found.length > 1 ? [`Energies of different ${what} are compared here: ${found.join(', ')}.`] : [];
};

/**
 * Ranks by R = w phi + (1 - w) rho.
 * @param w weight of energy efficiency, in [0, 1]
 */
export function rankVariants(results: readonly VariantResult[], w: number): Ranking {
  const known = results.filter(isComparable);
  const least = Math.min(...known.map(({ energy }) => energy.mid));
  const front = paretoFront(known.map(({ energy, quality }) => ({ energy: energy.mid, quality: quality.mid })));
  const scored = known
    .map((result, i) => {
      const phi = phiOf(result.energy, least);
      const rho: Interval = result.quality;
      return { result, phi, rho, score: weightedSum(w, phi, 1 - w, rho), onFront: front[i] === true };
    })
    .sort((a, b) => b.score.mid - a.score.mid || b.phi.mid - a.phi.mid || byName(a.result, b.result));
  const leader = scored[0]?.score;
  return {
    w,
    ranked: scored.map((row, i) => ({
      ...row,
      standing: i === 0 || !leader ? 'leader' : standingOf(row.score, leader),
    })),
    apart: results
      .filter((result) => !isComparable(result))
      .map((result) => ({ result, why: whyApart(result) }))
      .sort((a, b) => byName(a.result, b.result)),
    warnings: [
      ...kinds(
        'tiers',
        known.map((result) => result.tier),
      ),
      ...kinds(
        'boundaries',
        known.map((result) => result.boundary),
      ),
    ],
  };
}

/**
 * The classical baseline stands beside the ranking, not in it: thousands of times leaner, it would make every phi of a
 * language model vanish, and with it all that tells them apart.
 */
export const splitBaseline = (results: readonly VariantResult[]) => ({
  models: results.filter((result) => isModel(result.engine)),
  baseline: results.find((result) => !isModel(result.engine)) ?? null,
});

/** The k best-ranked language models, for the paper's second stage: pruning means nothing to the classical baseline. */
export const bestK = (results: readonly VariantResult[], w: number, k: number): VariantResult[] =>
  rankVariants(splitBaseline(results).models, w)
    .ranked.slice(0, k)
    .map(({ result }) => result);

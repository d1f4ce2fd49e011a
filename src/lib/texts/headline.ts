import { isEstimated } from '../schema/run';
import { isModel } from '../schema/engines';
import { formatJoules } from '../core/units';
import type { VariantResult } from '../schema/result';
import { overlap, type Interval, type RankedVariant, type Ranking } from '../rank/rank';

/** `a, b and c`; of more than three the first two and how many more there are. */
const named = (names: readonly string[]) =>
  names.length > 3
    ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`
    : [names.slice(0, -1).join(', '), ...names.slice(-1)].filter(Boolean).join(' and ');

const percent = (share: number) => Math.round(Math.abs(share) * 100);

/** Energy of `a` over that of `b`; relative errors add in quadrature, as the slices are independent. */
function ratio(a: Interval, b: Interval): Interval {
  const mid = a.mid / b.mid;
  if (a.high === null || b.high === null) return { mid, low: null, high: null };
  const error = Math.hypot((a.high - a.mid) / a.mid, (b.high - b.mid) / b.mid);
  return { mid, low: mid / (1 + error), high: mid * (1 + error) };
}

/** Below and above these ratios percents mislead ("100 % less"), so factors are said. */
const FACTOR_BELOW = 0.05;
const FACTOR_ABOVE = 3;

const rounded = (x: number) => Number(x.toPrecision(2));
const range = (a: number, b: number) => `${Math.min(a, b)}-${Math.max(a, b)}`;
const share = (r: number) => (percent(1 - r) === 0 ? 'the same' : `${percent(1 - r)} % ${r < 1 ? 'less' : 'more'}`);

/** `41 % less than fp16 (95 %: 35-46)`, `500 times less than ...`, `4.2 times that of ...`. */
function change({ mid, low, high }: Interval, name: string, without: string): string {
  const ends = (at: (r: number) => number) =>
    low === null || high === null ? ` (${without})` : ` (95 %: ${range(at(low), at(high))})`;
  if (mid < FACTOR_BELOW) return `${rounded(1 / mid)} times less than ${name}${ends((r) => rounded(1 / r))}`;
  if (mid > FACTOR_ABOVE) return `${rounded(mid)} times that of ${name}${ends(rounded)}`;
  if (percent(1 - mid) === 0) return `the same as ${name}${low === null ? ` (${without})` : ''}`;
  return `${share(mid)} than ${name}${ends((r) => percent(1 - r))}`;
}

/** Repeats that scatter so widely that the energy could be zero bound nothing. */
const bounded = ({ low }: Interval) => low === null || low > 0;

function energyAgainst(winner: VariantResult, other: VariantResult): string {
  if (!winner.energy || !other.energy) return '';
  const r = ratio(winner.energy, other.energy);
  const { mid, low, high } = r;
  if (!bounded(winner.energy) || !bounded(other.energy))
    return change({ mid, low: null, high: null }, other.variant, 'no reliable interval yet: more slices');
  if (low === null || high === null) return change(r, other.variant, 'one slice, so no interval');
  if (low <= 1 && high >= 1) return `energy tied with ${other.variant} (95 %: ${share(low)} to ${share(high)})`;
  return change(r, other.variant, '');
}

const two = (x: number) => x.toFixed(2);

function qualityAgainst(winner: Interval, other: Interval): string {
  if (overlap(winner, other) === true) return 'quality tied';
  const word = winner.mid < other.mid ? 'lower' : winner.mid > other.mid ? 'higher' : 'equal';
  const sure = overlap(winner, other) === null ? ', no interval' : '';
  return `quality ${word} (${two(winner.mid)} against ${two(other.mid)}${sure})`;
}

/**
 * What people would use without this app: the language model that stores most bytes, so neither pruned nor coarser.
 * Null where sizes are unknown.
 */
function uncompressed(ranked: readonly RankedVariant[]): RankedVariant | null {
  const models = ranked.filter(({ result }) => isModel(result.engine) && result.storedBytes !== null);
  const bytes = (row: RankedVariant) => row.result.storedBytes ?? 0;
  // A mask takes no fewer bytes: of equals, the one with the fewest zeros.
  const zeros = (row: RankedVariant) => row.result.sparsity ?? 0;
  return models.toSorted((a, b) => bytes(b) - bytes(a) || zeros(a) - zeros(b))[0] ?? null;
}

/** Writes the joules of one ticket, in whichever unit they are read. */
export type SayTicket = (joules: number) => string;
const inJoules: SayTicket = (joules) => `${formatJoules(joules)} per ticket`;

interface HeadlineOptions {
  /** Variant to compare with; by default the uncompressed one, or the runner-up where that one wins. */
  reference?: string;
  say?: SayTicket;
  /** Stands beside the ranking; where it answers better than all, that is the answer. */
  baseline?: VariantResult | null;
}

/** The best quality of any model, where the baseline's lies above every model's interval: none of them does the job. */
function beatenAt(ranking: Ranking, baseline: VariantResult | null): number | null {
  const quality = baseline?.quality;
  if (!quality || ranking.ranked.length === 0) return null;
  const better = ({ rho }: RankedVariant) => quality.mid > rho.mid && overlap(quality, rho) === false;
  return ranking.ranked.every(better) ? Math.max(...ranking.ranked.map((row) => row.rho.mid)) : null;
}

/** The winner, and what the answer compares it with: `reference`, else the uncompressed variant, else the runner-up. */
export function comparedIn({ ranked }: Ranking, reference?: string): RankedVariant[] {
  const [winner, second] = ranked;
  const wanted = ranked.find((row) => row.result.variant === reference) ?? uncompressed(ranked);
  const other = wanted && wanted !== winner ? wanted : second;
  return [winner, other].filter((row) => row !== undefined);
}

/** The answer in a sentence, its uncertainty in the same breath; two where the classical baseline does the job better. */
export function headline(
  ranking: Ranking,
  { reference, say = inJoules, baseline = null }: HeadlineOptions = {},
): string {
  const [winner, other] = comparedIn(ranking, reference);
  if (!winner?.result.energy) return 'No variant has both a known energy and a known quality yet.';
  const { result } = winner;
  const best = beatenAt(ranking, baseline);
  const beaten =
    best === null || !baseline?.quality
      ? ''
      : `The classical baseline does it better than any of these: quality ${two(baseline.quality.mid)} against ${two(best)} at best. Of them, `;
  const verb = isEstimated(result.tier) ? 'an estimated' : 'a measured';
  const start = `${beaten}${result.variant} ${beaten ? 'takes' : 'does it on'} ${verb} ${say(winner.result.energy.mid)}`;
  if (!other) return `${start}, quality ${two(winner.rho.mid)}; there is nothing to compare it with yet.`;
  const ties = ranking.ranked.filter((row) => row.standing === 'tied').map((row) => row.result.variant);
  const tail = ties.length > 0 ? `; all in all tied with ${named(ties)}` : '';
  return `${start}, ${energyAgainst(result, other.result)}, ${qualityAgainst(winner.rho, other.rho)}${tail}.`;
}

/** What the classical baseline took, in one sentence; it stands beside the ranking, never in it. */
export function baselineSentence(baseline: VariantResult, ranking: Ranking, say = inJoules): string {
  const { energy, quality, tier, boundary } = baseline;
  const first = ranking.ranked[0]?.result;
  const joules = energy ? `${isEstimated(tier) ? 'an estimated ' : ''}${say(energy.mid)}` : 'an unknown energy';
  const meter = !first
    ? ''
    : first.tier === tier && first.boundary === boundary
      ? ', on the same meter'
      : `, by another meter (${tier}, ${boundary})`;
  return `The classical baseline (${baseline.variant}) takes ${joules} at ${quality ? `quality ${two(quality.mid)}` : 'unknown quality'}${meter}; it stands beside the ranking, not in it.`;
}

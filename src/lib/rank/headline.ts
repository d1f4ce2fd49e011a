import type { VariantResult } from '../schema/result';
import { overlap, type Interval, type RankedVariant, type Ranking } from './rank';

/** From this many joules on, in units of that many. */
const UNITS = [
  { from: 1e3, scale: 1e3, unit: 'kJ' },
  { from: 1e-2, scale: 1, unit: 'J' },
  { from: 1e-5, scale: 1e-3, unit: 'mJ' },
  { from: 0, scale: 1e-6, unit: 'uJ' },
] as const;

/** Two significant digits with a unit that keeps them readable. */
export function formatJoules(x: number): string {
  const { scale, unit } = UNITS.find(({ from }) => x >= from) ?? UNITS[3];
  return `${Number((x / scale).toPrecision(2))} ${unit}`;
}

const percent = (share: number) => Math.round(Math.abs(share) * 100);

/** Energy of `a` over that of `b`; relative errors add in quadrature, as the repeats are independent. */
function ratio(a: Interval, b: Interval): Interval {
  const mid = a.mid / b.mid;
  if (a.high === null || b.high === null) return { mid, low: null, high: null };
  const error = Math.hypot((a.high - a.mid) / a.mid, (b.high - b.mid) / b.mid);
  return { mid, low: mid / (1 + error), high: mid * (1 + error) };
}

const change = (r: number) => `${percent(1 - r)} % ${r < 1 ? 'less' : 'more'}`;

function energyAgainst(winner: VariantResult, other: VariantResult): string {
  if (!winner.energy || !other.energy) return '';
  const { mid, low, high } = ratio(winner.energy, other.energy);
  if (low === null || high === null) return `${change(mid)} than ${other.variant} (one repeat, so no interval)`;
  if (low <= 1 && high >= 1) return `energy tied with ${other.variant} (95 %: ${change(low)} to ${change(high)})`;
  const ends = [percent(1 - low), percent(1 - high)].sort((a, b) => a - b);
  return `${change(mid)} than ${other.variant} (95 %: ${ends.join('-')})`;
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
function uncompressed(ranking: Ranking): RankedVariant | null {
  const models = ranking.ranked.filter(({ result }) => result.engine !== 'classical' && result.storedBytes !== null);
  const bytes = (row: RankedVariant) => row.result.storedBytes ?? 0;
  // A mask takes no fewer bytes: of equals, the one with the fewest zeros.
  const zeros = (row: RankedVariant) => row.result.sparsity ?? 0;
  return models.toSorted((a, b) => bytes(b) - bytes(a) || zeros(a) - zeros(b))[0] ?? null;
}

/**
 * The answer in one sentence, its uncertainty in the same breath.
 * @param reference variant to compare with; by default the uncompressed one, or the runner-up where that one wins
 */
export function headline(ranking: Ranking, reference?: string): string {
  const [winner, second] = ranking.ranked;
  if (!winner?.result.energy) return 'No variant has both a known energy and a known quality yet.';
  const { result } = winner;
  const verb = result.tier === 'profile' ? 'an estimated' : 'a measured';
  const start = `${result.variant} does it on ${verb} ${formatJoules(winner.result.energy.mid)} per ticket`;
  const named = ranking.ranked.find((row) => row.result.variant === reference) ?? uncompressed(ranking);
  const other = named && named !== winner ? named : second;
  if (!other) return `${start}, quality ${two(winner.rho.mid)}; there is nothing to compare it with yet.`;
  const ties = ranking.ranked.filter((row) => row.standing === 'tied').map((row) => row.result.variant);
  const tail = ties.length > 0 ? `; all in all tied with ${ties.join(', ')}` : '';
  return `${start}, ${energyAgainst(result, other.result)}, ${qualityAgainst(winner.rho, other.rho)}${tail}.`;
}

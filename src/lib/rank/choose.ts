import { tBoundary, boundaries } from './sequential';
import type { VariantResult } from '../schema/result';
import { Compared, taskQuality } from './decide';
import type { Folded } from './fold';
import { bySimplicity } from './simple';
import { SAME_JOULES } from '../schema/defaults';

/** Slices between two looks at whether a plan is decided. */
export const LOOKS_EVERY = 4;

/**
 * The k leanest language models that are not shown to miss the floor; of those that cannot be told apart from the leanest
 * the simplest, so that the list does not change with noise.
 */
export function chooseBest({ results, evidence }: Folded, k: number): string[] {
  const compared = new Compared(results, evidence);
  let left = compared.models.filter((i) => compared.floor(i) !== 'missed');
  if (left.length === 0) left = compared.models.slice();
  const chosen: number[] = [];
  while (chosen.length < k && left.length > 0) {
    // What too few blocks tell is not "no different": then the middle decides.
    const next = compared.leanest(left, (word) => word === 'same' || word === 'cannot tell');
    if (next === null) break;
    chosen.push(next);
    left = left.filter((i) => i !== next);
  }
  return chosen.map((i) => results[i]?.variant ?? '');
}

/** Overall error of all early words of a plan. */
const ERROR = 0.05;
/** Normal quantile of the one-sided 95 % ends that a floor row carries. */
const Z95 = 1.6448536269514722;

/** A variant that need not be measured further as things stand, and why. */
export interface Stop {
  variant: string;
  why: 'misses the floor' | 'dearer' | 'same, and less simple';
}

/**
 * Whom a plan need not measure further after some slices, and whether its answer stands: Lan-DeMets boundaries of the
 * O'Brien-Fleming kind at every look. Errors of stopping are shared over variants and over joules and quality; that the
 * answer meets the floor has its own, as the word of a plan that is not stopped has. Who is shown to miss
 * the floor is out; who is shown to be dearer than the leanest that may still meet it waits, and comes back if that one
 * turns out to miss it. The reference never stops.
 *
 * @param after slices that are done
 * @param most slices that there may be
 */
export function stopsAt(
  { results, evidence }: Folded,
  after: number,
  most: number,
): { stops: Stop[]; decided: boolean } {
  const compared = new Compared(results, evidence);
  const { models } = compared;
  if (models.length < 2 || evidence.reference === null) return { stops: [], decided: models.length < 2 };
  const looks = Array.from({ length: Math.floor(after / LOOKS_EVERY) }, (_, k) => ((k + 1) * LOOKS_EVERY) / most);
  const fractions = looks.map((t) => Math.min(1, t));
  const look = boundaries(fractions, ERROR / (2 * (models.length - 1))).at(-1);
  // One variant is the answer, so that it meets the floor is one claim: its error is not shared with other variants.
  const only = boundaries(fractions, ERROR).at(-1);
  if (!look || !only) return { stops: [], decided: false };
  const limit = tBoundary(look.nominal, Math.max(1, evidence.df));

  /** Standard errors by which the least of what the tasks ask for is exceeded; null where one is unknown. */
  const standing = (i: number): { most: number; least: number } | null => {
    const z: number[] = [];
    const certain = { most: Infinity, least: Infinity };
    for (const { task, always, rows } of evidence.floors) {
      const row = rows[i];
      const own = taskQuality(results[i] as VariantResult, task);
      if (!row || own === null) return null;
      const reference = taskQuality(results[evidence.reference ?? -1] as VariantResult, task);
      if (row.low !== null && reference !== null) {
        const mid = own - reference;
        const sd = (mid - row.low) / Z95;
        z.push(sd > 0 ? (mid + evidence.margin) / sd : Infinity);
      }
      if (row.above !== null && always !== null) {
        const mid = own - always;
        const sd = (mid - row.above) / Z95;
        z.push(sd > 0 ? mid / sd : mid > 0 ? Infinity : -Infinity);
      }
    }
    return z.length === 0 ? certain : { most: Math.min(...z), least: Math.min(...z) };
  };
  const isOut = (i: number) => (standing(i)?.least ?? 0) < -look.z;
  const isIn = (i: number) => (standing(i)?.most ?? -Infinity) > only.z;
  const score = (i: number, j: number) => {
    const c = compared.energyAt(i, j);
    if (c === null) return null;
    return c.sd === 0 ? (Math.abs(c.mid) < 1e-9 ? 0 : Math.sign(c.mid) * Infinity) : c.mid / c.sd;
  };
  const left = models.filter((i) => !isOut(i));
  const simpler = (a: number, b: number) => bySimplicity(results[a]?.variant ?? '', results[b]?.variant ?? '');
  const least = left.toSorted((a, b) => compared.joules(a) - compared.joules(b) || simpler(a, b))[0];
  /** Both within the margin of "same": two one-sided tests at this look's boundary. */
  const shownSame = (i: number, j: number) => {
    const c = compared.energyAt(i, j);
    return c !== null && Math.abs(c.mid) + limit * c.sd <= Math.log(1 + SAME_JOULES);
  };
  const alike = (i: number, j: number) =>
    (compared.sameWork(i, j) && Math.abs(score(i, j) ?? 1) < 1) || shownSame(i, j);
  // Of those that take the same the simplest is what the others are held against: a hair of joules must not stop it.
  const leanest = least === undefined ? least : left.filter((i) => i === least || alike(i, least)).toSorted(simpler)[0];
  const stops = models.flatMap((i): Stop[] => {
    const variant = results[i]?.variant ?? '';
    if (i === evidence.reference) return [];
    if (!left.includes(i)) return [{ variant, why: 'misses the floor' }];
    if (leanest === undefined || i === leanest) return [];
    if (least !== undefined && (alike(i, leanest) || i === least || alike(i, least)))
      return [{ variant, why: 'same, and less simple' }];
    return (score(i, leanest) ?? 0) > limit ? [{ variant, why: 'dearer' }] : [];
  });
  const stopped = new Set(stops.map(({ variant }) => variant));
  const undecided = left.filter(
    (i) => i !== leanest && !stopped.has(results[i]?.variant ?? '') && (score(i, leanest ?? i) ?? 0) <= limit,
  );
  return { stops, decided: leanest === undefined || (isIn(leanest) && undecided.length === 0) };
}

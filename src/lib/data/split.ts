import { groupBy } from '../core/group';
import { createRandom, type Random } from '../core/random';
import { SPLITS, type Split, type Ticket } from '../schema/dataset';

export type Fractions = Readonly<Record<Split, number>>;
export const DEFAULT_FRACTIONS: Fractions = { train: 0.7, validation: 0.1, test: 0.2 };

/** Equal deficits go to the first of these: with few tickets, a test set is worth more than a validation set. */
const PREFERENCE: readonly Split[] = ['test', 'train', 'validation'];

const zero = (): Record<Split, number> => ({ train: 0, validation: 0, test: 0 });

/** Indices of tickets that must stay together: one unit per group, one per ungrouped ticket. */
function unitsOf(tickets: readonly Pick<Ticket, 'group'>[]): number[][] {
  const units: number[][] = [];
  const groups = new Map<string, number[]>();
  tickets.forEach(({ group }, i) => {
    const known = group === null ? undefined : groups.get(group);
    if (known) {
      known.push(i);
      return;
    }
    const unit = [i];
    units.push(unit);
    if (group !== null) groups.set(group, unit);
  });
  return units;
}

/** True where causes are so diverse that they are free text, not classes. */
function isFreeText(tickets: readonly Pick<Ticket, 'cause'>[]): boolean {
  const labelled = tickets.flatMap(({ cause }) => (cause === null ? [] : [cause]));
  return new Set(labelled).size > labelled.length / 2;
}

/** The split that is furthest below its share. */
function neediest(target: Record<Split, number>, filled: Record<Split, number>): Split {
  let best: Split = 'train';
  let deficit = -Infinity;
  for (const split of PREFERENCE) {
    const missing = target[split] - filled[split];
    if (missing > deficit + 1e-9) [best, deficit] = [split, missing];
  }
  return best;
}

/** Larger units first, so that small ones can fill the gaps; equal sizes in random order. */
const inOrder = (units: readonly number[][], random: Random) =>
  random.shuffle(units).sort((a, b) => b.length - a.length);

/**
 * A seeded split, parallel to `tickets`: stratified by cause, and tickets of one group stay on one side.
 * Every cause has a ticket in train (unless causes are free text, when they do not guide the split); what rounding
 * gives one cause too much of is carried over to the next, so that the whole keeps the fractions.
 */
export function splitTickets(
  tickets: readonly Pick<Ticket, 'cause' | 'group'>[],
  { seed, fractions = DEFAULT_FRACTIONS }: { seed: number; fractions?: Fractions },
): Split[] {
  const random = createRandom(seed).fork('split');
  const stratified = !isFreeText(tickets);
  const strata = groupBy(unitsOf(tickets), (unit) => (stratified && tickets[unit[0] ?? -1]?.cause) || '');

  const result = new Array<Split>(tickets.length).fill('train');
  const share = SPLITS.reduce((a, split) => a + fractions[split], 0);
  let carried = zero();
  // Large strata last: their many units absorb what the small ones left over.
  const ordered = [...strata].sort(([a, x], [b, y]) => x.length - y.length || (a < b ? -1 : 1));
  for (const [cause, units] of ordered) {
    const size = units.reduce((a, unit) => a + unit.length, 0);
    const target = zero();
    for (const split of SPLITS) target[split] = (fractions[split] / share) * size + carried[split];
    const filled = zero();
    inOrder(units, random.fork(cause)).forEach((unit, at) => {
      const split = at === 0 && fractions.train > 0 ? 'train' : neediest(target, filled);
      filled[split] += unit.length;
      for (const i of unit) result[i] = split;
    });
    carried = zero();
    for (const split of SPLITS) carried[split] = target[split] - filled[split];
  }
  return result;
}

/** Allowed causes: most frequent in train first, ties by name; causes that train lacks come last. */
export function rankCauses(tickets: readonly Pick<Ticket, 'cause'>[], split: readonly Split[]): string[] {
  const counts = new Map<string, number>();
  tickets.forEach(({ cause }, i) => {
    if (cause !== null) counts.set(cause, (counts.get(cause) ?? 0) + (split[i] === 'train' ? 1 : 0));
  });
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([cause]) => cause);
}

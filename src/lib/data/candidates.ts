/** Which of several lists in one file holds the tickets: the one that maps, not the first and not the longest. */
import type { Row } from './formats';
import { guessMapping, isMissing, ticketNames } from './mapping';

export interface Candidate {
  id: string;
  /** What a sentence calls it. */
  title: string;
  rows: number;
  /** Some of its rows. `direct`: without what lists inside a row say. */
  samples: readonly Row[];
  direct: readonly Row[];
  /** Whether elements of the other are parts of this one's. */
  contains: (other: Candidate) => boolean;
}

export interface Choice {
  /** The list of tickets, and others with the same columns. */
  chosen: Candidate[];
  /** Lists of more than a few rows that are left out. */
  left: Candidate[];
  /** Whether tickets can be made of it without being told the columns. */
  maps: boolean;
}

/** This share of the sample has both a text and an answer; a wrapper beside a list has them once by chance. */
const COVERED = 0.6;

/** The columns of text and answer, as one text to compare, and how well they are named; null where the rows do not map. */
function mapped(rows: readonly Row[]): { key: string; named: number } | null {
  if (rows.length === 0) return null;
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const { text, cause, response } = guessMapping(columns, rows);
  const answers = [cause, response].filter((column) => column !== null);
  if (text.length === 0 || answers.length === 0) return null;
  const says = (row: Row, column: string) => !isMissing(row.get(column) ?? '');
  const whole = rows.filter(
    (row) => text.some((column) => says(row, column)) && answers.some((column) => says(row, column)),
  ).length;
  return whole >= COVERED * rows.length
    ? { key: JSON.stringify([text, cause, response]), named: ticketNames(text, answers) }
    : null;
}

/** The best named and then the largest of those that map directly; else of those that map at all; else the largest. Null where there is none. */
export function choose(candidates: readonly Candidate[]): Choice | null {
  const full = candidates.filter(({ rows }) => rows > 0);
  for (const of of ['direct', 'samples'] as const) {
    const keys = new Map(full.map((c) => [c, mapped(c[of])] as const));
    const mapping = full.filter((c) => keys.get(c));
    const named = (c: Candidate) => keys.get(c)?.named ?? 0;
    // One object around a list of tickets may have a title and a type itself: it wins only where no list inside maps.
    const inner = mapping.filter(
      (c) => !mapping.some((o) => o !== c && o.rows > 1 && named(o) >= named(c) && o.contains(c)),
    );
    const best = largest(inner.filter((c) => inner.every((o) => named(o) <= named(c))));
    if (!best) continue;
    const chosen = inner.filter(
      (c) => c === best || (keys.get(c)?.key === keys.get(best)?.key && !best.contains(c) && !c.contains(best)),
    );
    return { chosen, left: full.filter((c) => !chosen.includes(c) && !related(c, chosen)), maps: true };
  }
  const best = largest(full);
  return best && { chosen: [best], left: full.filter((c) => c !== best && !related(c, [best])), maps: false };
}

const largest = (candidates: readonly Candidate[]) =>
  candidates.reduce<Candidate | null>((best, c) => (best === null || c.rows > best.rows ? c : best), null);
const related = (c: Candidate, others: readonly Candidate[]) => others.some((o) => o.contains(c) || c.contains(o));

const MAX_NAMED = 4;
/** Says what was taken and what was left; null where nothing was left. */
export function choiceSentence({ chosen, left }: Choice, what: string): string | null {
  const name = (c: Candidate) => `${c.title} (${c.rows})`;
  const list = (some: readonly Candidate[]) =>
    some.slice(0, MAX_NAMED).map(name).join(', ') +
    (some.length > MAX_NAMED ? ` and ${some.length - MAX_NAMED} more` : '');
  if (left.length === 0 && chosen.length < 2) return null;
  return `The file holds ${left.length + chosen.length} ${what}: tickets are taken from ${list(chosen)}${left.length > 0 ? `, not from ${list(left)}` : ''}.`;
}

import { JoulewiseError, quote } from '../core/errors';
import { median, quantile } from '../core/stats';
import type { Mapping, Ticket } from '../schema/dataset';
import type { DropReason } from './formats';
import { listColumns } from './mapping';
import type { Notes } from './notes';

/** Causes beyond this make a prompt that lists them long and a choice hard. */
const MANY_CAUSES = 40;

export interface ClassCount {
  cause: string;
  count: number;
}

/** Most frequent first. */
export function countClasses(tickets: readonly Ticket[]): ClassCount[] {
  const counts = new Map<string, number>();
  for (const { cause } of tickets) if (cause !== null) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  return [...counts].map(([cause, count]) => ({ cause, count })).sort((a, b) => b.count - a.count);
}

/** Characters. */
export interface TextLength {
  min: number;
  median: number;
  p90: number;
  max: number;
}

/** Of the texts of tickets; null where there are none. */
export function lengthsOf(tickets: readonly Ticket[]): TextLength | null {
  const lengths = tickets.map(({ text }) => text.length).sort((a, b) => a - b);
  if (lengths.length === 0) return null;
  return {
    min: lengths[0] ?? 0,
    median: median(lengths),
    p90: quantile(lengths, 0.9),
    max: lengths.at(-1) ?? 0,
  };
}

/** What a user should know before running, of the tickets that were kept. */
export function review(
  tickets: readonly Ticket[],
  classes: readonly ClassCount[],
  mapping: Mapping,
  notes: Notes,
): void {
  const labelled = classes.reduce((a, { count }) => a + count, 0);
  const missing = (column: string | null, count: number) => {
    if (column !== null && count > 0)
      notes.warn(
        `${count} of ${tickets.length} tickets have nothing in ${quote(column)} and are left out of that task.`,
      );
  };
  missing(mapping.cause, tickets.length - labelled);
  missing(mapping.response, tickets.filter(({ response }) => response === null).length);
  if (mapping.cause !== null && classes.length === 1)
    notes.warn(
      `Every ticket has the same cause, ${quote(classes[0]?.cause ?? '')}: root cause analysis has nothing to choose.`,
    );
  if (labelled > 4 && classes.length > labelled / 2)
    notes.warn(
      `Column ${quote(mapping.cause ?? '')} reads like free text (${classes.length} different values): use it as the response, or map a column of classes.`,
    );
  else if (classes.length > MANY_CAUSES)
    notes.warn(`${classes.length} different causes make prompts long: consider merging rare ones.`);
  if (tickets.length < 50) notes.warn(`${tickets.length} tickets are few: intervals will be wide.`);
  const { dropped } = notes;
  if (dropped['too large'] > 0)
    notes.warn(
      `${dropped['too large']} rows have a cell over ${notes.limits.cellChars} characters and were dropped; a missing closing quote does this.`,
    );
  if (dropped.unreadable > 0)
    notes.warn(`${dropped.unreadable} entries could not be read as a JSON object and were dropped.`);
}

/** Throws where nothing is left to work with. */
export function assertSome(
  drafts: readonly unknown[],
  rows: number,
  mapping: Mapping,
  { dropped }: Notes,
  columns: readonly string[],
): void {
  if (dropped.unreadable > rows)
    throw new JoulewiseError(
      'input.format',
      `Most of the file (${dropped.unreadable} entries) is not JSON objects: export it again, one object per line or as one list.`,
    );
  if (drafts.length > 0) return;
  if (rows === 0)
    throw new JoulewiseError('input.empty', 'The file has column names but no tickets: export it with its rows.');
  const reason = (Object.entries(dropped) as [DropReason, number][]).sort((a, b) => b[1] - a[1])[0]?.[0];
  const used = listColumns([...mapping.text, mapping.cause, mapping.response].filter((column) => column !== null));
  throw new JoulewiseError(
    'input.empty',
    `None of the ${rows} rows makes a ticket (${reason ?? 'empty'}) from the columns ${used}: map others of ${listColumns(columns)}.`,
  );
}

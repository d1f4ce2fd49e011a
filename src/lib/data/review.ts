import { JoulewiseError, quote } from '../core/errors';
import { median, quantile } from '../core/stats';
import type { Mapping, Split, Ticket } from '../schema/dataset';
import type { DropReason } from './formats';
import { listColumns } from './mapping';
import type { Notes } from './notes';
import { TEXT_BUDGET } from './tasks';

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

/** One cause with so large a share is answered well by always naming it. */
const DOMINANT = 0.8;
/** Text in UTF-8 that was once read as windows-1252 and saved again. */
const TWICE_ENCODED = /[\u00c3\u00c2][\u0080-\u00bf\u0152\u0153\u0160\u0178\u0192\u20ac\u2122]|\u00e2\u20ac/;
const OFTEN = 0.05;
/** Stands for bytes that are no letter in the encoding that was read. */
const UNREADABLE = '\ufffd';
/** Fewer tickets are too few to part, which is said already. */
const FEWEST_TO_SPLIT = 5;

/** What a user should know of how the tickets are parted, and of how much of them a model reads. */
export function reviewSplit(
  tickets: readonly Ticket[],
  split: readonly Split[],
  classes: readonly ClassCount[],
  notes: Notes,
): void {
  const labelled = tickets.filter(({ cause }) => cause !== null).length;
  const tested = new Set(tickets.filter((_, i) => split[i] === 'test').map(({ cause }) => cause));
  if (tickets.length >= FEWEST_TO_SPLIT && tested.size === 0)
    notes.warn(
      'No ticket is left to test on: all belong to one group or are alike. Map another column as the group, or none, and import more tickets.',
    );
  const untested = classes.filter(({ cause }) => !tested.has(cause));
  if (tested.size > 0 && untested.length > 0 && classes.length <= labelled / 2)
    notes.warn(
      `${untested.length} of ${classes.length} causes have no test ticket, so nothing is known of them: ${untested
        .slice(0, 3)
        .map(({ cause, count }) => `${quote(cause)} (${count})`)
        .join(', ')}${untested.length > 3 ? ' ...' : ''}.`,
    );
  const [first] = classes;
  if (first && classes.length > 1 && first.count > DOMINANT * labelled)
    notes.warn(
      `${Math.round((100 * first.count) / labelled)} % of the tickets have the cause ${quote(first.cause)}: always naming it is right as often, so compare F1 rather than accuracy.`,
    );
  const long = tickets.filter(({ text }) => text.length > TEXT_BUDGET).length;
  if (long > 0)
    notes.warn(
      `${long} of ${tickets.length} texts are longer than the ${TEXT_BUDGET} characters that a model reads of each; the classical baseline reads as much.`,
    );
  const unreadable = tickets.filter((t) => [t.text, t.cause, t.response].some((s) => s?.includes(UNREADABLE))).length;
  if (unreadable > 0)
    notes.warn(
      `${unreadable} of ${tickets.length} tickets hold ${quote(UNREADABLE)}, the sign for a letter that could not be read: another encoding may read them.`,
    );
  if (tickets.filter(({ text }) => TWICE_ENCODED.test(text)).length > OFTEN * tickets.length)
    notes.warn(
      'Letters look as if the text was encoded twice ("Ã¶" for "ö"): export it again as UTF-8 if they should read otherwise.',
    );
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

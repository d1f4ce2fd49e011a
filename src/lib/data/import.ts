/** A file of tickets -> a dataset and a report of what happened to every row. */
import { contentHash } from '../core/canonical';
import { JoulewiseError, quote } from '../core/errors';
import { median, quantile } from '../core/stats';
import type { DatasetRecord, Mapping, Ticket } from '../schema/dataset';
import { type Duplicates, findDuplicates } from './duplicates';
import { detectFormat, type DropReason, type FormatName, type Row, type Sink, type Table } from './formats';
import { isParquet, openParquet } from './parquet';
import { counterColumns, guessMapping, isMissing, listColumns, resolveMapping, wordsOf } from './mapping';
import { placeholder, redact, type RedactionKind, type RedactionSpan, REDACTION_TITLES } from './redact';
import { rankCauses, splitTickets } from './split';
import {
  type Encoding,
  IMPORT_LIMITS,
  type ImportLimits,
  type ImportSource,
  inspect,
  type Inspection,
  NotUtf8,
  textOf,
} from './text-stream';

export type { ImportLimits, ImportSource } from './text-stream';
export { parseMapping } from './mapping';

export interface TablePreview {
  format: FormatName;
  gzipped: boolean;
  encoding: Encoding;
  columns: string[];
  sampleRows: Record<string, string>[];
  guess: Mapping;
  /** Columns of numbers that may be read together as one vector, such as alarms; none where there are few. */
  counters: string[];
  warnings: string[];
}

export interface ImportOptions {
  /** What is not said is guessed. */
  mapping?: Partial<Mapping>;
  redact?: boolean;
  /** Names of causes that the file says by number or code. */
  causeNames?: Readonly<Record<string, string>>;
  /** Of the source, where it is known. */
  licence?: string;
  seed: number;
  signal?: AbortSignal;
  /** Rows read so far, and bytes of the file itself. */
  onProgress?: (rowsRead: number, bytesRead: number) => void;
  limits?: Partial<ImportLimits>;
}

export interface RedactionReport {
  kind: RedactionKind;
  title: string;
  count: number;
  /** Up to three excerpts; shown, never stored. */
  examples: { before: string; after: string }[];
}

export interface ImportReport {
  format: FormatName;
  gzipped: boolean;
  encoding: Encoding;
  columns: string[];
  mapping: Mapping;
  /** True where no part of the mapping was said by the user. */
  guessed: boolean;
  /** Rows of the file; `kept` and the counts of `dropped` add up to this. */
  rows: number;
  kept: number;
  dropped: Record<DropReason, number>;
  /** `conflicting`: exact duplicates whose cause differs from the one kept. */
  duplicates: { exact: number; near: number; conflicting: number };
  /** Null where redaction was switched off. */
  redactions: RedactionReport[] | null;
  /** Most frequent first. */
  classes: { cause: string; count: number }[];
  /** Characters of the kept texts; null where none was kept. */
  textLength: { min: number; median: number; p90: number; max: number } | null;
  warnings: string[];
}

/** Rows that the mapping is guessed from. */
const GUESS_ROWS = 200;
const PREVIEW_ROWS = 20;
/** Causes beyond this make a prompt that lists them long and a choice hard. */
const MANY_CAUSES = 40;

const noDrops = (): Record<DropReason, number> => ({
  unreadable: 0,
  'no text': 0,
  'no answer': 0,
  'too large': 0,
  'exact duplicate': 0,
});

/** A hostile file could raise one per row. */
const MAX_WARNINGS = 30;

class Notes implements Sink {
  readonly warnings = new Set<string>();
  readonly dropped = noDrops();
  constructor(readonly limits: ImportLimits) {}
  warn(sentence: string): void {
    if (this.warnings.size < MAX_WARNINGS) this.warnings.add(sentence);
    else this.warnings.add('There are more warnings of this kind.');
  }
  drop(reason: DropReason, count = 1): void {
    this.dropped[reason] += count;
  }
}

const limitsOf = (options: { limits?: Partial<ImportLimits> }): ImportLimits => ({
  ...IMPORT_LIMITS,
  ...options.limits,
});

interface OpenTable extends Table {
  format: FormatName;
  inspection: Inspection;
  notes: Notes;
}

type OpenOptions = Pick<ImportOptions, 'limits' | 'signal'> & { onBytes?: (bytes: number) => void };

const WRONG_ENCODING =
  'The text is not valid UTF-8; it was read as windows-1252. If letters look wrong, save the file as UTF-8 and import it again.';

/** Opens a file and gives it to `use`; starts again where the encoding, guessed from the beginning, proves wrong later. */
async function withTable<T>(
  source: ImportSource,
  options: OpenOptions,
  use: (table: OpenTable) => Promise<T>,
): Promise<T> {
  const limits = limitsOf(options);
  if (await isParquet(source)) {
    const notes = new Notes(limits);
    const inspection: Inspection = { gzipped: false, encoding: 'utf-8', sample: '', complete: false };
    return use({ ...(await openParquet(source, options)), format: 'parquet', inspection, notes });
  }
  let inspection = await inspect(source, limits, options.signal);
  for (;;) {
    const { gzipped, encoding, sample } = inspection;
    const notes = new Notes(limits);
    if (encoding === 'windows-1252') notes.warn(WRONG_ENCODING);
    const text = textOf(source, { encoding, gzipped, limits, signal: options.signal, onBytes: options.onBytes });
    try {
      const format = detectFormat(source.name, sample, notes);
      const table = await format.open(text, sample, notes);
      return await use({ ...table, format: format.name, inspection, notes });
    } catch (error) {
      if (!(error instanceof NotUtf8) || encoding !== 'utf-8') throw error;
      inspection = { ...inspection, encoding: 'windows-1252' };
    } finally {
      await text.return();
    }
  }
}

/** The first rows, read ahead, and then all rows from the beginning. */
async function readAhead({ batches, columns }: Table, wanted: number) {
  const head: Row[] = [];
  let done = false;
  while (head.length < wanted && !done) {
    const next = await batches.next();
    if (next.done) done = true;
    else for (const row of next.value) head.push(row);
  }
  const seen = columns ?? [...new Set(head.flatMap((row) => [...row.keys()]))];
  async function* all() {
    yield head;
    if (!done) yield* batches;
  }
  return { head, columns: seen, all: all() };
}

/** Format, columns, some rows and a guessed mapping. Throws `input.*`. */
export async function previewTable(
  source: ImportSource,
  { rows = PREVIEW_ROWS, limits, signal }: { rows?: number } & Pick<ImportOptions, 'limits' | 'signal'> = {},
): Promise<TablePreview> {
  return withTable(source, { ...(limits && { limits }), ...(signal && { signal }) }, async (table) => {
    const { head, columns } = await readAhead(table, Math.max(rows, GUESS_ROWS));
    return {
      format: table.format,
      gzipped: table.inspection.gzipped,
      encoding: table.inspection.encoding,
      columns,
      sampleRows: head.slice(0, rows).map((row) => Object.fromEntries(row)),
      guess: guessMapping(columns, head.slice(0, GUESS_ROWS)),
      counters: counterColumns(columns, head.slice(0, GUESS_ROWS)),
      warnings: [...table.notes.warnings],
    };
  });
}

/** About this many characters around a redaction are shown. */
const CONTEXT = 30;
/** Characters of what was redacted that are shown, and examples of a kind. */
const LONGEST = 80;
const EXAMPLES = 3;
/** Where what is shown around a redaction begins and ends: between words, and through no other redaction. */
function windowOf(text: string, { start, end }: RedactionSpan, spans: readonly RedactionSpan[]): [number, number] {
  const back = Math.max(0, start - CONTEXT);
  const on = Math.min(text.length, end + CONTEXT);
  const from = back === 0 ? 0 : back + (/^\S*\s?/.exec(text.slice(back, start))?.[0].length ?? 0);
  const to = on === text.length ? on : on - (/\s?\S*$/.exec(text.slice(end, on))?.[0].length ?? 0);
  const touched = spans.filter((span) => span.start < to && span.end > from);
  return [Math.min(from, ...touched.map((span) => span.start)), Math.max(to, ...touched.map((span) => span.end))];
}

/** A part of a text with what `show` makes of each redaction in it. */
function excerpt(
  text: string,
  [from, to]: readonly [number, number],
  spans: readonly RedactionSpan[],
  show: (span: RedactionSpan) => string,
): string {
  let out = from > 0 ? '… ' : '';
  let at = from;
  for (const span of spans.filter(({ start, end }) => start >= from && end <= to)) {
    out += text.slice(at, span.start) + show(span);
    at = span.end;
  }
  return `${out}${text.slice(at, to)}${to < text.length ? ' …' : ''}`.replace(/\s+/g, ' ').trim();
}

/** Counts and examples over all tickets. */
class Redactor {
  private readonly found = new Map<RedactionKind, RedactionReport>();

  apply(text: string): string {
    const { text: clean, counts, spans } = redact(text);
    for (const span of spans) {
      const { examples } = this.reportOf(span.kind);
      if (examples.length >= EXAMPLES) continue;
      const part = windowOf(text, span, spans);
      examples.push({
        before: excerpt(text, part, spans, ({ start, end }) => text.slice(start, Math.min(end, start + LONGEST))),
        after: excerpt(text, part, spans, ({ kind }) => placeholder(kind)),
      });
    }
    for (const [kind, count] of Object.entries(counts) as [RedactionKind, number][]) this.reportOf(kind).count += count;
    return clean;
  }

  /** Most frequent first. */
  get reports(): RedactionReport[] {
    return [...this.found.values()].sort((a, b) => b.count - a.count);
  }

  private reportOf(kind: RedactionKind): RedactionReport {
    const known = this.found.get(kind);
    if (known) return known;
    const report = { kind, title: REDACTION_TITLES[kind], count: 0, examples: [] };
    this.found.set(kind, report);
    return report;
  }
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
/** Control characters become spaces, lone halves of surrogate pairs the replacement sign: such text has no UTF-8. */
const tidy = (cell: string) => cell.replace(/\r\n?/g, '\n').replace(CONTROL, ' ').toWellFormed().trim();

interface Draft extends Ticket {
  /** Row number in the file, from 1, header not counted. */
  row: number;
}

interface Collector {
  mapping: Mapping;
  causeNames: Readonly<Record<string, string>>;
  notes: Notes;
  redactor: Redactor | null;
}

/** A ticket from a row, or null where the row is dropped. */
function draftOf(row: Row, number: number, { mapping, causeNames, notes, redactor }: Collector): Draft | null {
  const { cellChars, textChars } = notes.limits;
  const cell = (column: string | null) => (column === null ? '' : (row.get(column) ?? ''));
  const cells = [...mapping.text, mapping.cause, mapping.response].map(cell);
  if (cells.some(({ length }) => length > cellChars)) {
    notes.drop('too large');
    return null;
  }
  const read = (column: string | null) => {
    const value = tidy(cell(column));
    if (isMissing(value)) return null;
    if (value.length > textChars) notes.warn(`Cells longer than ${textChars} characters were cut to that.`);
    const cut = value.slice(0, textChars).toWellFormed();
    return redactor ? redactor.apply(cut) : cut;
  };
  const text = mapping.text
    .map((column) => wordsOf(column, read(column), mapping.text.length))
    .filter((words) => words !== null);
  const said = read(mapping.cause)?.replace(/\s+/g, ' ') ?? null;
  const cause = said !== null && Object.hasOwn(causeNames, said) ? (causeNames[said] ?? said) : said;
  const response = read(mapping.response);
  if (text.length === 0) notes.drop('no text');
  else if (cause === null && response === null) notes.drop('no answer');
  else {
    const group = tidy(cell(mapping.group).slice(0, 200));
    const time = tidy(cell(mapping.time).slice(0, 60));
    return {
      id: `row ${number}`,
      row: number,
      text: text.join('\n'),
      cause,
      response,
      group: isMissing(group) ? null : group,
      time: isMissing(time) ? null : time,
    };
  }
  return null;
}

const charsOf = ({ text, cause, response }: Ticket) => text.length + (cause?.length ?? 0) + (response?.length ?? 0);

/** Reads every row. */
async function collect(
  all: AsyncIterable<Row[]>,
  collector: Collector,
  onRows: (rows: number) => void,
): Promise<{ drafts: Draft[]; rows: number }> {
  const { rows: maxRows, datasetChars } = collector.notes.limits;
  const drafts: Draft[] = [];
  let rows = 0;
  let chars = 0;
  for await (const batch of all) {
    for (const row of batch) {
      const draft = draftOf(row, ++rows, collector);
      if (!draft) continue;
      drafts.push(draft);
      chars += charsOf(draft);
    }
    if (rows > maxRows || chars > datasetChars)
      throw new JoulewiseError(
        'input.too-large',
        `The file holds more than ${rows > maxRows ? `${maxRows} rows` : `${datasetChars} characters of tickets`}: import a sample of it.`,
      );
    onRows(rows);
  }
  return { drafts, rows };
}

/**
 * One label per set of tickets that belong together, by the source's group or as near duplicates; null where alone.
 * The labels are our own: a source's incident numbers can identify a customer.
 */
function groupsOf(drafts: readonly Draft[], { kept, group }: Duplicates): Map<number, string> {
  const parent = new Map<number, number>();
  const find = (i: number): number => {
    let root = i;
    for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up;
    return root;
  };
  const join = (a: number, b: number) => {
    const [x, y] = [find(a), find(b)];
    if (x !== y) parent.set(Math.max(x, y), Math.min(x, y));
  };
  const bySource = new Map<string, number>();
  for (const i of kept) {
    const near = group[i] ?? i;
    if (near !== i) join(i, near);
    const source = drafts[i]?.group ?? null;
    if (source === null) continue;
    const first = bySource.get(source);
    if (first === undefined) bySource.set(source, i);
    else join(i, first);
  }
  const sizes = new Map<number, number>();
  for (const i of kept) sizes.set(find(i), (sizes.get(find(i)) ?? 0) + 1);
  const labels = new Map<number, string>();
  const out = new Map<number, string>();
  for (const i of kept) {
    const root = find(i);
    if ((sizes.get(root) ?? 0) < 2) continue;
    const label = labels.get(root) ?? `group ${labels.size + 1}`;
    labels.set(root, label);
    out.set(i, label);
  }
  return out;
}

function countClasses(tickets: readonly Ticket[]): ImportReport['classes'] {
  const counts = new Map<string, number>();
  for (const { cause } of tickets) if (cause !== null) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  return [...counts].map(([cause, count]) => ({ cause, count })).sort((a, b) => b.count - a.count);
}

function lengthsOf(tickets: readonly Ticket[]): ImportReport['textLength'] {
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
function review(tickets: readonly Ticket[], classes: ImportReport['classes'], mapping: Mapping, notes: Notes): void {
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
function assertSome(
  drafts: readonly Draft[],
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

/**
 * Reads, maps, redacts (unless switched off), removes exact duplicates, groups near ones and splits. Streams the file:
 * memory is that of the kept tickets. Throws `input.*` with a sentence that says what to do, or `cancelled`.
 */
export async function importDataset(
  source: ImportSource,
  options: ImportOptions,
): Promise<{ dataset: DatasetRecord; report: ImportReport }> {
  const { mapping: said = {}, causeNames = {}, licence = null, seed, signal, onProgress } = options;
  let bytes = 0;
  const opening: OpenOptions = {
    ...(options.limits && { limits: options.limits }),
    ...(signal && { signal }),
    onBytes: (total) => (bytes = total),
  };
  return withTable(source, opening, async (table) => {
    const { notes, format, inspection } = table;
    const { head, columns, all } = await readAhead(table, GUESS_ROWS);
    if (head.length === 0) assertSome([], 0, guessMapping([], []), notes, columns);
    const mapping = resolveMapping(guessMapping(columns, head.slice(0, GUESS_ROWS)), said, columns);
    const redactor = options.redact === false ? null : new Redactor();
    const { drafts, rows } = await collect(all, { mapping, causeNames, notes, redactor }, (count) =>
      onProgress?.(count, bytes),
    );
    assertSome(drafts, rows, mapping, notes, columns);

    const duplicates = findDuplicates(drafts.map(({ text }) => text));
    notes.drop('exact duplicate', duplicates.exact);
    const conflicting = drafts.filter(({ cause }, i) => {
      const first = drafts[duplicates.original[i] ?? -1];
      return first !== undefined && first.cause !== cause;
    }).length;
    if (conflicting > 0)
      notes.warn(`${conflicting} dropped duplicates have another cause than the ticket they repeat.`);

    const groups = groupsOf(drafts, duplicates);
    const tickets = duplicates.kept.map((i): Ticket => {
      const { id, text, cause, response, time } = drafts[i] as Draft;
      return { id, text, cause, response, group: groups.get(i) ?? null, time };
    });
    const split = splitTickets(tickets, { seed });
    const classes = countClasses(tickets);
    review(tickets, classes, mapping, notes);
    const redactions = redactor?.reports ?? null;
    const dataset: DatasetRecord = {
      v: 1,
      hash: await contentHash({ tickets, split }),
      name: source.name.replace(/\.gz$/i, '').replace(/\.\w{1,6}$/, ''),
      source: { kind: format, origin: source.name, licence },
      mapping,
      seed,
      tickets,
      split,
      causes: rankCauses(tickets, split),
      counts: {
        rows: rows + notes.dropped.unreadable,
        kept: tickets.length,
        emptyText: notes.dropped['no text'],
        exactDuplicates: duplicates.exact,
        nearDuplicates: duplicates.near,
        redactions: redactions && Object.fromEntries(redactions.map(({ kind, count }) => [kind, count])),
      },
    };
    const report: ImportReport = {
      format,
      gzipped: inspection.gzipped,
      encoding: inspection.encoding,
      columns,
      mapping,
      guessed: Object.keys(said).length === 0,
      rows: rows + notes.dropped.unreadable,
      kept: tickets.length,
      dropped: notes.dropped,
      duplicates: { exact: duplicates.exact, near: duplicates.near, conflicting },
      redactions,
      classes,
      textLength: lengthsOf(tickets),
      warnings: [...notes.warnings],
    };
    return { dataset, report };
  });
}

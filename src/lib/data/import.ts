/** A file of tickets -> a dataset and a report of what happened to every row. */
import { contentHash } from '../core/canonical';
import { JoulewiseError, quote } from '../core/errors';
import type { DatasetRecord, Mapping, Ticket } from '../schema/dataset';
import {
  doubtfulCauses,
  doubtfulSentence,
  isDoubtful,
  isFrequent,
  type LikeCauses,
  likeCauses,
  likeSentence,
  tidyCause,
} from './causes';
import { OtherQuoting, type Quoting } from './delimited';
import type { EncodingGuess } from './encoding';
import { findDuplicates } from './duplicates';
import { detectFormat, type DropReason, type FormatName, type Row, type Table } from './formats';
import { groupsOf } from './groups';
import { isZip } from './zip';
import { isParquet, openParquet } from './parquet';
import {
  counterColumns,
  guessMapping,
  isMissing,
  listColumns,
  peopleColumns,
  resolveMapping,
  wordsOf,
} from './mapping';
import { Notes } from './notes';
import type { Leftover } from './leftovers';
import { type PreviewedTicket, previewRows, type RedactionPreview } from './redaction-preview';
import { Redactor, type RedactionReport, type RedactorOptions } from './redaction-report';
import { assertSome, countClasses, lengthsOf, review, reviewSplit, type ClassCount, type TextLength } from './review';
import { rankCauses, splitTickets } from './split';
import {
  guessOf,
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
  /** By its name in the Encoding Standard. */
  encoding: string;
  /** Whether it was guessed from the letters, so that a person may know better. */
  encodingGuessed: boolean;
  columns: string[];
  sampleRows: Record<string, string>[];
  /** What each cell of `sampleRows` adds to a text of several columns; absent where that is nothing. */
  sampleWords: Record<string, string>[];
  guess: Mapping;
  /** Columns that name people, by their own names. */
  people: string[];
  /** Columns of numbers that may be read together as one vector, such as alarms; none where there are few. */
  counters: string[];
  warnings: string[];
}

/** How a file is read, where a person knows better than what is guessed. */
export interface Reading {
  /** By a label of the Encoding Standard. */
  encoding?: string;
  /** Causes that differ only in case, spaces or final dots become the most frequent spelling. */
  mergeCauses?: boolean;
  /** Causes that mean "not known". */
  notKnown?: readonly string[];
}

export interface ImportOptions extends Reading {
  /** What is not said is guessed. */
  mapping?: Partial<Mapping>;
  /** False = nothing is hidden; else what is hidden besides, or is not. */
  redact?: boolean;
  redaction?: RedactorOptions;
  /** Columns of people: no part of the text, and what they say is hidden in the others. What is not said is guessed by name. */
  people?: readonly string[];
  /** Names of causes that the file says by number or code; an empty name means that there is no answer. */
  causeNames?: Readonly<Record<string, string>>;
  /** Of the source, where it is known. */
  licence?: string;
  seed: number;
  signal?: AbortSignal;
  /** Rows read so far, and bytes of the file itself. */
  onProgress?: (rowsRead: number, bytesRead: number) => void;
  limits?: Partial<ImportLimits>;
}

export interface ImportReport {
  format: FormatName;
  gzipped: boolean;
  encoding: string;
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
  /** Capitalised pairs that are probably names and still stand there; null where redaction was switched off. */
  left: Leftover[] | null;
  /** Columns that were left out because they name people. */
  people: string[];
  classes: ClassCount[];
  /** Causes that are probably one, spelt in several ways; already one where they were to be merged. */
  likeCauses: LikeCauses[];
  merged: boolean;
  /** Causes that were said to mean "not known". */
  notKnown: string[];
  /** Frequent causes that may mean "not known". */
  doubtful: ClassCount[];
  /** Of the kept texts; null where none was kept. */
  textLength: TextLength | null;
  warnings: string[];
}

/** What an import says on a page; of classes the dataset's summary says enough. */
export type PageReport = Omit<ImportReport, 'classes'>;

/** Rows that the mapping is guessed from. */
const GUESS_ROWS = 200;
const PREVIEW_ROWS = 20;
const limitsOf = (options: { limits?: Partial<ImportLimits> }): ImportLimits => ({
  ...IMPORT_LIMITS,
  ...options.limits,
});

interface OpenTable extends Table {
  format: FormatName;
  inspection: Inspection;
  notes: Notes;
}

type OpenOptions = Pick<ImportOptions, 'encoding' | 'limits' | 'signal'> & { onBytes?: (bytes: number) => void };

const encodingSentence = ({ encoding, other }: EncodingGuess) =>
  `The text is not valid UTF-8; its letters look like ${encoding}, so it was read as that. If they look wrong, choose another encoding${other === null ? '' : ` (${other} is the next likely)`}, or save the file as UTF-8 and import it again.`;

/** Opens a file and gives it to `use`; starts again where the encoding, guessed from the beginning, proves wrong later. */
async function withTable<T>(
  source: ImportSource,
  options: OpenOptions,
  use: (table: OpenTable) => Promise<T>,
): Promise<T> {
  const limits = limitsOf(options);
  if (await isParquet(source)) {
    const notes = new Notes(limits);
    const inspection: Inspection = { gzipped: false, encoding: 'utf-8', guess: null, sample: '', complete: false };
    return use({ ...(await openParquet(source, notes, options)), format: 'parquet', inspection, notes });
  }
  if (await isZip(source)) {
    const notes = new Notes(limits);
    const { openWorkbook } = await import('./workbook');
    const inspection: Inspection = { gzipped: false, encoding: 'utf-8', guess: null, sample: '', complete: false };
    return use({ ...(await openWorkbook(source, notes, options)), format: 'xlsx', inspection, notes });
  }
  let inspection = await inspect(source, limits, options);
  let quoting: Quoting | undefined;
  for (;;) {
    const { gzipped, encoding, guess, sample } = inspection;
    const notes = new Notes(limits);
    if (guess !== null) notes.warn(encodingSentence(guess));
    const opening = { gzipped, limits, signal: options.signal };
    const decoding = { ...opening, encoding, fatal: encoding === 'utf-8' && options.encoding === undefined };
    const text = textOf(source, { ...decoding, onBytes: options.onBytes });
    try {
      const format = detectFormat(source.name, sample, notes);
      const again = () => textOf(source, decoding);
      const table = await format.open(text, sample, notes, again, quoting);
      return await use({ ...table, format: format.name, inspection, notes });
    } catch (error) {
      if (error instanceof OtherQuoting && quoting === undefined) quoting = error.quoting;
      else if (error instanceof NotUtf8) {
        const better = await guessOf(source, opening);
        inspection = { ...inspection, encoding: better.encoding, guess: better };
      } else throw error;
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

/** Columns and their words, where a text has several columns: pages show them without knowing what a number is. */
const wordsIn = (row: Row) =>
  [...row].flatMap(([column, cell]) => {
    const words = wordsOf(column, cell.trim() || null, 2);
    return words === null ? [] : [[column, words] as const];
  });

/** Format, columns, some rows and a guessed mapping. Throws `input.*`. */
export async function previewTable(
  source: ImportSource,
  { rows = PREVIEW_ROWS, ...options }: { rows?: number } & Pick<ImportOptions, 'encoding' | 'limits' | 'signal'> = {},
): Promise<TablePreview> {
  return withTable(source, options, async (table) => {
    const { head, columns } = await readAhead(table, Math.max(rows, GUESS_ROWS));
    return {
      format: table.format,
      gzipped: table.inspection.gzipped,
      encoding: table.inspection.encoding,
      encodingGuessed: table.inspection.guess !== null,
      columns,
      sampleRows: head.slice(0, rows).map((row) => Object.fromEntries(row)),
      sampleWords: head.slice(0, rows).map((row) => Object.fromEntries(wordsIn(row))),
      guess: guessMapping(columns, head.slice(0, GUESS_ROWS)),
      counters: counterColumns(columns, head.slice(0, GUESS_ROWS)),
      people: peopleColumns(columns),
      warnings: [...table.notes.warnings],
    };
  });
}

/** Rows that a preview of redaction looks at. */
const REDACTION_ROWS = 1000;

/**
 * What an import with these options would hide in the first 1,000 rows, marked in some of them; nothing is kept. Throws
 * `input.*`.
 */
export async function previewRedaction(
  source: ImportSource,
  options: Pick<ImportOptions, 'mapping' | 'redaction' | 'people' | 'encoding' | 'limits' | 'signal'>,
): Promise<RedactionPreview> {
  return withTable(source, options, async (table) => {
    const { head, columns } = await readAhead(table, REDACTION_ROWS);
    const guess = guessMapping(columns, head.slice(0, GUESS_ROWS));
    const { mapping, people } = withoutPeople(resolveMapping(guess, options.mapping ?? {}, columns), columns, options);
    const redactor = new Redactor(options.redaction);
    const { textChars } = table.notes.limits;
    const tickets = head.slice(0, REDACTION_ROWS).map((row): PreviewedTicket => {
      const cell = (column: string) => tidy((row.get(column) ?? '').slice(0, textChars));
      return {
        people: people.map(cell),
        texts: [...mapping.text, ...(mapping.response === null ? [] : [mapping.response])]
          .map((column) => cell(column))
          .filter((text) => !isMissing(text)),
      };
    });
    return previewRows(tickets, redactor);
  });
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
/** Control characters become spaces, lone halves of surrogate pairs the replacement sign: such text has no UTF-8. */
const tidy = (cell: string) => cell.replace(/\r\n?/g, '\n').replace(CONTROL, ' ').toWellFormed().trim();

/** The mapping without columns of people; a class or an answer that the mapping names stays, whoever it names. */
function withoutPeople(
  mapping: Mapping,
  columns: readonly string[],
  { people: said, redact }: Pick<ImportOptions, 'people' | 'redact'>,
): { mapping: Mapping; people: string[] } {
  if (redact === false) return { mapping, people: [] };
  const unknown = said?.find((column) => !columns.includes(column));
  if (unknown !== undefined)
    throw new JoulewiseError(
      'input.columns',
      `The file has no column ${quote(unknown)} to leave out. Its columns: ${listColumns(columns)}.`,
    );
  const kept = new Set([mapping.cause, mapping.response, mapping.group]);
  const people = (said ?? peopleColumns(columns)).filter((column) => !kept.has(column));
  const text = mapping.text.filter((column) => !people.includes(column));
  // What is guessed by name may be the ticket itself: "name".
  return text.length > 0 ? { mapping: { ...mapping, text }, people } : { mapping, people: [] };
}

interface Draft extends Ticket {
  /** Row number in the file, from 1, header not counted. */
  row: number;
  /** The cause is a word that says "no answer", unless it turns out to be frequent enough for a class. */
  doubtful: boolean;
}

interface Collector {
  mapping: Mapping;
  causeNames: Readonly<Record<string, string>>;
  notKnown: ReadonlySet<string>;
  notes: Notes;
  redactor: Redactor | null;
  people: readonly string[];
}

/** The cause that a cell says: by its name where it has one, null where it says that there is none. */
function causeOf(cell: string, value: string | null, { causeNames, notKnown, redactor }: Collector) {
  const said = value === null ? (isDoubtful(cell) ? cell : null) : tidyCause(value) || null;
  if (said !== null && notKnown.has(said)) return { cause: null, doubtful: false };
  const name = said !== null && Object.hasOwn(causeNames, said) ? causeNames[said] : undefined;
  if (name !== undefined) return { cause: name || null, doubtful: false };
  return { cause: said !== null && redactor ? redactor.class(said) : said, doubtful: value === null && said !== null };
}

/**
 * Settles the words that are a class in one file and "no answer" in another: kept where they are as frequent as a class,
 * else taken as no answer. Rows that are left without an answer are dropped.
 */
function settleDoubtful(drafts: readonly Draft[], notes: Notes): Draft[] {
  const labelled = drafts.filter(({ cause }) => cause !== null).length;
  const doubtful = drafts.filter((draft) => draft.doubtful).length;
  if (doubtful === 0 || (doubtful < labelled && isFrequent(doubtful, labelled))) return [...drafts];
  for (const draft of drafts) if (draft.doubtful) draft.cause = null;
  const kept = drafts.filter(({ cause, response }) => cause !== null || response !== null);
  notes.drop('no answer', drafts.length - kept.length);
  return kept;
}

/** Gives causes that are spelt in several ways the most frequent spelling. */
function mergeLike(drafts: readonly Draft[]): LikeCauses[] {
  const likes = likeCauses(countClasses(drafts));
  const to = new Map(likes.flatMap((like) => like.from.map((cause) => [cause, like.to] as const)));
  for (const draft of drafts) if (draft.cause !== null) draft.cause = to.get(draft.cause) ?? draft.cause;
  return likes;
}

/** A ticket from a row, or null where the row is dropped. */
function draftOf(row: Row, number: number, collector: Collector): Draft | null {
  const { mapping, notes, redactor, people } = collector;
  const { cellChars, textChars } = notes.limits;
  const cell = (column: string | null) => (column === null ? '' : (row.get(column) ?? ''));
  const cells = [...mapping.text, mapping.cause, mapping.response].map(cell);
  if (cells.some(({ length }) => length > cellChars)) {
    notes.drop('too large');
    return null;
  }
  const hidden = redactor?.ticket() ?? null;
  for (const column of people) hidden?.know(cell(column).slice(0, 200));
  const plain = (column: string | null) => {
    const value = tidy(cell(column));
    if (isMissing(value)) return null;
    if (value.length > textChars) notes.warn(`Cells longer than ${textChars} characters were cut to that.`);
    return value.slice(0, textChars).toWellFormed();
  };
  const read = (column: string | null) => {
    const value = plain(column);
    return value === null || !hidden ? value : hidden.apply(value);
  };
  const text = mapping.text
    .map((column) => wordsOf(column, read(column), mapping.text.length))
    .filter((words) => words !== null);
  const { cause, doubtful } = causeOf(tidyCause(tidy(cell(mapping.cause))), plain(mapping.cause), collector);
  const response = read(mapping.response);
  if (text.length === 0) notes.drop('no text');
  else if (cause === null && response === null) notes.drop('no answer');
  else {
    const group = tidy(cell(mapping.group).slice(0, 200));
    const time = tidy(cell(mapping.time).slice(0, 60));
    return {
      id: `row ${number}`,
      row: number,
      doubtful,
      text: text.join('\n'),
      cause,
      response,
      group: isMissing(group) ? null : (redactor?.group(group) ?? group),
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
 * Reads, maps, redacts (unless switched off), removes exact duplicates, groups near ones and splits. Streams the file:
 * memory is that of the kept tickets. Throws `input.*` with a sentence that says what to do, or `cancelled`.
 */
export async function importDataset(
  source: ImportSource,
  options: ImportOptions,
): Promise<{ dataset: DatasetRecord; report: ImportReport }> {
  const { mapping: said = {}, causeNames = {}, licence = null, seed, signal, onProgress } = options;
  const notKnown = new Set(options.notKnown?.map(tidyCause));
  let bytes = 0;
  const opening: OpenOptions = {
    ...(options.encoding !== undefined && { encoding: options.encoding }),
    ...(options.limits && { limits: options.limits }),
    ...(signal && { signal }),
    onBytes: (total) => (bytes = total),
  };
  return withTable(source, opening, async (table) => {
    const { notes, format, inspection } = table;
    const { head, columns, all } = await readAhead(table, GUESS_ROWS);
    if (head.length === 0) assertSome([], 0, guessMapping([], []), notes, columns);
    const { mapping, people } = withoutPeople(
      resolveMapping(guessMapping(columns, head.slice(0, GUESS_ROWS)), said, columns),
      columns,
      options,
    );
    const redactor = options.redact === false ? null : new Redactor(options.redaction);
    const collector = { mapping, causeNames, notKnown, notes, redactor, people };
    const { drafts: read, rows } = await collect(all, collector, (count) => onProgress?.(count, bytes));
    const drafts = settleDoubtful(read, notes);
    assertSome(drafts, rows, mapping, notes, columns);
    const merged = options.mergeCauses ? mergeLike(drafts) : null;

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
    reviewSplit(tickets, split, classes, notes);
    const likes = merged ?? likeCauses(classes);
    // Free text differs in small ways everywhere; that it is free text is said already.
    if (likes.length > 0 && classes.length <= tickets.length / 2) notes.warn(likeSentence(likes, merged !== null));
    const doubtful = doubtfulCauses(classes);
    if (doubtful.length > 0) notes.warn(doubtfulSentence(doubtful, mapping.cause ?? ''));
    const redactions = redactor?.reports ?? null;
    for (const { to, from } of redactor?.merged ?? [])
      notes.warn(
        `Redaction made ${from} causes one, ${quote(to)}: the file holds placeholders of its own. Import it without redaction, or rename them.`,
      );
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
        rows: rows + notes.dropped.unreadable + notes.dropped['too wide'],
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
      rows: rows + notes.dropped.unreadable + notes.dropped['too wide'],
      kept: tickets.length,
      dropped: notes.dropped,
      duplicates: { exact: duplicates.exact, near: duplicates.near, conflicting },
      redactions,
      left: redactor?.leftovers.list ?? null,
      people,
      classes,
      likeCauses: likes,
      merged: merged !== null,
      notKnown: [...notKnown],
      doubtful,
      textLength: lengthsOf(tickets),
      warnings: [...notes.warnings],
    };
    return { dataset, report };
  });
}

/** The table of file formats: how each is known, and how its rows are read from text that comes in chunks. */
import Papa from 'papaparse';
import { JoulewiseError } from '../core/errors';
import { objectOf, flatten, parseObject } from './json';
import { jsonRows } from './json-lists';
import { guessMapping, isKnownColumn } from './mapping';
import type { ImportLimits } from './text-stream';

/** Cells by column name. */
export type Row = ReadonlyMap<string, string>;

/** Why a row was not kept. */
export type DropReason = 'unreadable' | 'no text' | 'no answer' | 'too large' | 'exact duplicate';

/** Where a reader says what it met. */
export interface Sink {
  /** Sentences for people; each is shown once. */
  warn(sentence: string): void;
  drop(reason: DropReason, count?: number): void;
  limits: ImportLimits;
}

export interface Table {
  /** Every column, where the format has a header; else null, and rows tell. */
  columns: string[] | null;
  batches: AsyncGenerator<Row[], void, undefined>;
}

export const FORMAT_NAMES = ['csv', 'tsv', 'json', 'jsonl', 'parquet'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

interface Format {
  name: FormatName;
  title: string;
  extensions: readonly string[];
  /** Whether the beginning of the text reads like this format. Rows are asked in order. */
  looksLike(sample: string): boolean;
  /** `again` gives the text from its beginning once more. */
  open(text: AsyncIterable<string>, sample: string, sink: Sink, again: () => AsyncIterable<string>): Promise<Table>;
}

/** Letters that a header cell or a caller's sentence may show. */
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

// Delimited text

const DELIMITERS = [',', '\t', ';', '|'] as const;
/** Rows looked at for the delimiter and the header. */
const SAMPLE_ROWS = 20;

/** Rows of the sample under one delimiter; the last may be cut and is left out where there are others. */
function sampleRows(sample: string, delimiter: string): string[][] {
  const { data } = Papa.parse<string[]>(sample, {
    delimiter,
    newline: '\n',
    preview: SAMPLE_ROWS + 1,
    skipEmptyLines: true,
  });
  return data.length > 1 ? data.slice(0, -1) : data;
}

/** The delimiter that gives the most rows the same number of cells, more than one; a comma where none does. */
function guessDelimiter(sample: string): string {
  let best: string = ',';
  let score = 0;
  for (const delimiter of DELIMITERS) {
    const rows = sampleRows(sample, delimiter);
    const width = rows[0]?.length ?? 0;
    if (width < 2) continue;
    const alike = rows.filter((row) => row.length === width).length / rows.length;
    if (alike > score + 1e-9) [best, score] = [delimiter, alike];
  }
  return best;
}

/** What a header cell is not. */
const DATA_LIKE = /^[-+]?[\d.,]+%?$|^\d{4}-\d{2}-\d{2}|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}/;
const MAX_HEADER_WORDS = 7;
/** A question of a form may stand as a header beside names that are known. */
const MAX_QUESTION_WORDS = 25;

/** A first row is a header unless one of its cells reads like data. */
function isHeader(cells: readonly string[]): boolean {
  const words = cells.some(isKnownColumn) ? MAX_QUESTION_WORDS : MAX_HEADER_WORDS;
  return cells.every((cell) => !DATA_LIKE.test(cell.trim()) && cell.trim().split(/\s+/).length <= words);
}

/** Distinct, non-empty column names. */
function nameColumns(cells: readonly string[], sink: Sink): string[] {
  const used = new Set<string>();
  const doubles: string[] = [];
  const names = cells.map((cell, i) => {
    const base = oneLine(cell) || `column ${i + 1}`;
    let name = base;
    for (let n = 2; used.has(name); n++) name = `${base} (${n})`;
    if (name !== base) doubles.push(name);
    used.add(name);
    return name;
  });
  if (doubles.length > 0)
    sink.warn(
      `Some columns share a name; the later ones are called ${doubles
        .slice(0, 3)
        .map((name) => `"${name.slice(0, 60)}"`)
        .join(', ')}.`,
    );
  return names;
}

interface Parsed {
  data: string[][];
  errors: { code: string; row?: number }[];
  meta: { cursor: number };
}

const NEVER_CLOSED =
  'a quotation mark is opened and never closed: close it, or save the file again with quotes doubled inside cells.';

/** Rows of cells, in batches. Holds one unfinished row at most. */
async function* delimitedRows(
  text: AsyncIterable<string>,
  delimiter: string,
  sink: Sink,
): AsyncGenerator<string[][], void, undefined> {
  const parser = (buffer: string, last: boolean) =>
    new Papa.Parser({ delimiter, newline: '\n' }).parse(buffer, 0, !last) as Parsed;
  let buffer = '';
  let read = 0;
  // An unfinished row is parsed again only after the buffer has doubled, so that time stays linear.
  let enough = 0;
  const take = (last: boolean) => {
    const { data, errors, meta } = parser(buffer, last);
    if (errors.some(({ code }) => code === 'MissingQuotes'))
      throw new JoulewiseError('input.format', `After row ${read + data.length} ${NEVER_CLOSED}`);
    if (errors.some(({ code }) => code === 'InvalidQuotes'))
      sink.warn(
        `Near row ${read + (errors[0]?.row ?? 0) + 1} a quotation mark stands inside a quoted cell: rows around it may be joined.`,
      );
    buffer = last ? '' : buffer.slice(meta.cursor);
    if (buffer.length > sink.limits.rowChars)
      throw new JoulewiseError(
        'input.format',
        `After row ${read + data.length} a row is longer than ${sink.limits.rowChars} characters; probably ${NEVER_CLOSED}`,
      );
    enough = 2 * buffer.length;
    read += data.length;
    return data.filter((cells) => cells.length > 1 || (cells[0] ?? '').trim() !== '');
  };
  for await (const chunk of text) {
    buffer += chunk;
    if (buffer.length <= enough) continue;
    const rows = take(false);
    if (rows.length > 0) yield rows;
  }
  if (buffer !== '') yield take(true);
}

async function openDelimited(text: AsyncIterable<string>, sample: string, sink: Sink): Promise<Table> {
  const delimiter = guessDelimiter(sample);
  const rows = delimitedRows(text, delimiter, sink);
  const first = await rows.next();
  const batch = first.done ? [] : first.value;
  const head = batch[0] ?? [];
  const headed = isHeader(head);
  if (!headed)
    sink.warn(
      'The first row reads like a ticket, not like column names: columns are called "column 1", "column 2" and so on.',
    );
  const columns = nameColumns(headed ? head : head.map(() => ''), sink);
  let short = 0;
  let long = 0;
  const named = (cells: readonly string[]): Row => {
    if (cells.length < columns.length) short++;
    if (cells.length > columns.length) long++;
    return new Map(columns.map((column, i) => [column, cells[i] ?? '']));
  };
  async function* batches(): AsyncGenerator<Row[], void, undefined> {
    try {
      yield batch.slice(headed ? 1 : 0).map(named);
      for await (const more of rows) yield more.map(named);
      if (short > 0) sink.warn(`${short} rows have fewer cells than the header; the missing ones are taken as empty.`);
      if (long > 0)
        sink.warn(
          `${long} rows have more cells than the header; the extra ones are left out. Unquoted delimiters inside a text do this.`,
        );
    } finally {
      await rows.return();
    }
  }
  return { columns, batches: batches() };
}

// JSON

/** Parses objects; what is no object is counted. */
function parseAll(texts: readonly string[], sink: Sink): Row[] {
  const rows: Row[] = [];
  for (const text of texts) {
    const row = parseObject(text);
    if (row) rows.push(row);
    else sink.drop('unreadable');
  }
  return rows;
}

async function* jsonlRows(text: AsyncIterable<string>, sink: Sink): AsyncGenerator<Row[], void, undefined> {
  let rest = '';
  for await (const chunk of text) {
    const lines = chunk.split('\n');
    lines[0] = rest + (lines[0] ?? '');
    rest = lines.pop() ?? '';
    if (rest.length > sink.limits.rowChars)
      throw new JoulewiseError(
        'input.format',
        `A line is longer than ${sink.limits.rowChars} characters: write one JSON object per line.`,
      );
    const rows = parseAll(
      lines.filter((line) => line.trim() !== ''),
      sink,
    );
    if (rows.length > 0) yield rows;
  }
  if (rest.trim() !== '') yield parseAll([rest], sink);
}

// eslint-disable-next-line @typescript-eslint/require-await -- the other formats wait for their header
const openRows = async (batches: Table['batches']): Promise<Table> => ({ columns: null, batches });

const linesOf = (sample: string) => sample.split('\n').filter((line) => line.trim() !== '');

/** Several lines that each are an object; one line that is one may as well be an answer with a list in it. */
function looksLikeLines(sample: string): boolean {
  const [first = '', second] = linesOf(sample);
  if (!first.trimStart().startsWith('{') || second === undefined) return false;
  if (objectOf(first)) return second.trimStart().startsWith('{');
  // A broken first line among whole ones is still a line.
  return objectOf(second) !== null && first.trimEnd().endsWith('}');
}

/** Lines that hold one ticket each; else each is a page of several, and lists are looked for. */
function isTicketLines(sample: string): boolean {
  const lines = linesOf(sample)
    .slice(0, SAMPLE_ROWS)
    .map(objectOf)
    .filter((o) => o !== null);
  const rows = lines.map((o) => flatten(o, true));
  return guessMapping([...new Set(rows.flatMap((row) => [...row.keys()]))], rows).text.length > 0;
}

export const FORMATS: readonly Format[] = [
  {
    name: 'jsonl',
    title: 'JSON lines',
    extensions: ['jsonl', 'ndjson'],
    looksLike: looksLikeLines,
    open: (text, sample, sink, again) =>
      openRows(isTicketLines(sample) ? jsonlRows(text, sink) : jsonRows(text, sample, sink, again)),
  },
  {
    name: 'json',
    title: 'JSON',
    extensions: ['json'],
    looksLike: (sample) => /^[\s\u001e]*(?:\{\s*["}]|\[\s*[{[\]"\d-])/.test(sample),
    open: (text, sample, sink, again) => openRows(jsonRows(text, sample, sink, again)),
  },
  {
    name: 'tsv',
    title: 'tab-separated values',
    extensions: ['tsv', 'tab'],
    looksLike: (sample) => guessDelimiter(sample) === '\t',
    open: openDelimited,
  },
  {
    name: 'csv',
    title: 'comma-separated values',
    extensions: ['csv', 'txt'],
    looksLike: () => true,
    open: openDelimited,
  },
];

/** The format, by content; a name that says otherwise gives a warning. */
export function detectFormat(name: string, sample: string, sink: Pick<Sink, 'warn'>): Format {
  const extension = /\.(\w+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const named = FORMATS.find(({ extensions }) => extensions.includes(extension));
  const found = FORMATS.find((format) => format.looksLike(sample)) as Format;
  if (!named || named === found) return found;
  const text = (format: Format) => format.name === 'csv' || format.name === 'tsv';
  // JSON that is cut or wrong at the start still is no table.
  if (!text(named) && text(found) && sampleRows(sample, guessDelimiter(sample)).every((row) => row.length < 2))
    throw new JoulewiseError(
      'input.format',
      `The file is named .${extension} but does not hold ${named.title}: export it again.`,
    );
  // One name may hold both JSON forms, and both kinds of delimiters.
  if (text(named) !== text(found) || (named.name === 'tsv') !== (found.name === 'tsv'))
    sink.warn(`The file is named .${extension} but holds ${found.title}; it is read as that.`);
  return found;
}

/** The table of file formats: how each is known, and how its rows are read from text that comes in chunks. */
import { guessDelimiter, openDelimited, sampleRows, type Quoting } from './delimited';
import { JoulewiseError } from '../core/errors';
import { objectOf, flatten, parseObject } from './json';
import { jsonRows } from './json-lists';
import { guessMapping } from './mapping';
import { openMarkupTables } from './tables';
import type { ImportLimits } from './text-stream';
import { xmlRows } from './xml';

/** Cells by column name. */
export type Row = ReadonlyMap<string, string>;

/** Why a row was not kept. */
export type DropReason = 'unreadable' | 'too wide' | 'no text' | 'no answer' | 'too large' | 'exact duplicate';

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

export const FORMAT_NAMES = ['csv', 'tsv', 'json', 'jsonl', 'parquet', 'xlsx', 'html', 'xml'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

interface Format {
  name: FormatName;
  title: string;
  extensions: readonly string[];
  /** Whether the beginning of the text reads like this format. Rows are asked in order. */
  looksLike(sample: string): boolean;
  /** `again` gives the text from its beginning once more; `quoting` is known where the file was begun before. */
  open(
    text: AsyncIterable<string>,
    sample: string,
    sink: Sink,
    again: () => AsyncIterable<string>,
    quoting?: Quoting,
  ): Promise<Table>;
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

/** Lines looked at for what an object is. */
const SAMPLE_LINES = 20;

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
    .slice(0, SAMPLE_LINES)
    .map(objectOf)
    .filter((o) => o !== null);
  const rows = lines.map((o) => flatten(o, true));
  return guessMapping([...new Set(rows.flatMap((row) => [...row.keys()]))], rows).text.length > 0;
}

/** A page with a table, whatever stands before it; a ticket's text may begin with a tag too, but not with these. */
const HTML = /^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body|meta|style|title|table|div)\b/i;
const XML = /^\s*<(?:\?xml\b|!--|[A-Za-z_][\w:.-]*[\s/>])/;
/** Excel's XML of 2003. */
const XML_SHEETS = /<(?:\w+:)?Workbook[\s>]/;

export const FORMATS: readonly Format[] = [
  {
    name: 'html',
    title: 'a web page',
    extensions: ['html', 'htm'],
    looksLike: (sample) => HTML.test(sample),
    open: (_text, _sample, sink, again) => openMarkupTables('html', sink, again),
  },
  {
    name: 'xml',
    title: 'XML',
    extensions: ['xml'],
    looksLike: (sample) => XML.test(sample) && /<\/|\/>/.test(sample),
    open: (text, sample, sink, again) =>
      XML_SHEETS.test(sample) ? openMarkupTables('xml', sink, again) : openRows(xmlRows(text, sink, again)),
  },
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
    looksLike: (sample) => /^\s*(?:\{\s*["}]|\[\s*[{[\]"\d-])/.test(sample),
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

/** Delimited text: which delimiter, where the header is, how quotes are meant, and what becomes of rows of another width. */
import Papa from 'papaparse';
import { JoulewiseError } from '../core/errors';
import type { Sink, Table } from './formats';
import { rowsToTable, trimmed, usualWidth } from './header';
import { isKnownColumn } from './mapping';

type Text = AsyncIterable<string>;

const DELIMITERS = [',', '\t', ';', '|'] as const;
/** Rows looked at for the delimiter and the header. */
const SAMPLE_ROWS = 30;

/** How quotes are meant. `quoted` is the rule of RFC 4180; the others are tried where it makes no even rows. */
export const QUOTING = ['quoted', 'backslash', 'none', 'line'] as const;
export type Quoting = (typeof QUOTING)[number];
const QUOTING_WORDS: Readonly<Record<Quoting, string>> = {
  quoted: 'as quoted cells',
  backslash: 'with \\" as a quotation mark inside a cell',
  none: 'with quotation marks as plain signs',
  line: 'line by line, with quotation marks that do not close in their line as plain signs',
};

/** Thrown where quotes prove to be meant otherwise than they were read: the file is read again from its beginning. */
export class OtherQuoting extends Error {
  override readonly name = 'OtherQuoting';
  constructor(readonly quoting: Quoting) {
    super(`quotes are meant ${quoting}`);
  }
}

/** Excel's first line that names the delimiter. */
const SEP = /^sep=(.)\n/i;

/** Rows of the sample under one delimiter; the last may be cut and is left out where there are others. */
export function sampleRows(sample: string, delimiter: string): string[][] {
  const { data } = Papa.parse<string[]>(sample, {
    delimiter,
    newline: '\n',
    preview: SAMPLE_ROWS + 1,
    skipEmptyLines: true,
  });
  return data.length > 1 ? data.slice(0, -1) : data;
}

/**
 * The delimiter that gives the most rows the same number of cells, more than one; a row of known names under it counts
 * more, since a title or a text may hold any sign. A comma where none does.
 */
export function guessDelimiter(sample: string): string {
  const said = SEP.exec(sample)?.[1];
  if (said !== undefined) return said;
  let best: string = ',';
  let score = 0;
  for (const delimiter of DELIMITERS) {
    const rows = sampleRows(sample, delimiter);
    const width = usualWidth(rows);
    if (width < 2) continue;
    const alike = rows.filter((row) => row.length === width).length / rows.length;
    const named = rows.some((row) => row.filter(isKnownColumn).length >= 2) ? 1 : 0;
    if (alike + named > score + 1e-9) [best, score] = [delimiter, alike + named];
  }
  return best;
}

interface Parsed {
  data: string[][];
  errors: { code: string; row?: number }[];
  meta: { cursor: number };
}

const NEVER_CLOSED =
  'a quotation mark is opened and never closed: close it, or save the file again with quotes doubled inside cells.';

interface Dialect {
  delimiter: string;
  quoting: Quoting;
}

/** Cells of one line whose quotes may not close in it. */
function lineCells(line: string, delimiter: string): string[] {
  const { data, errors } = new Papa.Parser({ delimiter, newline: '\n' }).parse(line, 0, false) as Parsed;
  return errors.length === 0 && data.length === 1 ? (data[0] ?? []) : line.split(delimiter);
}

/** What a parser says of its rows while it goes: quotes that do not close end a survey, and an import asks for another reading. */
interface Watch {
  unclosed(row: number, long: boolean): void;
  inside(row: number): void;
}

/** Papa's options for a way of quoting. */
const PARSER: Readonly<Record<Quoting, object>> = {
  quoted: {},
  backslash: { escapeChar: '\\' },
  none: { quoteChar: '\u0000' },
  line: {},
};

/** Rows of cells, in batches, without empty ones. Holds one unfinished row at most. */
async function* cellsOf(
  text: Text,
  { delimiter, quoting }: Dialect,
  rowChars: number,
  watch: Watch,
): AsyncGenerator<string[][], void, undefined> {
  const parse = (buffer: string, last: boolean): Parsed => {
    if (quoting !== 'line')
      return new Papa.Parser({ delimiter, newline: '\n', ...PARSER[quoting] }).parse(buffer, 0, !last) as Parsed;
    const end = last ? buffer.length : buffer.lastIndexOf('\n') + 1;
    const lines = buffer.slice(0, end).replace(/\n$/, '').split('\n');
    return {
      data: end === 0 ? [] : lines.map((line) => lineCells(line, delimiter)),
      errors: [],
      meta: { cursor: end },
    };
  };
  let buffer = '';
  let read = 0;
  // An unfinished row is parsed again only after the buffer has doubled, so that time stays linear.
  let enough = 0;
  const take = (last: boolean) => {
    const { data, errors, meta } = parse(buffer, last);
    if (errors.some(({ code }) => code === 'MissingQuotes')) watch.unclosed(read + data.length, false);
    const inside = errors.find(({ code }) => code === 'InvalidQuotes');
    if (inside) watch.inside(read + (inside.row ?? 0) + 1);
    buffer = last ? '' : buffer.slice(meta.cursor);
    if (buffer.length > rowChars) watch.unclosed(read + data.length, true);
    enough = 2 * buffer.length;
    read += data.length;
    return data.filter((cells) => cells.length > 1 || (cells[0] ?? '').trim() !== '');
  };
  let first = true;
  for await (const chunk of text) {
    buffer += chunk;
    // Excel's line may come in pieces.
    if (first && buffer.length < 6) continue;
    if (first) buffer = buffer.replace(SEP, '');
    first = false;
    if (buffer.length <= enough) continue;
    const rows = take(false);
    if (rows.length > 0) yield rows;
  }
  if (first) buffer = buffer.replace(SEP, '');
  if (buffer !== '') yield take(true);
}

/** Digits as 0 and letters as a: how an id looks. */
const shapeOf = (cell: string) =>
  cell
    .trim()
    .slice(0, 40)
    .replace(/\d+/g, '0')
    .replace(/\p{L}+/gu, 'a');
const REMEMBERED = 2000;

/** Notices quoted cells that hold lines which read like rows of the same table. */
class Swallowed {
  /** Cells that hold such lines. */
  cells = 0;
  private readonly ends = new Set<string>();
  private readonly shapes = new Set<string>();
  constructor(
    private readonly delimiter: string,
    readonly width: number,
  ) {}

  /** Whether a row holds a cell with such lines. */
  sees(row: readonly string[]): boolean {
    const swallowing = row.some((cell) => cell.includes('\n') && this.holdsRows(cell));
    if (swallowing) this.cells++;
    else if (row.length === this.width && this.ends.size < REMEMBERED) {
      this.ends.add(row.at(-1) ?? '');
      const shape = shapeOf(row[0] ?? '');
      if (shape.includes('0')) this.shapes.add(shape);
    }
    return swallowing;
  }

  private holdsRows(cell: string): boolean {
    const lines = cell.split('\n').slice(1);
    const inner = lines.length > 1 ? lines.slice(0, -1) : lines;
    const like = inner.filter((line) => {
      const cells = line.split(this.delimiter);
      if (cells.length !== this.width || this.width < 2) return false;
      return this.ends.has(cells.at(-1) ?? '') || this.shapes.has(shapeOf(cells[0] ?? ''));
    }).length;
    return like > 0 && like >= inner.length / 2;
  }
}

/** So many rows tell how wide rows are. */
const WIDTH_ROWS = 50;

/** How many rows are not even under one way of quoting: another width, a quote out of place, a cell that swallowed rows. */
async function unevenRows(text: Text, dialect: Dialect, rowChars: number): Promise<number> {
  let uneven = 0;
  let broken = false;
  let width = 0;
  let swallowed: Swallowed | null = null;
  let [unclosed, last] = [false, [] as readonly string[]];
  const watch = {
    unclosed: (_row: number, long: boolean) => {
      if (long) broken = true;
      else unclosed = true;
    },
    inside: () => uneven++,
  };
  let early: string[][] = [];
  const count = (row: readonly string[]) => {
    if (swallowed?.sees(row)) uneven++;
    else if (trimmed(row).length > width || row.length < width) uneven++;
  };
  for await (const rows of cellsOf(text, dialect, rowChars, watch)) {
    if (broken) return Infinity;
    last = rows.at(-1) ?? last;
    if (width === 0) {
      early.push(...rows);
      if (early.length < WIDTH_ROWS) continue;
    }
    if (width === 0) [width, swallowed] = begin(early, dialect.delimiter);
    for (const row of early.length > 0 ? early : rows) count(row);
    early = [];
  }
  if (width === 0) [width, swallowed] = begin(early, dialect.delimiter);
  for (const row of early) count(row);
  // A file that was cut inside a cell loses that cell; a quote that was no quote swallows the rest of the file.
  if (unclosed) uneven += last.join('').split('\n').length;
  return broken || width < 2 ? Infinity : uneven;
}

function begin(rows: readonly string[][], delimiter: string): [number, Swallowed] {
  const width = usualWidth(rows.map(trimmed));
  return [width, new Swallowed(delimiter, width)];
}

/** The way of quoting with the fewest uneven rows; the first of those that are as good. */
async function bestQuoting(again: () => Text, delimiter: string, rowChars: number): Promise<Quoting> {
  let best: Quoting = 'quoted';
  let least = Infinity;
  for (const quoting of QUOTING) {
    const uneven = await unevenRows(again(), { delimiter, quoting }, rowChars);
    if (uneven < least) [best, least] = [quoting, uneven];
    if (least === 0) break;
  }
  return best;
}

/**
 * Opens delimited text. Quotes are read by the standard until a row makes that doubtful: then all ways are compared over
 * the whole text, and where another gives more even rows `OtherQuoting` is thrown, to begin again with `said`.
 */
export async function openDelimited(
  text: Text,
  sample: string,
  sink: Sink,
  again: () => Text,
  said?: Quoting,
): Promise<Table> {
  const delimiter = guessDelimiter(sample);
  const quoting = said ?? 'quoted';
  const { rowChars } = sink.limits;
  if (said && said !== 'quoted')
    sink.warn(`Quotation marks make no even rows as they usually are meant; the file is read ${QUOTING_WORDS[said]}.`);
  /** The row that made quotes doubtful. */
  let unclosed: { row: number; long: boolean } | null = null;
  let inside = 0;
  const watch: Watch = {
    unclosed: (row, long) => (unclosed ??= { row, long }),
    inside: (row) => (inside ||= row),
  };
  /** Compares the ways of quoting once. */
  let settled = said !== undefined;
  const settle = async () => {
    if (settled) return;
    settled = true;
    const best = await bestQuoting(again, delimiter, rowChars);
    if (best !== 'quoted') throw new OtherQuoting(best);
  };
  async function* checked(): AsyncGenerator<string[][], void, undefined> {
    const swallowed = new Swallowed(delimiter, usualWidth(sampleRows(sample, delimiter).map(trimmed)));
    let read = 0;
    for await (const rows of cellsOf(text, { delimiter, quoting }, rowChars, watch)) {
      if (unclosed) {
        await settle();
        const { row, long } = unclosed;
        throw new JoulewiseError(
          'input.format',
          `After row ${row} ${long ? `a row is longer than ${rowChars} characters; probably ` : ''}${NEVER_CLOSED}`,
        );
      }
      if (inside > 0) await settle();
      for (const row of rows) {
        read++;
        if (swallowed.sees(row)) {
          await settle();
          sink.warn(
            `A quoted cell near row ${read} holds lines that read like rows of the table: if tickets are missing there, a quotation mark was not closed.`,
          );
        }
        // "\"" before a delimiter ends the cell by the standard, and the rest of the row is too wide.
        if (row.length > swallowed.width && row.some((cell) => cell.endsWith('\\'))) await settle();
      }
      yield rows;
    }
    if (inside > 0)
      sink.warn(`Near row ${inside} a quotation mark stands inside a quoted cell: rows around it may be joined.`);
  }
  return rowsToTable(checked(), sink);
}

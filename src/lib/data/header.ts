/** Rows of cells to a table: where the header is, and what becomes of rows that are wider than it. */
import type { Row, Sink, Table } from './formats';
import { isKnownColumn } from './mapping';
import { numberOf } from './numbers';

/** Letters that a header cell or a caller's sentence may show. */
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

/** A row without the empty cells at its end. */
export function trimmed(row: readonly string[]): readonly string[] {
  let end = row.length;
  while (end > 0 && (row[end - 1] ?? '').trim() === '') end--;
  return end === row.length ? row : row.slice(0, end);
}

/** The number of cells that most rows have; of two that are as frequent, the larger. */
export function usualWidth(rows: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>();
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
  let [best, most] = [0, 0];
  for (const [width, count] of counts)
    if (count > most || (count === most && width > best)) [best, most] = [width, count];
  return best;
}

/** What a header cell is not. */
const DATE_LIKE = /^\d{4}-\d{2}-\d{2}|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}/;
const MAX_HEADER_WORDS = 7;
/** A question of a form may stand as a header beside names that are known. */
const MAX_QUESTION_WORDS = 25;
const isData = (cell: string) => numberOf(cell) !== null || DATE_LIKE.test(cell);

/** A row is a header unless one of its cells reads like data. */
export function isHeader(cells: readonly string[]): boolean {
  const words = cells.some(isKnownColumn) ? MAX_QUESTION_WORDS : MAX_HEADER_WORDS;
  return cells.every((cell) => !isData(cell.trim()) && cell.trim().split(/\s+/).length <= words);
}

/** Rows that are looked at for the header; titles and notes before it are fewer. */
const HEAD_ROWS = 30;
const MAX_BEFORE = 15;

/**
 * The row that holds the header: the first with two known names; else the first that is not a title, a note or a pair
 * of a key and a value, as they stand before tables in reports: rows that fill at most half of the usual width.
 */
function headerAt(rows: readonly (readonly string[])[]): number {
  const early = rows.slice(0, MAX_BEFORE);
  const knows = (row: readonly string[]) => new Set(row.filter(isKnownColumn)).size;
  const named = early.findIndex((row) => knows(row) >= 2 && isHeader(row));
  // A ticket may say "cause" in a cell; two names in one row are no ticket.
  if (named === 0 || (named > 0 && knows(early[0] ?? []) < 2)) return named;
  const width = usualWidth(rows.map(trimmed));
  if (width < 2) return 0;
  const filled = (row: readonly string[]) => row.filter((cell) => cell.trim() !== '').length;
  const first = early.findIndex((row) => filled(row) > width / 2);
  return Math.max(0, first);
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

/** Cells that say where a row goes on, and what became of rows of another width. */
class Widths {
  private short = 0;
  private mended = 0;
  private dropped = 0;
  /** Rows whose cells begin with a space though they have the usual width: then a space tells nothing. */
  private spaced = 0;
  constructor(
    private readonly width: number,
    private readonly sink: Sink,
  ) {}

  /** The row at the header's width; null where its cells cannot be told apart. */
  fit(cells: readonly string[]): readonly string[] | null {
    const row = cells.length > this.width ? trimmed(cells) : cells;
    if (row.length < this.width) this.short++;
    if (row.length <= this.width) {
      if (row.some((cell, i) => i > 0 && /^\s\S/.test(cell))) this.spaced++;
      return row;
    }
    const joined = this.joined(row);
    if (joined) this.mended++;
    else {
      this.dropped++;
      this.sink.drop('too wide');
    }
    return joined;
  }

  /**
   * A text that was not quoted goes on behind its own comma, and people write a space there where a delimiter has none:
   * where exactly the surplus cells begin with a space, they belong to the cells before them.
   */
  private joined(row: readonly string[]): string[] | null {
    const goesOn = row.map((cell, i) => i > 0 && /^\s\S/.test(cell));
    if (this.spaced > 0 || this.width < 2 || goesOn.filter(Boolean).length !== row.length - this.width) return null;
    const out: string[] = [];
    row.forEach((cell, i) => {
      if (goesOn[i]) out[out.length - 1] += `,${cell}`;
      else out.push(cell);
    });
    return out;
  }

  /** Says what happened. */
  tell(): void {
    const { short, mended, dropped, sink } = this;
    if (short > 0) sink.warn(`${short} rows have fewer cells than the header; the missing ones are taken as empty.`);
    if (mended > 0)
      sink.warn(
        `${mended} rows have more cells than the header because a text with commas is not quoted; cells that begin with a space were joined to the text before them.`,
      );
    if (dropped > 0)
      sink.warn(
        `${dropped} rows have more cells than the header and were left out, since it cannot be told which cell is the cause. Unquoted delimiters inside a text do this: save the file again with quotes around texts.`,
      );
  }
}

/** A table of rows of cells: the header is found, rows that are too wide are mended or dropped, and all of that is said. */
export async function rowsToTable(
  rows: AsyncGenerator<readonly (readonly string[])[], void, undefined>,
  sink: Sink,
): Promise<Table> {
  const early: (readonly string[])[] = [];
  while (early.length < HEAD_ROWS) {
    const next = await rows.next();
    if (next.done) break;
    early.push(...next.value);
  }
  const at = headerAt(early);
  const head = early[at] ?? [];
  const headed = isHeader(head);
  const body = early.slice(headed ? at + 1 : 0);
  const width = usualWidth(body.map(trimmed));
  if (headed && at > 0)
    sink.warn(
      `The column names stand in row ${at + 1}; the ${at === 1 ? 'row' : `${at} rows`} before ("${oneLine(early[0]?.join(' ') ?? '').slice(0, 60)}") ${at === 1 ? 'is' : 'are'} left out.`,
    );
  if (!headed)
    sink.warn(
      'The first row reads like a ticket, not like column names: columns are called "column 1", "column 2" and so on.',
    );
  // R writes row names without a name for their column; a text that goes on behind its comma looks alike but for the space.
  const shifted =
    headed &&
    body.length > 1 &&
    head.length > 1 &&
    head.length + 1 === width &&
    new Set(body.map(([first]) => first)).size === body.length &&
    body.every((row) => row.length === width && !row.some((cell, i) => i > 0 && /^\s\S/.test(cell)));
  const named = shifted
    ? ['row', ...head]
    : headed
      ? head
      : Array.from({ length: Math.max(head.length, width) }, () => '');
  const columns = nameColumns(named, sink);
  const widths = new Widths(columns.length, sink);
  const rowOf = (cells: readonly string[]): Row | null => {
    const fit = widths.fit(cells);
    return fit && new Map(columns.map((column, i) => [column, fit[i] ?? '']));
  };
  const all = (batch: readonly (readonly string[])[]) => batch.map(rowOf).filter((row) => row !== null);
  async function* batches(): AsyncGenerator<Row[], void, undefined> {
    try {
      yield all(body);
      for await (const more of rows) yield all(more);
      widths.tell();
    } finally {
      await rows.return();
    }
  }
  return { columns, batches: batches() };
}

/** Sheets of an XLSX workbook: a zip of XML, unpacked by a library that is loaded when one is met. */
import { JoulewiseError, quote } from '../core/errors';
import type { Sink, Table } from './formats';
import { MarkupReader, type Token } from './markup';
import { type NamedTable, openTables } from './tables';
import { chunksOf, type ImportSource } from './text-stream';

/** A zip is unpacked in memory; a workbook of a million rows has some 50 MiB. */
const MAX_PACKED = 2 ** 28;
const MAX_UNPACKED = 2 ** 29;

/** What other archives hold, by a file in them, and what to do. */
const OTHERS: readonly { file: RegExp; what: string; advice: string }[] = [
  { file: /^content\.xml$/, what: 'an OpenDocument sheet', advice: 'Save it as XLSX or CSV' },
  { file: /^xl\/workbook\.bin$/, what: 'a binary Excel workbook (.xlsb)', advice: 'Save it as XLSX or CSV' },
  { file: /^word\//, what: 'a Word document', advice: 'Copy its table into a sheet and save that as XLSX or CSV' },
  { file: /\.(?:csv|tsv|json|jsonl|xml|parquet)$/i, what: 'a zip archive', advice: 'Unpack it' },
];

/** The parts of a workbook that are read. */
const PARTS =
  /^xl\/(?:workbook\.xml|_rels\/workbook\.xml\.rels|sharedStrings\.xml|styles\.xml|worksheets\/[^/]+\.xml)$/i;

async function bytesOf(
  source: ImportSource,
  o: { signal?: AbortSignal | undefined; onBytes?: ((n: number) => void) | undefined },
) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(source.stream())) {
    if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'The import was stopped.');
    chunks.push(chunk);
    size += chunk.length;
    o.onBytes?.(size);
    if (size > MAX_PACKED)
      throw new JoulewiseError(
        'input.too-large',
        `${quote(source.name)} is a workbook of more than ${MAX_PACKED / 2 ** 20} MiB: save the sheet as CSV.`,
      );
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

type Parts = Readonly<Record<string, Uint8Array>>;

async function unpack(source: ImportSource, bytes: Uint8Array): Promise<Parts> {
  const { unzipSync } = await import('fflate');
  const names: string[] = [];
  let size = 0;
  let parts: Parts;
  try {
    parts = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        names.push(name);
        if (!PARTS.test(name)) return false;
        size += originalSize;
        return size <= MAX_UNPACKED;
      },
    });
  } catch (cause) {
    throw new JoulewiseError(
      'input.format',
      `${quote(source.name)} is a damaged zip archive or Excel workbook: copy it again, or open it. Save the sheet as CSV, and import that.`,
      { cause },
    );
  }
  if (size > MAX_UNPACKED)
    throw new JoulewiseError(
      'input.too-large',
      `${quote(source.name)} holds more than ${MAX_UNPACKED / 2 ** 20} MiB once unpacked: save the sheet as CSV.`,
    );
  if (parts['xl/workbook.xml']) return parts;
  const other = OTHERS.find(({ file }) => names.some((name) => file.test(name)));
  throw new JoulewiseError(
    'input.format',
    `${quote(source.name)} is ${other?.what ?? 'a zip archive without a workbook'}. ${other?.advice ?? 'Unpack it, or save the sheet as CSV'}, and import that.`,
  );
}

/** Bytes of XML that are read at once. */
const PIECE = 2 ** 20;

/** Tokens of a part, in pieces. */
function* tokensOf(part: Uint8Array | undefined, maxChars: number): Generator<Token[], void, undefined> {
  if (!part) return;
  const decoder = new TextDecoder();
  const reader = new MarkupReader('xml', maxChars);
  for (let at = 0; at < part.length; at += PIECE)
    yield reader.push(decoder.decode(part.subarray(at, at + PIECE), { stream: true }));
}

const all = (part: Uint8Array | undefined, maxChars: number) => [...tokensOf(part, maxChars)].flat();

/** Excel writes what XML cannot hold as _x000D_. */
const unescaped = (text: string) =>
  text.includes('_x')
    ? text.replace(/_x([\da-f]{4})_/gi, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    : text;

/** Texts that cells name by number; formatted ones are in runs, and what tells how to read a word aloud is left out. */
function sharedTexts(part: Uint8Array | undefined, maxChars: number): string[] {
  const texts: string[] = [];
  let text = '';
  let [inText, aloud] = [false, false];
  for (const tokens of tokensOf(part, maxChars))
    for (const token of tokens) {
      if (token.kind === 'text') {
        if (inText && !aloud) text += token.text;
      } else if (token.name === 't') inText = token.kind === 'open';
      else if (token.name === 'rPh') aloud = token.kind === 'open';
      else if (token.name === 'si') {
        if (token.kind === 'close') texts.push(unescaped(text));
        text = '';
      }
    }
  return texts;
}

/** Excel's own formats of dates and times; others are known by their letters. */
const isDateId = (id: number) =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
const isDateFormat = (format: string) =>
  /[dmyhs]/i.test(format.replace(/"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|general/gi, ''));

/** For each style of cells, whether its numbers are dates. */
function dateStyles(part: Uint8Array | undefined, maxChars: number): boolean[] {
  const custom = new Map<number, string>();
  const styles: boolean[] = [];
  let inCells = false;
  for (const token of all(part, maxChars)) {
    if (token.kind === 'text') continue;
    if (token.name === 'cellXfs') inCells = token.kind === 'open';
    if (token.kind !== 'open') continue;
    const id = Number(token.attributes.get('numFmtId'));
    if (token.name === 'numFmt') custom.set(id, token.attributes.get('formatCode') ?? '');
    else if (token.name === 'xf' && inCells) {
      const format = custom.get(id);
      styles.push(format === undefined ? isDateId(id) : isDateFormat(format));
    }
  }
  return styles;
}

interface Book {
  texts: readonly string[];
  dates: readonly boolean[];
  /** Days count from 1904, as old Macs did. */
  from1904: boolean;
}

const DAY = 86_400_000;

/** A day number as a date, with a time where it has one; a fraction alone is a time of day. */
function dateText(serial: number, from1904: boolean): string {
  // Excel takes 1900 for a leap year, so that days before March are one too many.
  const days = from1904 ? serial + 1462 : serial < 60 ? serial + 1 : serial;
  const ms = Math.round(((days - 25_569) * DAY) / 1000) * 1000;
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return String(serial);
  const iso = new Date(ms).toISOString();
  if (serial >= 0 && serial < 1) return iso.slice(11, 19);
  return Number.isInteger(serial) ? iso.slice(0, 10) : iso.slice(0, 19);
}

/** A number as its file says it; Excel writes the 17 digits of a double, people read the fewest. */
function numberText(raw: string): string {
  const value = Number(raw);
  if (raw === '' || !Number.isFinite(value) || /^-?\d{16,}$/.test(raw)) return raw;
  return String(value);
}

interface Cell {
  type: string;
  style: number;
  value: string;
  inline: string;
}

function cellText({ type, style, value, inline }: Cell, book: Book): string {
  switch (type) {
    case 's':
      return value === '' ? '' : (book.texts[Number(value)] ?? '');
    case 'inlineStr':
      return unescaped(inline);
    case 'str':
      return unescaped(value);
    case 'b':
      return value === '' ? '' : value === '1' ? 'TRUE' : 'FALSE';
    case 'e':
      // #REF! and its like: nothing is known.
      return '';
    case 'd':
      return value;
    default:
      return value !== '' && book.dates[style] ? dateText(Number(value), book.from1904) : numberText(value);
  }
}

const MAX_COLUMNS = 16_384;

/** The column of a place such as "AB12", from 0; -1 where it says none. */
function columnOf(place: string): number {
  let column = 0;
  for (const c of /^[A-Z]{1,3}/i.exec(place)?.[0].toUpperCase() ?? '') column = 26 * column + c.charCodeAt(0) - 64;
  return Math.min(column, MAX_COLUMNS) - 1;
}

/** Rows of a sheet that are not empty, in batches. */
function* sheetRows(part: Uint8Array, book: Book, maxChars: number): Generator<string[][], void, undefined> {
  let row: string[] = [];
  let cell: Cell | null = null;
  let inside = '';
  let at = -1;
  for (const tokens of tokensOf(part, maxChars)) {
    const rows: string[][] = [];
    for (const token of tokens) {
      if (token.kind === 'text') {
        if (cell && inside === 'v') cell.value += token.text;
        else if (cell && inside === 't') cell.inline += token.text;
      } else if (token.name === 'v' || token.name === 't') inside = token.kind === 'open' ? token.name : '';
      else if (token.name === 'c' && token.kind === 'open') {
        const { attributes } = token;
        const said = columnOf(attributes.get('r') ?? '');
        at = said < 0 ? at + 1 : said;
        cell = { type: attributes.get('t') ?? 'n', style: Number(attributes.get('s') ?? 0), value: '', inline: '' };
      } else if (token.name === 'c' && cell) {
        while (row.length < at) row.push('');
        row[at] = cellText(cell, book);
        cell = null;
      } else if (token.name === 'row') {
        if (token.kind === 'close' && row.some((text) => text.trim() !== '')) rows.push(row);
        row = [];
        at = -1;
      }
    }
    if (rows.length > 0) yield rows;
  }
}

/** Names and parts of the sheets, in order. */
function sheetsOf(
  parts: Parts,
  maxChars: number,
): { sheets: { title: string; part: Uint8Array }[]; from1904: boolean } {
  const targets = new Map<string, string>();
  for (const token of all(parts['xl/_rels/workbook.xml.rels'], maxChars))
    if (token.kind === 'open' && token.name === 'Relationship')
      targets.set(
        token.attributes.get('Id') ?? '',
        (token.attributes.get('Target') ?? '').replace(/^\/?(?:xl\/)?/, 'xl/'),
      );
  const sheets: { title: string; part: Uint8Array }[] = [];
  let from1904 = false;
  for (const token of all(parts['xl/workbook.xml'], maxChars)) {
    if (token.kind !== 'open') continue;
    if (token.name === 'workbookPr') from1904 = /^(?:1|true)$/.test(token.attributes.get('date1904') ?? '');
    if (token.name !== 'sheet') continue;
    const part = parts[targets.get(token.attributes.get('id') ?? '') ?? ''];
    if (part) sheets.push({ title: token.attributes.get('name') ?? 'sheet', part });
  }
  return { sheets, from1904 };
}

/** Opens the sheet of a workbook that holds the tickets. Throws `input.format` where the archive is none, and says what it is. */
export async function openWorkbook(
  source: ImportSource,
  sink: Sink,
  o: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined },
): Promise<Table> {
  const parts = await unpack(source, await bytesOf(source, o));
  const { rowChars } = sink.limits;
  const { sheets, from1904 } = sheetsOf(parts, rowChars);
  const book: Book = {
    texts: sharedTexts(parts['xl/sharedStrings.xml'], rowChars),
    dates: dateStyles(parts['xl/styles.xml'], rowChars),
    from1904,
  };
  const tables = sheets.map(({ title, part }): NamedTable => {
    let count = 0;
    for (const rows of sheetRows(part, book, rowChars)) count += rows.length;
    return {
      title,
      count,
      // eslint-disable-next-line @typescript-eslint/require-await -- other tables are read from a stream
      async *rows() {
        yield* sheetRows(part, book, rowChars);
      },
    };
  });
  return openTables(tables, sink, 'sheets');
}

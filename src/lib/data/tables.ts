/** Files that hold several tables: the sheets of a workbook, the tables of an HTML page. The one with the tickets is taken. */
import { JoulewiseError, quote } from '../core/errors';
import { type Candidate, choiceSentence, choose } from './candidates';
import type { Row, Sink, Table } from './formats';
import { rowsToTable } from './header';
import { MarkupReader, type Token } from './markup';

type Cells = readonly string[];
export interface NamedTable {
  title: string;
  /** All rows of cells, from the first on; may be asked for again. */
  rows: () => AsyncGenerator<Cells[], void, undefined>;
  /** Rows that are not empty. */
  count: number;
}

/** Rows that tell whether a table maps. */
const SAMPLED = 60;

async function candidateOf({ title, rows, count }: NamedTable, sink: Sink, id: string): Promise<Candidate> {
  const quiet: Sink = { limits: sink.limits, warn: () => undefined, drop: () => undefined };
  const samples: Row[] = [];
  const { batches } = await rowsToTable(rows(), quiet);
  for await (const batch of batches) {
    samples.push(...batch);
    if (samples.length >= SAMPLED) break;
  }
  const some = samples.slice(0, SAMPLED);
  return { id, title: quote(title), rows: Math.max(0, count - 1), samples: some, direct: some, contains: () => false };
}

/** The table of tickets; tables with the same columns are read one after another. Throws `input.empty` where none has rows. */
export async function openTables(tables: readonly NamedTable[], sink: Sink, what: string): Promise<Table> {
  const full = tables.filter(({ count }) => count > 0);
  const candidates: Candidate[] = [];
  for (const [i, table] of full.entries()) candidates.push(await candidateOf(table, sink, String(i)));
  const choice = choose(candidates);
  if (!choice) throw new JoulewiseError('input.empty', `The file holds no table with rows: pick one with tickets.`);
  const said = choiceSentence(choice, what);
  if (said !== null) sink.warn(said);
  const open: Table[] = [];
  for (const { id } of choice.chosen) open.push(await rowsToTable((full[Number(id)] as NamedTable).rows(), sink));
  async function* batches(): AsyncGenerator<Row[], void, undefined> {
    for (const table of open) yield* table.batches;
  }
  const columns = [...new Set(open.flatMap((table) => table.columns ?? []))];
  return { columns, batches: batches() };
}

/** Tags of tables, in HTML and in Excel's XML of 2003. */
const TABLES: ReadonlySet<string> = new Set(['table', 'worksheet']);
const ROWS: ReadonlySet<string> = new Set(['tr', 'row']);
const CELLS: ReadonlySet<string> = new Set(['td', 'th', 'cell']);
/** Where a line ends in a cell. */
const BREAKS: ReadonlySet<string> = new Set(['br', 'p', 'div', 'li']);

interface OpenTable {
  id: number;
  row: string[] | null;
  cell: string | null;
  span: number;
}

/** Rows of cells with the number of their table. Ends of cells and rows may be left out, as HTML allows. */
class TableReader {
  private readonly open: OpenTable[] = [];
  private tables = 0;

  take(tokens: readonly Token[]): { table: number; cells: string[] }[] {
    const out: { table: number; cells: string[] }[] = [];
    for (const token of tokens) {
      const table = this.open.at(-1);
      if (token.kind === 'text') {
        if (table && table.cell !== null) table.cell += token.text;
        continue;
      }
      const name = token.name.toLowerCase();
      if (TABLES.has(name)) {
        if (token.kind === 'open') this.open.push({ id: this.tables++, row: null, cell: null, span: 1 });
        else if (table) {
          this.endRow(table, out);
          this.open.pop();
        }
      } else if (table && ROWS.has(name)) {
        this.endRow(table, out);
        if (token.kind === 'open') table.row = [];
      } else if (table && CELLS.has(name)) {
        this.endCell(table);
        if (token.kind === 'open') this.beginCell(table, token.attributes);
      } else if (table && table.cell !== null && BREAKS.has(name) && table.cell !== '') table.cell += '\n';
    }
    return out;
  }

  private beginCell(table: OpenTable, attributes: ReadonlyMap<string, string>): void {
    table.row ??= [];
    // Excel leaves empty cells out and says the place of the next.
    const index = Math.min(10_000, Number(attributes.get('Index') ?? 0));
    while (table.row.length < index - 1) table.row.push('');
    table.cell = '';
    table.span = Math.min(1000, Number(attributes.get('colspan') ?? 1) || 1);
  }

  private endCell(table: OpenTable): void {
    if (table.cell === null || table.row === null) return;
    const cell = table.cell
      .replace(/[^\S\n]+/g, ' ')
      .replace(/ ?\n[ \n]*/g, '\n')
      .trim();
    table.row.push(cell, ...new Array<string>(table.span - 1).fill(''));
    table.cell = null;
  }

  private endRow(table: OpenTable, out: { table: number; cells: string[] }[]): void {
    this.endCell(table);
    if (table.row?.some((cell) => cell !== '')) out.push({ table: table.id, cells: table.row });
    table.row = null;
  }
}

type Text = AsyncIterable<string>;

/** Rows of one table, or of all with their numbers. */
async function* tableRows(text: Text, kind: 'html' | 'xml', maxChars: number) {
  const markup = new MarkupReader(kind, maxChars);
  const tables = new TableReader();
  for await (const chunk of text) {
    const rows = tables.take(markup.push(chunk));
    if (rows.length > 0) yield rows;
  }
}

const MAX_TABLES = 200;

/** Opens the tables of an HTML page, as many systems name .xls, or of Excel's XML. */
export async function openMarkupTables(kind: 'html' | 'xml', sink: Sink, again: () => Text): Promise<Table> {
  const { rowChars } = sink.limits;
  const counts: number[] = [];
  for await (const rows of tableRows(again(), kind, rowChars))
    for (const { table } of rows) if (table < MAX_TABLES) counts[table] = (counts[table] ?? 0) + 1;
  if (counts.length === 0)
    throw new JoulewiseError(
      'input.format',
      'The file is a web page without a table: open it, copy the list of tickets into a sheet, and save that as CSV or XLSX.',
    );
  const tables = Array.from(counts, (count, id): NamedTable => ({
    title: `table ${id + 1}`,
    count: count ?? 0,
    async *rows() {
      for await (const rows of tableRows(again(), kind, rowChars)) {
        const own = rows.filter(({ table }) => table === id).map(({ cells }) => cells);
        if (own.length > 0) yield own;
      }
    },
  }));
  return openTables(tables, sink, 'tables');
}

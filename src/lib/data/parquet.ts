/** Rows of a Parquet file: read by ranges, one row group at a time, by a library that is loaded when one is met. */
import { JoulewiseError, quote } from '../core/errors';
import type { Row, Sink, Table } from './formats';
import { flatten } from './json';
import { takeRaw, textOf } from './parquet-values';
import type { ImportSource } from './text-stream';

const MAGIC = [0x50, 0x41, 0x52, 0x31] as const;
/** Rows decoded at once. */
const BATCH = 2000;

/** Whether a file begins as Parquet files do. */
export async function isParquet(source: ImportSource): Promise<boolean> {
  if (!source.slice || (source.size ?? 0) < 12) return false;
  const head = new Uint8Array(await source.slice(0, MAGIC.length));
  return MAGIC.every((byte, i) => head[i] === byte);
}

/** The library's text of what fails, for a sentence. */
const reasonOf = (error: unknown) => (error instanceof Error ? error.message.slice(0, 120) : 'it is damaged');

/** Throws `input.format` where the file is damaged. A column that cannot be read is named and left out. */
export async function openParquet(
  source: ImportSource,
  sink: Sink,
  o: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined },
): Promise<Table> {
  const { slice, size } = source;
  if (!slice || size === null) throw new JoulewiseError('internal', 'A Parquet file is read by ranges.');
  const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  let bytes = 0;
  const file = {
    byteLength: size,
    async slice(start: number, end = size) {
      const data = await slice(start, end);
      o.onBytes?.(Math.min(size, (bytes += data.byteLength)));
      return data;
    },
  };
  const damaged = (cause: unknown) =>
    cause instanceof JoulewiseError
      ? cause
      : new JoulewiseError(
          'input.format',
          `${quote(source.name)} is a damaged Parquet file, or one of a kind that is not read here: download it again, or export it as CSV.`,
          { cause },
        );
  try {
    const metadata = await parquetMetadataAsync(file);
    const rows = Number(metadata.num_rows);
    const raw = takeRaw(metadata.schema);
    const tree = parquetSchema(metadata);
    const nodes = new Map(tree.children.map((node) => [node.element.name, node] as const));
    const read = (at: number, end: number, columns: string[]) =>
      parquetReadObjects({
        file,
        metadata,
        compressors,
        columns,
        rowStart: at,
        rowEnd: Math.min(rows, end),
        utf8: false,
        parsers: JSON_AS_TEXT,
      });
    let columns = [...nodes.keys()];
    if (rows > 0)
      await read(0, PROBED, columns).catch(async () => {
        columns = await readable(columns, (column) => read(0, PROBED, [column]), sink);
      });
    if (columns.length === 0) throw new Error('no column can be read');
    const plain = (object: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(object).map(([name, value]) => [name, textOf(value, nodes.get(name), raw)]));
    async function* batches(): AsyncGenerator<Row[], void, undefined> {
      for (let at = 0; at < rows; at += BATCH) {
        if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'The import was stopped.');
        try {
          yield (await read(at, at + BATCH, columns)).map((object) => flatten(plain(object)));
        } catch (cause) {
          throw damaged(cause);
        }
      }
    }
    return {
      // Lists and structures flatten into columns of their own, which only rows tell.
      columns: tree.children.every(({ children }) => children.length === 0) ? columns : null,
      batches: batches(),
    };
  } catch (cause) {
    throw damaged(cause);
  }
}

/** Rows that tell which columns can be read. */
const PROBED = 100;
const decoder = new TextDecoder();
/** JSON is parsed here, with the digits of its numbers. */
const JSON_AS_TEXT = { jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes) };

const LACKING = /not supported|unsupported|not implemented|unknown/i;
/** The columns that can be read alone; the others are named. */
async function readable(
  columns: readonly string[],
  read: (column: string) => Promise<unknown>,
  sink: Sink,
): Promise<string[]> {
  const kept: string[] = [];
  for (const column of columns)
    try {
      await read(column);
      kept.push(column);
    } catch (error) {
      // A damaged column may be the one that was meant: only what the library lacks is left out.
      if (!LACKING.test(reasonOf(error))) throw error;
      sink.warn(`Column ${quote(column)} cannot be read here and is left out (${reasonOf(error)}).`);
    }
  return kept;
}

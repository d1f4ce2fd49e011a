/** Rows of a Parquet file: read by ranges, one row group at a time, by a library that is loaded when one is met. */
import { JoulewiseError, quote } from '../core/errors';
import type { Row, Table } from './formats';
import { flatten } from './json';
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

/** JSON has neither big integers nor dates: both become text. */
const plain = (value: unknown): unknown =>
  typeof value === 'bigint'
    ? value.toString()
    : value instanceof Date
      ? value.toISOString()
      : value instanceof Uint8Array
        ? new TextDecoder().decode(value)
        : value;

/** Throws `input.format` where the file is damaged. */
export async function openParquet(
  source: ImportSource,
  o: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined },
): Promise<Table> {
  const { slice, size } = source;
  if (!slice || size === null) throw new JoulewiseError('internal', 'A Parquet file is read by ranges.');
  const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  let read = 0;
  const file = {
    byteLength: size,
    async slice(start: number, end = size) {
      const data = await slice(start, end);
      o.onBytes?.(Math.min(size, (read += data.byteLength)));
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
    async function* batches(): AsyncGenerator<Row[], void, undefined> {
      for (let at = 0; at < rows; at += BATCH) {
        if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'The import was stopped.');
        let objects: Record<string, unknown>[];
        try {
          objects = await parquetReadObjects({
            file,
            metadata,
            compressors,
            rowStart: at,
            rowEnd: Math.min(rows, at + BATCH),
          });
        } catch (cause) {
          throw damaged(cause);
        }
        yield objects.map((object) =>
          flatten(Object.fromEntries(Object.entries(object).map(([name, value]) => [name, plain(value)]))),
        );
      }
    }
    const columns = parquetSchema(metadata).children;
    return {
      // Lists and structures flatten into columns of their own, which only rows tell.
      columns: columns.every(({ children }) => children.length === 0)
        ? columns.map(({ element }) => element.name)
        : null,
      batches: batches(),
    };
  } catch (cause) {
    throw damaged(cause);
  }
}

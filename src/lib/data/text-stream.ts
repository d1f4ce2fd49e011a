/** From a file's bytes to text: gzip, encodings, and refusing what is not text. Never holds the file. */
import { JoulewiseError, quote } from '../core/errors';
import { encodingNamed, guessEncoding, telling, type EncodingGuess } from './encoding';

/** A file to read. `stream` may be called again, and starts from the beginning each time. */
export interface ImportSource {
  name: string;
  /** Bytes; null where unknown. */
  size: number | null;
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes [start, end), where the file can be read in any order; Parquet needs it. */
  slice?: (start: number, end: number) => Promise<ArrayBuffer>;
}

export interface Inspection {
  gzipped: boolean;
  /** By its name in the Encoding Standard. */
  encoding: string;
  /** Said or shown by the bytes where null; else guessed from its letters, `other` being the next likely. */
  guess: EncodingGuess | null;
  /** The first characters, for detecting the format. Line ends are "\n". */
  sample: string;
  /** True where the sample is the whole text. */
  complete: boolean;
}

/** Ceilings that keep memory bounded whatever the file holds. */
export interface ImportLimits {
  /** Bytes after decompression. */
  inflatedBytes: number;
  /** Characters of a row that is not finished. */
  rowChars: number;
  /** Characters of one mapped cell; a row with a larger one is dropped. */
  cellChars: number;
  /** Characters of a ticket's text; the rest is cut. */
  textChars: number;
  rows: number;
  /** Characters of all tickets. */
  datasetChars: number;
}

export const IMPORT_LIMITS: Readonly<ImportLimits> = {
  inflatedBytes: 2 ** 30,
  rowChars: 2 ** 24,
  cellChars: 2 ** 20,
  textChars: 20_000,
  rows: 1_000_000,
  datasetChars: 2 ** 28,
};

const SAMPLE_BYTES = 65_536;

/** Thrown inside the importer where UTF-8 turns out to be something else; it starts again with what its letters are likely in. */
export class NotUtf8 extends Error {
  override readonly name = 'NotUtf8';
}

/** First bytes of files that are often picked by mistake, and what to do. */
const MISTAKEN: readonly { magic: readonly number[]; what: string; advice: string }[] = [
  {
    magic: [0xd0, 0xcf, 0x11, 0xe0],
    what: 'an old Excel or Office file, or one with a password',
    advice: 'Save the sheet as XLSX or CSV',
  },
  { magic: [0x50, 0x41, 0x52, 0x31], what: 'a Parquet file', advice: 'Export it as CSV or JSON lines' },
  { magic: [0x25, 0x50, 0x44, 0x46], what: 'a PDF', advice: 'Export the tickets as CSV or JSON' },
  { magic: [0x53, 0x51, 0x4c, 0x69], what: 'an SQLite database', advice: 'Export the table as CSV' },
  { magic: [0x42, 0x5a, 0x68], what: 'a bzip2 archive', advice: 'Unpack it, or compress it with gzip' },
  { magic: [0xfd, 0x37, 0x7a, 0x58], what: 'an xz archive', advice: 'Unpack it, or compress it with gzip' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: 'a zstd archive', advice: 'Unpack it, or compress it with gzip' },
  { magic: [0x1f, 0x8b], what: 'compressed twice', advice: 'Unpack it once' },
];

const startsWith = (bytes: Uint8Array, magic: readonly number[]) => magic.every((byte, i) => bytes[i] === byte);

/** Chunks of a stream; leaving early cancels it. */
export async function* chunksOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // A stream that failed cannot be cancelled; its failure was already thrown.
    await reader.cancel().catch(() => undefined);
  }
}

interface Opening {
  gzipped: boolean;
  limits: ImportLimits;
  signal?: AbortSignal | undefined;
  /** Bytes read of the file itself (before decompression). */
  onBytes?: ((total: number) => void) | undefined;
}

/**
 * What a gzip file holds. The browser's own decompressor is fast, and stops behind the first member; where it fails, a
 * library that knows several goes over the file again and gives what was not given yet.
 */
async function* inflated(
  source: ImportSource,
  counted: TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let given = 0;
  try {
    for await (const chunk of chunksOf(
      source.stream().pipeThrough(counted).pipeThrough(new DecompressionStream('gzip')),
    )) {
      yield chunk;
      given += chunk.length;
    }
    return;
  } catch {
    // What is wrong, if not the second member, the library says.
  }
  const { allMembers } = await import('./gzip');
  let at = 0;
  for await (const chunk of allMembers(chunksOf(source.stream()))) {
    const from = Math.max(0, given - at);
    at += chunk.length;
    if (from < chunk.length) yield chunk.subarray(from);
  }
}

/** Bytes after decompression. */
async function* bytesOf(source: ImportSource, { gzipped, limits, signal, onBytes }: Opening) {
  let read = 0;
  let total = 0;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      read += chunk.length;
      onBytes?.(read);
      controller.enqueue(chunk);
    },
  });
  try {
    for await (const chunk of gzipped ? inflated(source, counted) : chunksOf(source.stream().pipeThrough(counted))) {
      if (signal?.aborted) throw new JoulewiseError('cancelled', 'The import was stopped.');
      total += chunk.length;
      if (total > limits.inflatedBytes)
        throw new JoulewiseError(
          'input.too-large',
          `${quote(source.name)} holds more than ${Math.round(limits.inflatedBytes / 2 ** 20)} MiB${gzipped ? ' once unpacked' : ''}: import a part of it.`,
        );
      yield chunk;
    }
  } catch (error) {
    if (error instanceof JoulewiseError) throw error;
    const sentence = gzipped
      ? `${quote(source.name)} is a damaged or truncated gzip file: copy or compress it again.`
      : `${quote(source.name)} could not be read: check that it still exists and pick it again.`;
    throw new JoulewiseError('input.unreadable', sentence, { cause: error });
  }
}

/** The first bytes, and whether they are all. */
async function peek(
  source: ImportSource,
  opening: Opening,
): Promise<{ head: Uint8Array<ArrayBuffer>; complete: boolean }> {
  const head = new Uint8Array(SAMPLE_BYTES);
  let size = 0;
  for await (const chunk of bytesOf(source, opening)) {
    const part = chunk.subarray(0, SAMPLE_BYTES - size);
    head.set(part, size);
    size += part.length;
    if (part.length < chunk.length || size === SAMPLE_BYTES) return { head, complete: false };
  }
  return { head: head.subarray(0, size), complete: true };
}

/** Share of zero bytes at even and at odd places: text in UTF-16 without a mark has many on one side only. */
function zeros(bytes: Uint8Array): { even: number; odd: number } {
  const count = [0, 0];
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0) count[i % 2] = (count[i % 2] ?? 0) + 1;
  const half = Math.max(1, bytes.length / 2);
  return { even: (count[0] ?? 0) / half, odd: (count[1] ?? 0) / half };
}

/** A form of Unicode; null where the bytes are none. */
function detectUnicode(bytes: Uint8Array<ArrayBuffer>): string | null {
  if (startsWith(bytes, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(bytes, [0xfe, 0xff])) return 'utf-16be';
  const { even, odd } = zeros(bytes);
  if (odd > 0.4 && even < 0.1) return 'utf-16le';
  if (even > 0.4 && odd < 0.1) return 'utf-16be';
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return 'utf-8';
  } catch {
    return null;
  }
}

/** Control characters that no text file has, and the sign for bytes that are no text. */
// eslint-disable-next-line no-control-regex
const JUNK = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f\ufffd]/g;
const MAX_JUNK = 0.02;

/** Line ends as "\n"; the record separators of JSON text sequences (RFC 7464) say nothing that lines do not. */
const newlines = (text: string) => text.replace(/\r\n?/g, '\n').replaceAll('\u001e', '');

/** What the letters of a whole file outside ASCII are likely in. */
export async function guessOf(source: ImportSource, opening: Opening): Promise<EncodingGuess> {
  return guessEncoding(await telling(bytesOf(source, opening)));
}

/**
 * Looks at the beginning of a file, in the encoding that is said or in the one that its bytes are likely in. Throws
 * `input.*` where it is empty, damaged or not text, `option.unknown` where the encoding is not known.
 */
export async function inspect(
  source: ImportSource,
  limits: ImportLimits,
  { encoding: said, signal }: { encoding?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Inspection> {
  const raw = await peek(source, { gzipped: false, limits, signal });
  const gzipped = startsWith(raw.head, [0x1f, 0x8b]);
  const { head, complete } = gzipped ? await peek(source, { gzipped, limits, signal }) : raw;
  const mistaken = MISTAKEN.find(({ magic }) => startsWith(head, magic));
  if (mistaken)
    throw new JoulewiseError(
      'input.format',
      `${quote(source.name)} is ${mistaken.what}. ${mistaken.advice}, and import that.`,
    );
  const known = said === undefined ? detectUnicode(head) : encodingNamed(said);
  const guess = known === null ? await guessOf(source, { gzipped, limits, signal }) : null;
  const encoding = known ?? guess?.encoding ?? 'utf-8';
  const sample = newlines(new TextDecoder(encoding).decode(head, { stream: true }));
  if ((sample.match(JUNK)?.length ?? 0) > MAX_JUNK * sample.length)
    throw new JoulewiseError(
      'input.format',
      said === undefined
        ? `${quote(source.name)} is not a text file: export the tickets as CSV, TSV, JSON or JSON lines.`
        : `${quote(source.name)} is no text in ${encoding}: choose another encoding, or none.`,
    );
  if (sample.trim() === '')
    throw new JoulewiseError(
      'input.empty',
      `${quote(source.name)} is empty: pick a file with a header line and tickets.`,
    );
  return { gzipped, encoding, guess, sample, complete };
}

/** The whole text in chunks, byte-order mark removed, line ends as "\n". Throws `NotUtf8` where the encoding was a wrong guess. */
export async function* textOf(
  source: ImportSource,
  { encoding, fatal, ...opening }: Opening & { encoding: string; fatal: boolean },
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder(encoding, { fatal });
  const decode = (chunk?: Uint8Array<ArrayBuffer>) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch (error) {
      throw new NotUtf8('invalid UTF-8', { cause: error });
    }
  };
  // "\r" at the end of a chunk waits: "\n" may follow.
  let held = '';
  for await (const chunk of bytesOf(source, opening)) {
    const text = held + decode(chunk);
    held = text.endsWith('\r') ? '\r' : '';
    const whole = newlines(held === '' ? text : text.slice(0, -1));
    if (whole !== '') yield whole;
  }
  const rest = newlines(held + decode());
  if (rest !== '') yield rest;
}

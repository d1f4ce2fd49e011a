import { JoulewiseError, quote } from '../core/errors';

/**
 * The one seam through which every byte of a checkpoint is read: a length and a slice. A File, an OPFS file, an HTTP
 * server with range requests and a buffer all look the same, and no reader ever holds a whole model.
 */
export interface ByteSource {
  readonly name: string;
  /** Bytes. */
  readonly byteLength: number;
  /** Bytes [start, end); a fresh buffer that the caller may keep. Throws where the range is not inside the source. */
  slice(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The files of a checkpoint: a folder, one GGUF, an OPFS directory, a Hub repository. */
export interface FileSet {
  /** What a person would call it: folder or repository name. */
  readonly name: string;
  /** Names where they can be listed (a local folder); null where they can only be asked for (HTTP). */
  list(): Promise<string[]> | null;
  /** Null where there is no such file. */
  open(name: string): Promise<ByteSource | null>;
}

const outside = (name: string, start: number, end: number, length: number) =>
  new JoulewiseError(
    'checkpoint.truncated',
    `${quote(name)} ends at byte ${length}, but bytes ${start} to ${end} are needed: the file is cut off. Download it again.`,
  );

function guard(name: string, length: number, start: number, end: number): void {
  if (!(start >= 0 && end >= start && end <= length)) throw outside(name, start, end, length);
}

export function bytesSource(name: string, data: Uint8Array): ByteSource {
  return {
    name,
    byteLength: data.byteLength,
    async slice(start, end) {
      guard(name, data.byteLength, start, end);
      return Promise.resolve(new Uint8Array(data.slice(start, end)));
    },
  };
}

/** Over a Blob, a File or what an OPFS handle's getFile() gives. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    byteLength: blob.size,
    async slice(start, end) {
      guard(name, blob.size, start, end);
      try {
        return new Uint8Array(await blob.slice(start, end).arrayBuffer());
      } catch (cause) {
        throw new JoulewiseError('input.unreadable', `${quote(name)} can no longer be read: pick the file again.`, {
          cause,
        });
      }
    },
  };
}

/**
 * Over HTTP. Learns the length with a one-byte range request; a server that ignores ranges answers with the whole
 * file, which is then kept as a Blob (the browser may hold it on disk). Null on 404.
 */
export async function httpSource(name: string, url: string, fetcher: typeof fetch = fetch): Promise<ByteSource | null> {
  const failed = (why: string, cause?: unknown) =>
    new JoulewiseError(
      'network.failed',
      `${quote(name)} could not be fetched (${why}). Check the connection and try again.`,
      {
        cause,
      },
    );
  const ask = async (range: string): Promise<Response> => {
    try {
      return await fetcher(url, { headers: { Range: range } });
    } catch (cause) {
      throw failed('no answer', cause);
    }
  };
  const first = await ask('bytes=0-0');
  if (first.status === 404) return null;
  if (first.status === 200) return blobSource(name, await first.blob());
  const total = Number(/\/(\d+)$/.exec(first.headers.get('Content-Range') ?? '')?.[1] ?? NaN);
  await first.body?.cancel();
  if (first.status === 416) return bytesSource(name, new Uint8Array());
  if (first.status !== 206 || !Number.isSafeInteger(total)) throw failed(`status ${first.status}`);
  return {
    name,
    byteLength: total,
    async slice(start, end) {
      guard(name, total, start, end);
      if (start === end) return new Uint8Array();
      const response = await ask(`bytes=${start}-${end - 1}`);
      if (response.status !== 206) throw failed(`status ${response.status}`);
      const data = new Uint8Array(await response.arrayBuffer());
      if (data.byteLength !== end - start) throw outside(name, start, end, start + data.byteLength);
      return data;
    },
  };
}

/** A set of local files, by base name: what a file input, a drop or an OPFS directory gives. */
export function blobFileSet(name: string, files: readonly { name: string; blob: Blob }[]): FileSet {
  const byName = new Map(files.map((f) => [f.name, f.blob]));
  return {
    name,
    list: () => Promise.resolve([...byName.keys()]),
    open(file) {
      const blob = byName.get(file);
      return Promise.resolve(blob ? blobSource(file, blob) : null);
    },
  };
}

/** Files below a base URL (the built-in checkpoint, a Hub repository). `names` lists them where they are known. */
export function httpFileSet(
  name: string,
  base: string,
  names?: readonly string[],
  fetcher: typeof fetch = fetch,
): FileSet {
  return {
    name,
    list: () => (names ? Promise.resolve([...names]) : null),
    open: (file) => httpSource(file, `${base.replace(/\/$/, '')}/${file}`, fetcher),
  };
}

/** The Hub's address is a setting, so that tests and mirrors serve it from elsewhere. */
export const HUB_BASE = 'https://huggingface.co';

export function hubFileSet(
  repo: string,
  revision: string,
  base = HUB_BASE,
): FileSet & { address(file: string): string } {
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(repo))
    throw new JoulewiseError('option.invalid', `${quote(repo)} is not a Hub repository: write it as "owner/name".`);
  const root = `${base}/${repo}/resolve/${encodeURIComponent(revision)}`;
  return { ...httpFileSet(repo, root), address: (file) => `${root}/${file}` };
}

/** Reads a small text file whole (config, tokenizer); `limit` in bytes guards against a mislabelled weight file. */
export async function readText(source: ByteSource, limit = 64 * 2 ** 20): Promise<string> {
  if (source.byteLength > limit)
    throw new JoulewiseError(
      'checkpoint.format',
      `${quote(source.name)} is ${source.byteLength} bytes, too large for a text file.`,
    );
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await source.slice(0, source.byteLength));
  } catch (cause) {
    if (cause instanceof JoulewiseError) throw cause;
    throw new JoulewiseError('checkpoint.format', `${quote(source.name)} is not UTF-8 text.`, { cause });
  }
}

export async function readJson(source: ByteSource, limit?: number): Promise<Record<string, unknown>> {
  const text = await readText(source, limit);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new JoulewiseError('checkpoint.format', `${quote(source.name)} is not valid JSON.`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new JoulewiseError('checkpoint.format', `${quote(source.name)} should hold a JSON object.`);
  return value as Record<string, unknown>;
}

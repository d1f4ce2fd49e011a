import { sha256 as streamSha256 } from '@noble/hashes/sha2.js';
import type { HubFile } from '../checkpoint/hub';
import { blobFileSet, type FileSet } from '../checkpoint/source';
import { sha256 } from '../core/canonical';
import { JoulewiseError, quote } from '../core/errors';
import { CHUNK_BYTES, checkpointsRoot, commitFolder, safeName, storeError, treeHash } from './opfs';

/** A file on its way here. */
export interface RemoteFile extends HubFile {
  url: string;
}

export interface DownloadProgress {
  phase: 'download' | 'check';
  bytes: number;
  /** Null while a server has not told every size. */
  of: number | null;
  /** Over the last seconds; null at the start and while checking. */
  bytesPerSecond: number | null;
}

/** In-place writes, which dedicated workers have: what is written stays when the tab is killed. */
interface SyncAccess {
  getSize(): number;
  write(data: Uint8Array, o: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

const ATTEMPTS = 4;
const SPEED_WINDOW_MS = 3000;
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
const stopped = () =>
  new JoulewiseError('cancelled', 'The download was stopped. What has come is kept: start it again to go on.');

const failed = (name: string, why: string, cause?: unknown) =>
  new JoulewiseError(
    'network.failed',
    `${quote(name)} could not be downloaded (${why}). What has come is kept: start it again to go on.`,
    { cause },
  );

async function openAccess(handle: FileSystemFileHandle): Promise<SyncAccess> {
  try {
    return await (handle as unknown as { createSyncAccessHandle(): Promise<SyncAccess> }).createSyncAccessHandle();
  } catch (cause) {
    throw new JoulewiseError('store.busy', 'Another tab is downloading this model. Wait for it, or stop it there.', {
      cause,
    });
  }
}

/** Goes on where a file ends, until the server has sent all of it. Says the whole length. */
async function fill(
  file: RemoteFile,
  access: SyncAccess,
  o: { onBytes: (at: number, of: number | null) => void; signal: AbortSignal },
): Promise<void> {
  if (file.bytes !== null && access.getSize() > file.bytes) access.truncate(0);
  for (let attempt = 1; ; attempt++) {
    const from = access.getSize();
    o.onBytes(from, file.bytes);
    if (from === file.bytes) return;
    try {
      const response = await fetch(file.url, {
        signal: o.signal,
        ...(from > 0 ? { headers: { Range: `bytes=${from}-` } } : {}),
      });
      if (response.status === 416) return;
      if (!response.ok || !response.body) {
        const final = response.status < 500 && response.status !== 429;
        throw Object.assign(failed(file.name, `status ${response.status}`), { final });
      }
      // A server that ignores ranges begins anew.
      let at = response.status === 206 ? from : 0;
      if (at === 0) access.truncate(0);
      const left = Number(response.headers.get('Content-Length') ?? NaN);
      const whole = file.bytes ?? (Number.isFinite(left) ? at + left : null);
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        at += access.write(value, { at });
        attempt = 1;
        o.onBytes(at, whole);
      }
      access.flush();
      if (whole === null || at === whole) return;
      throw failed(file.name, `it ended at byte ${at} of ${whole}`);
    } catch (cause) {
      access.flush();
      if (o.signal.aborted) throw stopped();
      if (cause instanceof DOMException && cause.name === 'QuotaExceededError') throw storeError(cause);
      if (attempt >= ATTEMPTS || (cause as { final?: boolean }).final)
        throw cause instanceof JoulewiseError ? cause : failed(file.name, 'the connection broke', cause);
      await wait(500 * 2 ** attempt);
    }
  }
}

/** Bytes a second over the last moments. */
function speedometer(): (bytes: number) => number | null {
  const seen: [time: number, bytes: number][] = [];
  return (bytes) => {
    const now = performance.now();
    seen.push([now, bytes]);
    while (seen.length > 2 && now - (seen[0]?.[0] ?? now) > SPEED_WINDOW_MS) seen.shift();
    const [time, from] = seen[0] as [number, number];
    return now - time < 200 ? null : ((bytes - from) / (now - time)) * 1000;
  };
}

/**
 * Downloads files into OPFS, going on where an earlier try ended, checks size and SHA-256 where they are known, and
 * names the set by its content as `storeCheckpoint` does. Runs in a dedicated worker.
 *
 * @param key names this very set of files, so that a later try finds what has come
 * @param check refuses what is no checkpoint before it appears among the stored ones
 */
export async function downloadCheckpoint(
  key: string,
  files: readonly RemoteFile[],
  o: {
    name: string;
    check: (files: FileSet) => Promise<void>;
    onProgress: (p: DownloadProgress) => void;
    signal: AbortSignal;
  },
): Promise<string> {
  const directory = await checkpointsRoot();
  const folderName = `incoming-${(await sha256(key)).slice(0, 32)}`;
  const folder = await directory.getDirectoryHandle(folderName, { create: true });
  const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const known = (list: readonly (number | null)[]) =>
    list.every((n) => n !== null) ? list.reduce<number>((sum, n) => sum + (n ?? 0), 0) : null;
  const lengths = sorted.map((f) => f.bytes);
  const { usage, quota } = await navigator.storage.estimate();
  const total = known(lengths);
  const handles = await Promise.all(sorted.map((f) => folder.getFileHandle(safeName(f.name), { create: true })));
  const here = (await Promise.all(handles.map((h) => h.getFile()))).reduce((n, f) => n + f.size, 0);
  if (total !== null && quota !== undefined && usage !== undefined && total - here > quota - usage)
    throw storeError(new DOMException('It does not fit.', 'QuotaExceededError'));

  const speed = speedometer();
  const done = sorted.map(() => 0);
  for (const [i, file] of sorted.entries()) {
    const access = await openAccess(handles[i] as FileSystemFileHandle);
    let last = 0;
    try {
      await fill(file, access, {
        signal: o.signal,
        onBytes(at, of) {
          done[i] = at;
          lengths[i] = of;
          const now = performance.now();
          if (now - last < 100 && at !== of) return;
          last = now;
          const bytes = done.reduce((n, b) => n + b, 0);
          o.onProgress({ phase: 'download', bytes, of: known(lengths), bytesPerSecond: speed(bytes) });
        },
      });
    } finally {
      access.close();
    }
  }

  // What lies on the disk is checked, not what went by.
  const stored = await Promise.all(handles.map((h) => h.getFile()));
  const all = stored.reduce((n, f) => n + f.size, 0);
  let checked = 0;
  const trees: { name: string; byteLength: number; chunks: string[] }[] = [];
  for (const [i, file] of sorted.entries()) {
    const blob = stored[i] as File;
    const whole = file.sha256 === null ? null : streamSha256.create();
    const chunks: string[] = [];
    for (let at = 0; at < blob.size; at += CHUNK_BYTES) {
      if (o.signal.aborted) throw stopped();
      const data = new Uint8Array(await blob.slice(at, at + CHUNK_BYTES).arrayBuffer());
      chunks.push(await sha256(data));
      whole?.update(data);
      checked += data.byteLength;
      o.onProgress({ phase: 'check', bytes: checked, of: all, bytesPerSecond: null });
    }
    const found = whole && Array.from(whole.digest(), (b) => b.toString(16).padStart(2, '0')).join('');
    if ((file.bytes !== null && file.bytes !== blob.size) || (found !== null && found !== file.sha256)) {
      await folder.removeEntry(safeName(file.name));
      throw new JoulewiseError(
        'network.failed',
        `${quote(file.name)} came damaged: its ${found !== null && found !== file.sha256 ? 'SHA-256' : 'size'} is not what the Hub tells. It was deleted; start the download again.`,
      );
    }
    trees.push({ name: file.name, byteLength: blob.size, chunks });
  }
  await o.check(
    blobFileSet(
      o.name,
      sorted.map(({ name }, i) => ({ name, blob: stored[i] as File })),
    ),
  );
  return commitFolder(directory, folderName, await treeHash(trees));
}

import { blobFileSet, type ByteSource, type FileSet } from '../checkpoint/source';
import { sha256 } from '../core/canonical';
import { JoulewiseError, quote } from '../core/errors';
import { removeAdapters } from './adapters';
import { removePacked } from './packed';

/**
 * Weights in the origin's private file system, each checkpoint in a folder named by its hash:
 * `checkpoints/<hash>/<file>`. A folder appears under that name only when it is complete.
 */
const ROOT = 'checkpoints';
export const CHUNK_BYTES = 8 * 2 ** 20;

export async function checkpointsRoot(): Promise<FileSystemDirectoryHandle> {
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true });
  } catch (cause) {
    throw new JoulewiseError(
      'store.unavailable',
      'This window cannot keep files (a private window, or storage is blocked). Open Joulewise in a normal window.',
      { cause },
    );
  }
}

export function storeError(cause: unknown): unknown {
  if (cause instanceof DOMException && cause.name === 'QuotaExceededError')
    return new JoulewiseError(
      'store.quota',
      'The browser has no room left for this. Delete checkpoints or results under "Storage", or free disk space; nothing stored was lost.',
      { cause },
    );
  return cause;
}

/** Name of a set of files by content: SHA-256 over the SHA-256 of each chunk of each file, in order of name. */
export const treeHash = (files: readonly { name: string; byteLength: number; chunks: readonly string[] }[]) =>
  sha256(files.map(({ name, byteLength, chunks }) => `${name}:${byteLength}:${chunks.join()}`).join('\n'));

/** Gives a complete folder its final name; where the same content is here already, the folder goes. */
export async function commitFolder(
  directory: FileSystemDirectoryHandle,
  folder: string,
  hash: string,
): Promise<string> {
  if (await exists(directory, hash)) await directory.removeEntry(folder, { recursive: true });
  else await commit(directory, folder, hash);
  return hash;
}

/**
 * Copies files into OPFS and names them by content (a tree, since the platform hashes no streams). Storing the same
 * files twice stores them once.
 */
export async function storeCheckpoint(
  files: readonly ByteSource[],
  onProgress?: (bytes: number, of: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const sorted = files.slice().sort((a, b) => (a.name < b.name ? -1 : 1));
  const total = sorted.reduce((n, f) => n + f.byteLength, 0);
  const directory = await checkpointsRoot();
  const temporary = `incoming-${crypto.randomUUID()}`;
  const target = await directory.getDirectoryHandle(temporary, { create: true });
  const trees: Parameters<typeof treeHash>[0][number][] = [];
  let done = 0;
  try {
    for (const file of sorted) {
      const handle = await target.getFileHandle(safeName(file.name), { create: true });
      const writable = await handle.createWritable();
      const chunks: string[] = [];
      for (let at = 0; at < file.byteLength; at += CHUNK_BYTES) {
        if (signal?.aborted) throw new JoulewiseError('cancelled', 'Stopped while storing the checkpoint.');
        const data = await file.slice(at, Math.min(at + CHUNK_BYTES, file.byteLength));
        chunks.push(await sha256(data));
        await writable.write(data);
        done += data.byteLength;
        onProgress?.(done, total);
      }
      await writable.close();
      trees.push({ name: file.name, byteLength: file.byteLength, chunks });
    }
    return await commitFolder(directory, temporary, await treeHash(trees));
  } catch (error) {
    await directory.removeEntry(temporary, { recursive: true }).catch(() => undefined);
    throw storeError(error);
  }
}

/** OPFS cannot rename folders everywhere; a small marker under the final name points at the data. */
async function commit(directory: FileSystemDirectoryHandle, name: string, hash: string): Promise<void> {
  const marker = await directory.getFileHandle(`${hash}.ref`, { create: true });
  const writable = await marker.createWritable();
  await writable.write(name);
  await writable.close();
}

async function exists(directory: FileSystemDirectoryHandle, hash: string): Promise<boolean> {
  return (await locate(directory, hash)) !== null;
}

async function locate(directory: FileSystemDirectoryHandle, hash: string): Promise<FileSystemDirectoryHandle | null> {
  try {
    const marker = await directory.getFileHandle(`${hash}.ref`);
    return await directory.getDirectoryHandle(await (await marker.getFile()).text());
  } catch {
    return null;
  }
}

/** OPFS names hold no slash; a file in a subfolder ("onnx/model.onnx") keeps its path percent-encoded. */
export function safeName(name: string): string {
  if (!/^[\w .()+,=@/-]+$/.test(name) || name.startsWith('.') || name.includes('..'))
    throw new JoulewiseError(
      'input.format',
      `File name ${quote(name)} cannot be stored; rename it with plain letters and digits.`,
    );
  return encodeURIComponent(name);
}

/** Files of a stored checkpoint. Throws where they are gone. */
export async function openStored(hash: string, name: string): Promise<FileSet> {
  const directory = await locate(await checkpointsRoot(), hash);
  if (!directory)
    throw new JoulewiseError(
      'store.unavailable',
      `Checkpoint ${quote(name)} is no longer stored in this browser. Add it again.`,
    );
  const files: { name: string; blob: Blob }[] = [];
  for await (const entry of directory.values())
    if (entry.kind === 'file') files.push({ name: decodeURIComponent(entry.name), blob: await entry.getFile() });
  return blobFileSet(name, files);
}

export interface StoredCheckpoint {
  hash: string;
  files: string[];
  bytes: number;
}

/** Every complete checkpoint kept here. */
export async function listCheckpoints(): Promise<StoredCheckpoint[]> {
  const directory = await checkpointsRoot();
  const out: StoredCheckpoint[] = [];
  for await (const entry of directory.values()) {
    const hash = /^([0-9a-f]{64})\.ref$/.exec(entry.name)?.[1];
    const data = hash ? await locate(directory, hash) : null;
    if (!hash || !data) continue;
    const files: string[] = [];
    let bytes = 0;
    for await (const file of data.values())
      if (file.kind === 'file') {
        files.push(decodeURIComponent(file.name));
        bytes += (await file.getFile()).size;
      }
    out.push({ hash, files, bytes });
  }
  return out;
}

export async function removeCheckpoint(hash: string): Promise<void> {
  const directory = await checkpointsRoot();
  const data = await locate(directory, hash);
  if (data) await directory.removeEntry(data.name, { recursive: true });
  await directory.removeEntry(`${hash}.ref`).catch(() => undefined);
  await removePacked(hash);
  await removeAdapters(hash);
}

/** Removes what an interrupted download left behind: folders that no marker names. */
export async function removeUnfinished(): Promise<number> {
  const directory = await checkpointsRoot();
  const named = new Set<string>();
  const folders: string[] = [];
  for await (const entry of directory.values()) {
    if (entry.kind === 'directory') folders.push(entry.name);
    else named.add(await (await entry.getFile()).text());
  }
  const orphans = folders.filter((f) => !named.has(f));
  for (const orphan of orphans) await directory.removeEntry(orphan, { recursive: true });
  return orphans.length;
}

/** Removes every checkpoint. */
export async function removeAllCheckpoints(): Promise<void> {
  await (await navigator.storage.getDirectory()).removeEntry(ROOT, { recursive: true }).catch(() => undefined);
}

/** Asks once that the browser keep what is stored here; it may refuse, which costs nothing now. */
export async function askToPersist(): Promise<boolean> {
  const storage = (navigator as Partial<Navigator>).storage;
  return (await storage?.persist?.().catch(() => false)) ?? false;
}

import type { KeptHeader, PackedStore } from '../variant/kept';

/** Packed models in OPFS: `packed/<checkpoint>/<key>`, each `header length (u32), header (JSON), memory`. */
const ROOT = 'packed';
const PIECE_BYTES = 8 * 2 ** 20;
/** All of it can be made again, so it may take this share of what the browser grants, and no more than that. */
const SHARE_OF_QUOTA = 0.1;
const MOST_BYTES = 4 * 2 ** 30;

const folderOf = async (name: string, create: boolean) =>
  (await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create })).getDirectoryHandle(name, {
    create,
  });

async function* piecesOf(blob: Blob): AsyncIterable<Uint8Array> {
  for (let at = 0; at < blob.size; at += PIECE_BYTES)
    yield new Uint8Array(await blob.slice(at, at + PIECE_BYTES).arrayBuffer());
}

/** All packed models, of all checkpoints. */
async function listPacked(): Promise<{ file: File; remove: () => Promise<void> }[]> {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true });
  const kept = [];
  for await (const folder of root.values())
    if (folder.kind === 'directory')
      for await (const entry of folder.values())
        if (entry.kind === 'file')
          kept.push({ file: await entry.getFile(), remove: () => folder.removeEntry(entry.name) });
  return kept;
}

/** Bytes that all packed models take. */
export const packedBytes = async (): Promise<number> => (await listPacked()).reduce((n, k) => n + k.file.size, 0);

/** Removes the models written first until `bytes` fit beside the rest; false where they never would. */
async function makeRoom(bytes: number): Promise<boolean> {
  const { quota } = await navigator.storage.estimate();
  const room = Math.min(MOST_BYTES, (quota ?? 0) * SHARE_OF_QUOTA) - bytes;
  if (room < 0) return false;
  const kept = await listPacked();
  kept.sort((a, b) => a.file.lastModified - b.file.lastModified);
  let taken = kept.reduce((n, k) => n + k.file.size, 0);
  for (const { file, remove } of kept) {
    if (taken <= room) break;
    await remove();
    taken -= file.size;
  }
  return true;
}

export const opfsPacked = (checkpointHash: string): PackedStore => ({
  checkpointHash,
  async read(key) {
    try {
      const file = await (await (await folderOf(checkpointHash, false)).getFileHandle(key)).getFile();
      const length = new DataView(await file.slice(0, 4).arrayBuffer()).getUint32(0, true);
      const header = JSON.parse(await file.slice(4, 4 + length).text()) as KeptHeader;
      const memory = file.slice(4 + length);
      return memory.size === header.image.bytes ? { header, pieces: piecesOf(memory) } : null;
    } catch {
      // Not there, or removed by another tab: it is made anew.
      return null;
    }
  },
  async write(key, header, pieces) {
    const json = new TextEncoder().encode(JSON.stringify(header));
    try {
      if (!(await makeRoom(4 + json.length + header.image.bytes))) return;
      const file = await (await folderOf(checkpointHash, true)).getFileHandle(key, { create: true });
      const writable = await file.createWritable();
      await writable.write(new Uint32Array([json.length]));
      await writable.write(json);
      for (const piece of pieces) await writable.write(piece);
      // The bytes appear only now, so a cut-off write leaves an empty file, which reads as none.
      await writable.close();
    } catch {
      // The disk is full, or the window keeps nothing: the model runs all the same.
      await (await folderOf(checkpointHash, true)).removeEntry(key).catch(() => undefined);
    }
  },
});

/** Removes the packed models of a checkpoint, or of all. */
export async function removePacked(checkpointHash: string | null = null): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const from = checkpointHash === null ? root : await root.getDirectoryHandle(ROOT).catch(() => null);
  await from?.removeEntry(checkpointHash ?? ROOT, { recursive: true }).catch(() => undefined);
}

import type { AdapterStore } from '../variant/tuned';

/** Trained adapters in OPFS: `adapters/<checkpoint>/<key>`, each `header length (u32), header (JSON), float32 numbers`. */
const ROOT = 'adapters';

const folderOf = async (name: string, create: boolean) =>
  (await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create })).getDirectoryHandle(name, {
    create,
  });

export const opfsAdapters = (checkpointHash: string): AdapterStore => ({
  async read(key) {
    try {
      const file = await (await (await folderOf(checkpointHash, false)).getFileHandle(key)).getFile();
      const data = await file.arrayBuffer();
      const length = new DataView(data).getUint32(0, true);
      const { size, head } = JSON.parse(new TextDecoder().decode(data.slice(4, 4 + length))) as {
        size: number;
        head: unknown;
      };
      const numbers = data.slice(4 + length);
      return numbers.byteLength === 4 * size ? { head, numbers: new Float32Array(numbers) } : null;
    } catch {
      // Not there, or removed by another tab: it is trained anew.
      return null;
    }
  },
  async write(key, { head, numbers }) {
    const json = new TextEncoder().encode(JSON.stringify({ size: numbers.length, head }));
    try {
      const file = await (await folderOf(checkpointHash, true)).getFileHandle(key, { create: true });
      const writable = await file.createWritable();
      await writable.write(new Uint32Array([json.length]));
      await writable.write(json);
      await writable.write(numbers);
      // The bytes change only now: a cut-off write leaves what was there before.
      await writable.close();
    } catch {
      // The disk is full, or the window keeps nothing: training goes on all the same.
    }
  },
  async remove(key) {
    try {
      await (await folderOf(checkpointHash, false)).removeEntry(key);
    } catch {
      // Not there.
    }
  },
});

/** Bytes that all trained adapters take. */
export async function adapterBytes(): Promise<number> {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true });
  let bytes = 0;
  for await (const folder of root.values())
    if (folder.kind === 'directory')
      for await (const entry of folder.values()) if (entry.kind === 'file') bytes += (await entry.getFile()).size;
  return bytes;
}

/** Removes the trained adapters of a checkpoint, or of all. */
export async function removeAdapters(checkpointHash: string | null = null): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const from = checkpointHash === null ? root : await root.getDirectoryHandle(ROOT).catch(() => null);
  await from?.removeEntry(checkpointHash ?? ROOT, { recursive: true }).catch(() => undefined);
}

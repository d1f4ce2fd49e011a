import type { TimingStore } from '../variant/kept';

/** Timings of kernels in OPFS: `kernels/<key>`, JSON. */
const ROOT = 'kernels';

const folder = async (create: boolean) => (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create });

export const keptTimings: TimingStore = {
  async read(key) {
    try {
      const file = await (await (await folder(false)).getFileHandle(key)).getFile();
      return JSON.parse(await file.text()) as unknown;
    } catch {
      // Not there, or cut off: timed again.
      return null;
    }
  },
  async write(key, timed) {
    try {
      const file = await (await folder(true)).getFileHandle(key, { create: true });
      const writable = await file.createWritable();
      await writable.write(JSON.stringify(timed));
      await writable.close();
    } catch {
      // The disk is full, or the window keeps nothing.
    }
  },
};

import { storeError } from './opfs';

/** Scratch folders in OPFS where an export is written piece by piece before it is saved or sent: `exports/<id>/...`. */
const ROOT = 'exports';

export interface ExportFolder {
  id: string;
  /** Opens a file for appending; nested names ("onnx/model.onnx") make folders. */
  open(name: string): Promise<{ append(data: Uint8Array<ArrayBuffer>): Promise<void>; close(): Promise<void> }>;
}

const root = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true });

export async function createExport(): Promise<ExportFolder> {
  const id = crypto.randomUUID();
  const folder = await (await root()).getDirectoryHandle(id, { create: true });
  return {
    id,
    async open(name) {
      const parts = name.split('/');
      const file = parts.pop() as string;
      let directory = folder;
      for (const part of parts) directory = await directory.getDirectoryHandle(part, { create: true });
      const writable = await (await directory.getFileHandle(file, { create: true })).createWritable();
      return {
        async append(data) {
          try {
            await writable.write(data);
          } catch (cause) {
            throw storeError(cause);
          }
        },
        close: () => writable.close(),
      };
    },
  };
}

/** Files of an export by their path; reading them does not load them. */
export async function exportFiles(id: string): Promise<{ path: string; file: File }[]> {
  const out: { path: string; file: File }[] = [];
  const walk = async (directory: FileSystemDirectoryHandle, prefix: string) => {
    for await (const entry of directory.values())
      if (entry.kind === 'directory') await walk(entry, `${prefix}${entry.name}/`);
      else out.push({ path: prefix + entry.name, file: await entry.getFile() });
  };
  await walk(await (await root()).getDirectoryHandle(id), '');
  return out;
}

export const removeExport = async (id: string) => (await root()).removeEntry(id, { recursive: true });

/** Removes what interrupted exports left. */
export const removeAllExports = async () =>
  (await navigator.storage.getDirectory()).removeEntry(ROOT, { recursive: true }).catch(() => undefined);

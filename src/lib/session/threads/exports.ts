import { exportFiles, removeExport } from '../../store/exports';

/** Hands the files that a thread wrote into a folder to `take`, then removes them, also where it fails. */
export async function takeExport<T>(
  id: string,
  take: (files: readonly { path: string; file: File }[]) => Promise<T>,
): Promise<T> {
  try {
    return await take(await exportFiles(id));
  } finally {
    await removeExport(id).catch(() => undefined);
  }
}

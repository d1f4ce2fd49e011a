/** Everything in a folder that was dropped; a listing hands its entries out in parts. */
async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile)
    return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return files;
    for (const inner of part) files.push(...(await filesOf(inner)));
  }
}

/**
 * Files that were dropped, those in dropped folders among them. Call it within the event: the browser forgets what was
 * dropped afterwards.
 */
export async function droppedFiles(transfer: Pick<DataTransfer, 'items' | 'files'>): Promise<File[]> {
  const files = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  if (entries.length === 0 || entries.includes(null)) return files;
  const found = await Promise.all(entries.map((entry) => filesOf(entry as FileSystemEntry)));
  return found.flat();
}

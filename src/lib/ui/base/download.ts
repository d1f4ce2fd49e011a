import type { Sink } from '../../state/export/export-variant.svelte';

/** Hands a file to the user. */
export function saveFile(name: string, content: Blob | string, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; revoking at once would cancel it in some browsers.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Lets the page do what else it has to before a long file goes on. */
export const nextTask = () => new Promise<void>((done) => setTimeout(done));

/**
 * JSON of a record that has a further key with a list: an item a line, each written in a task of its own, so that the
 * page does not block where they are large.
 */
export async function jsonWithList(record: object, key: string, items: readonly unknown[]): Promise<Blob> {
  const parts: (string | Blob)[] = [`${JSON.stringify(record, null, 1).slice(0, -2)},\n ${JSON.stringify(key)}: [`];
  for (const [i, item] of items.entries()) {
    parts.push(new Blob([`${i > 0 ? ',' : ''}\n  ${JSON.stringify(item)}`]));
    await nextTask();
  }
  return new Blob([...parts, '\n ]\n}\n'], { type: 'application/json' });
}

/** `joulewise-2026-11-23.csv`, from a date that may be no date. */
export const fileName = (iso: string, extension: string) => {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(iso)?.[0];
  return `joulewise${day ? `-${day}` : ''}.${extension}`;
};

type SavePicker = (o: { suggestedName: string }) => Promise<FileSystemFileHandle>;

/** Where a long file goes: straight to disk where the browser asks for a place, else a download; null where the user declines. */
export async function openSink(name: string): Promise<Sink | null> {
  const picker = (window as { showSaveFilePicker?: SavePicker }).showSaveFilePicker;
  if (!picker) return { name, take: async (zip) => saveFile(name, await new Response(zip).blob(), 'application/zip') };
  try {
    const handle = await picker({ suggestedName: name });
    return { name: handle.name, take: async (zip) => zip.pipeTo(await handle.createWritable()) };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    throw error;
  }
}

import { openCheckpoint } from '../checkpoint/checkpoint';
import { blobSource, httpSource, type ByteSource, type FileSet } from '../checkpoint/source';
import { JoulewiseError, quote } from '../core/errors';
import { generateDataset } from '../data/generator';
import { importDataset, previewTable } from '../data/import';
import type { ImportSource } from '../data/text-stream';
import { storeCheckpoint } from '../store/opfs';
import type { DataApi, FileRef } from './protocol';
import { serve } from './rpc';

/** Files in, records out: parsing, redaction, duplicates and storing run here, off the page's thread. */

const missing = (name: string) =>
  new JoulewiseError('input.unreadable', `${quote(name)} could not be read. Check that it is there and try again.`);

async function importSource(file: FileRef): Promise<ImportSource> {
  const blob =
    file.kind === 'blob'
      ? file.blob
      : await (await fetch(file.url)).blob().catch(() => Promise.reject(missing(file.name)));
  return { name: file.name, size: blob.size, stream: () => blob.stream() };
}

async function byteSource(file: FileRef): Promise<ByteSource> {
  const source = file.kind === 'blob' ? blobSource(file.name, file.blob) : await httpSource(file.name, file.url);
  if (!source) throw missing(file.name);
  return source;
}

serve<DataApi>({
  preview: async (file) => previewTable(await importSource(file)),
  import: async ({ file, mapping, redact, seed }, { emit, signal }) =>
    importDataset(await importSource(file), {
      ...(mapping ? { mapping } : {}),
      redact,
      seed,
      signal,
      onProgress: (rows, bytes) => emit({ rows, bytes }),
    }),
  generate: (options) => generateDataset(options),
  async storeCheckpoint({ name, files }, { emit, signal }) {
    const sources = await Promise.all(files.map(byteSource));
    const set: FileSet = {
      name,
      list: () => Promise.resolve(sources.map((s) => s.name)),
      open: (file) => Promise.resolve(sources.find((s) => s.name === file) ?? null),
    };
    // A file that is damaged or of an unknown kind is refused before it takes room.
    await openCheckpoint(set);
    const hash = await storeCheckpoint(sources, (bytes, of) => emit({ bytes, of }), signal);
    return { kind: 'stored', name, hash };
  },
});

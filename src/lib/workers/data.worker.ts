import { openCheckpoint } from '../checkpoint/checkpoint';
import { blobSource, httpSource, hubFileSet, readJson, type ByteSource, type FileSet } from '../checkpoint/source';
import { JoulewiseError, quote } from '../core/errors';
import { generateDataset } from '../data/generator';
import { importDataset, previewTable } from '../data/import';
import type { ImportSource } from '../data/text-stream';
import { summarise } from '../plan/summary';
import { HUB_DTYPES, hubDtype } from '../run/hub';
import type { CheckpointRef } from '../schema/plan';
import { changePlan, getPlan, runsOfPlan } from '../store/db';
import { openStored, storeCheckpoint } from '../store/opfs';
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
  async summarise({ hashes }, { emit, signal }) {
    for (const hash of hashes) {
      const stored = signal.aborted ? null : await getPlan(hash);
      if (!stored) continue;
      const summary = summarise(stored.plan, hash, await runsOfPlan(hash));
      await changePlan(hash, { summary });
      emit({ hash, summary });
    }
  },
  describe: async ({ hash, name }) => (await openCheckpoint(await openStored(hash, name))).config,
  async storeCheckpoint({ name, files }, { emit, signal }) {
    const set = sourceSet(name, await Promise.all(files.map(byteSource)));
    return keep(set, emit, signal);
  },
  async storeHub({ repo, revision, base, exports }, { emit, signal }) {
    const hub = hubFileSet(repo, revision, base);
    const wanted = exports ? exports.flatMap(exportFiles) : await weightFiles(hub);
    const sources: ByteSource[] = [];
    for (const name of [...TEXT_FILES, ...wanted]) {
      const source = await hub.open(name);
      if (source) sources.push(source);
    }
    if (sources.length === 0)
      throw new JoulewiseError(
        'input.unreadable',
        `The Hub has no repository ${quote(repo)} at ${quote(revision)}, or it is not public.`,
      );
    return keep(sourceSet(repo, sources), emit, signal);
  },
});

const TEXT_FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
];

/** External data of one export: the Hub's files end at 2 GiB, so large ones come in a few pieces. */
const exportFiles = (name: string) => {
  const { suffix } = HUB_DTYPES[hubDtype(name)];
  const onnx = `onnx/model${suffix}.onnx`;
  return [onnx, `${onnx}_data`, `${onnx}_data_1`, `${onnx}_data_2`];
};

async function weightFiles(hub: FileSet): Promise<string[]> {
  const index = await hub.open(INDEX);
  if (!index) return ['model.safetensors'];
  const map = (await readJson(index))['weight_map'];
  return [INDEX, ...new Set(Object.values((map ?? {}) as Record<string, unknown>).map(String))];
}
const INDEX = 'model.safetensors.index.json';

function sourceSet(name: string, sources: ByteSource[]): FileSet & { sources: ByteSource[] } {
  return {
    name,
    sources,
    list: () => Promise.resolve(sources.map((s) => s.name)),
    open: (file) => Promise.resolve(sources.find((s) => s.name === file) ?? null),
  };
}

/** Checks that the files are a checkpoint or a ready-made export, then stores them. */
async function keep(
  set: FileSet & { sources: ByteSource[] },
  emit: (p: { bytes: number; of: number }) => void,
  signal: AbortSignal,
): Promise<CheckpointRef> {
  // A file that is damaged or of an unknown kind is refused before it takes room.
  if (!set.sources.some((s) => s.name.endsWith('.onnx'))) await openCheckpoint(set);
  const hash = await storeCheckpoint(set.sources, (bytes, of) => emit({ bytes, of }), signal);
  return { kind: 'stored', name: set.name, hash };
}

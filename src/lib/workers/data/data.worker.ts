import { openCheckpoint } from '../../checkpoint/checkpoint';
import { hubListing } from '../../checkpoint/hub';
import { blobSource, httpSource, hubFileSet, readJson, type ByteSource, type FileSet } from '../../checkpoint/source';
import { JoulewiseError, quote } from '../../core/errors';
import { generateDataset } from '../../data/generator';
import { importDataset, previewRedaction, previewTable, type ImportReport } from '../../data/import';
import { summaryOf } from '../../data/summary';
import type { ImportSource } from '../../data/text-stream';
import { summarise } from '../../plan/summary';
import { foldRuns } from '../../rank/fold';
import type { DatasetRecord } from '../../schema/dataset';
import type { RunRecord } from '../../schema/run';
import { HUB_DTYPES, hubDtype } from '../../engine/hub';
import { exportArchive, importArchive } from '../../store/archive';
import { getDataset, saveDataset, testTicket } from '../../store/datasets';
import { changePlan, getPlan, runsOfPlan } from '../../store/db';
import { downloadCheckpoint, type RemoteFile } from '../../store/download';
import { openStored, storeCheckpoint } from '../../store/opfs';
import type { DataApi, FileRef } from './protocol';
import { serve } from '../../core/rpc';
import { pick } from '../../data/give';

/** Files in, records out: parsing, redaction, duplicates and storing run here, off the page's thread. */

const missing = (name: string) =>
  new JoulewiseError('input.unreadable', `${quote(name)} could not be read. Check that it is there and try again.`);

/** A file from an address; what is no file there (an error page) is not taken for one. */
async function fetched({ name, url }: FileRef & { kind: 'url' }): Promise<Blob> {
  const response = await fetch(url).catch(() => null);
  if (!response?.ok)
    throw new JoulewiseError(
      'network.failed',
      `${quote(name)} could not be fetched from ${new URL(url, self.location.href).host} (${response ? `status ${response.status}` : 'no answer'}). Check the connection and try again.`,
    );
  return response.blob();
}

async function importSource(file: FileRef): Promise<ImportSource> {
  const blob = file.kind === 'blob' ? file.blob : await fetched(file);
  return {
    name: file.name,
    size: blob.size,
    stream: () => blob.stream(),
    slice: (start, end) => blob.slice(start, end).arrayBuffer(),
  };
}

async function byteSource(file: FileRef): Promise<ByteSource> {
  const source = file.kind === 'blob' ? blobSource(file.name, file.blob) : await httpSource(file.name, file.url);
  if (!source) throw missing(file.name);
  return source;
}

/** The dataset that this thread holds, and what its import said. */
let held: { dataset: DatasetRecord; report: ImportReport | null } | null = null;

function hold(dataset: DatasetRecord, report: ImportReport | null = null) {
  held = { dataset, report };
  return summaryOf(dataset);
}

function holding() {
  if (!held) throw new JoulewiseError('internal', 'This thread holds no tickets.');
  return held;
}

/** Runs that this thread was told, by id. */
const told = new Map<string, RunRecord>();

serve<DataApi>({
  preview: async ({ file, ...options }) => previewTable(await importSource(file), options),
  previewRedaction: async ({ file, ...options }, { signal }) =>
    previewRedaction(await importSource(file), { ...options, signal }),
  async import({ file, mapping, causeNames, licence, redaction, people, ...reading }, { emit, signal }) {
    const { dataset, report } = await importDataset(await importSource(file), {
      ...reading,
      ...(mapping ? { mapping } : {}),
      ...(causeNames ? { causeNames } : {}),
      ...(licence ? { licence } : {}),
      ...(redaction ? { redaction } : {}),
      ...(people ? { people } : {}),
      signal,
      onProgress: (rows) => emit({ rows }),
    });
    const { classes: _, ...said } = report;
    return { dataset: hold(dataset, report), report: said };
  },
  generate: async (options) => hold(await generateDataset(options)),
  async open({ hash, name }) {
    const dataset = await getDataset(hash);
    if (!dataset)
      throw new JoulewiseError(
        'store.unavailable',
        `The tickets ${quote(name)} are no longer stored here. Import them again and run a new experiment.`,
      );
    return hold(dataset);
  },
  keep: () => saveDataset(holding().dataset),
  give({ port, wanted }) {
    port.postMessage(pick(holding().dataset, wanted));
    return Promise.resolve();
  },
  whole: () => Promise.resolve(holding()),
  testTicket: ({ hash, nth }) => testTicket(hash, nth),
  exportArchive: () => exportArchive(),
  importArchive: ({ file }) => importArchive(file),
  async summarise({ hashes }, { emit, signal }) {
    for (const hash of hashes) {
      const stored = signal.aborted ? null : await getPlan(hash);
      if (!stored) continue;
      const summary = summarise(stored.plan, hash, await runsOfPlan(hash));
      await changePlan(hash, { summary });
      emit({ hash, summary });
    }
  },
  fold({ add, ids, plan }) {
    for (const run of add) told.set(run.id, run);
    return Promise.resolve(
      foldRuns(
        ids.flatMap((id) => told.get(id) ?? []),
        plan,
      ),
    );
  },
  async foldStored({ hash }) {
    const runs = await runsOfPlan(hash);
    return { folded: foldRuns(runs, (await getPlan(hash))?.plan), runs: runs.map(({ tickets: _, ...head }) => head) };
  },
  describe: async ({ hash, name }) => (await openCheckpoint(await openStored(hash, name))).config,
  async storeCheckpoint({ name, files }, { emit, signal }) {
    const set = sourceSet(name, await Promise.all(files.map(byteSource)));
    // What is refused takes no room.
    await isModel(set);
    const hash = await storeCheckpoint(set.sources, (bytes, of) => emit({ bytes, of }), signal);
    return { kind: 'stored', name, hash };
  },
  async storeHub({ repo, revision, base, exports }, { emit, signal }) {
    const listing = await hubListing(repo, revision, base);
    // A moving branch may change under a download that goes on later: the commit does not.
    const commit = listing?.commit ?? revision;
    const hub = hubFileSet(repo, commit, base);
    const names = [...TEXT_FILES, ...(exports ? exports.flatMap(exportFiles) : await weightFiles(hub))];
    const files: RemoteFile[] = [];
    for (const name of names) {
      const listed = listing?.files.find((f) => f.name === name);
      // Without a listing a file is asked for: a mirror says no more than whether it is there.
      const length = listing ? null : ((await hub.open(name))?.byteLength ?? null);
      if (listed) files.push({ ...listed, url: hub.address(name) });
      else if (length !== null) files.push({ name, bytes: length, sha256: null, url: hub.address(name) });
    }
    if (files.length === 0)
      throw new JoulewiseError(
        'input.unreadable',
        `The Hub has no repository ${quote(repo)} at ${quote(revision)} with the files that are needed, or it is not public.`,
      );
    const key = `${base}/${repo}@${commit}:${files.map((f) => f.name).join()}`;
    const hash = await downloadCheckpoint(key, files, { name: repo, check: isModel, onProgress: emit, signal });
    return { kind: 'stored', name: repo, hash };
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

/** Refuses a damaged or unknown checkpoint; ready-made exports are opened by their library only. */
async function isModel(set: FileSet): Promise<void> {
  if (!(await set.list())?.some((name) => name.endsWith('.onnx'))) await openCheckpoint(set);
}

import { JoulewiseError } from '../core/errors';
import { Dataset } from '../schema/dataset';
import { Plan } from '../schema/plan';
import { parseRecord } from '../schema/record';
import { Run } from '../schema/run';
import { getDataset, listSummaries, saveDataset } from './datasets';
import { listPlans, runsOfPlan, savePlan, saveRun, type StoredPlan } from './db';

/**
 * Everything in one file: gzipped JSON lines, a header and then one record a line. Weights are not in it (they are
 * named by hash in every record and come again from where they came).
 */
const HEADER = { joulewise: 'archive', v: 1 };
/** Inflated size that is still read. */
const MAX_BYTES = 2 ** 30;

export async function exportArchive(): Promise<Blob> {
  const lines: string[] = [];
  const push = (line: unknown) => lines.push(`${JSON.stringify(line)}\n`);
  push(HEADER);
  for (const { hash } of await listSummaries()) {
    const dataset = await getDataset(hash);
    if (dataset) push({ kind: 'dataset', record: dataset });
  }
  for await (const rows of listPlans())
    for (const { stored } of rows) {
      push({ kind: 'plan', record: stored });
      for (const run of await runsOfPlan(stored.hash)) push({ kind: 'run', record: run });
    }
  const text = new Blob(lines);
  return new Response(text.stream().pipeThrough(new CompressionStream('gzip'))).blob();
}

/** Validates a record now; the returned function writes it. */
const KINDS: Record<string, (record: unknown) => () => Promise<unknown>> = {
  dataset: (r) => {
    const dataset = parseRecord(Dataset, r);
    return () => saveDataset(dataset);
  },
  plan: (r) => {
    const { hash, name, note, createdAt, plan: record } = (r ?? {}) as Partial<StoredPlan>;
    const plan = parseRecord(Plan, record);
    if (typeof hash !== 'string' || typeof name !== 'string' || typeof createdAt !== 'string')
      throw new JoulewiseError('record.invalid', 'A plan in this archive has no name, hash or date.');
    // Archives of older versions have no notes; a summary is made again.
    return () => savePlan({ hash, name, note: typeof note === 'string' ? note : '', createdAt, plan, summary: null });
  },
  run: (r) => {
    const run = parseRecord(Run, r);
    return () => saveRun(run);
  },
};

/** Adds what the file holds to what is here. Nothing is written unless every record is valid. */
export async function importArchive(file: Blob): Promise<{ records: number }> {
  const bad = (why: string, cause?: unknown) =>
    new JoulewiseError(
      'input.format',
      `This is not a Joulewise archive: ${why}. Choose a file that "Export everything" made.`,
      { cause },
    );
  let size = 0;
  const cap = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > MAX_BYTES) controller.error(bad('it inflates to more than 1 GiB'));
      else controller.enqueue(chunk);
    },
  });
  let lines: unknown[];
  try {
    const text = await new Response(file.stream().pipeThrough(new DecompressionStream('gzip')).pipeThrough(cap)).text();
    lines = text
      .split('\n')
      .filter(Boolean)
      .map((line): unknown => JSON.parse(line));
  } catch (cause) {
    throw cause instanceof JoulewiseError ? cause : bad('it is damaged', cause);
  }
  const [header, ...rows] = lines as [Partial<typeof HEADER>?, ...({ kind?: string; record?: unknown } | null)[]];
  if (header?.joulewise !== 'archive') throw bad('its first line does not say so');
  if (header.v !== HEADER.v) throw new JoulewiseError('record.newer', 'This archive was written by a newer Joulewise.');
  const writes = rows.map((line) => {
    const { kind, record } = line ?? {};
    const row = typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (!row) throw bad(`it holds a record of kind "${String(kind).slice(0, 40)}"`);
    return row(record);
  });
  for (const write of writes) await write();
  return { records: rows.length };
}

import type { Page } from 'playwright';
import { between, exampleOutcome, exampleRun } from '../../src/lib/rank/example';
import type { DatasetRecord } from '../../src/lib/schema/dataset';
import { DEFAULT_MARGIN } from '../../src/lib/schema/defaults';
import type { RunRecord } from '../../src/lib/schema/run';

/** Experiments put into a browser's store, where running them would take too long. */

const WORDS =
  'site mast power failure battery alarm fibre cut splice crew depot generator brought link hub rack replaced'.split(
    ' ',
  );
const words = (seed: number, n: number) =>
  Array.from({ length: n }, (_, i) => WORDS[(seed * 7 + i * 13 + seed * i) % WORDS.length]).join(' ');

/** As the first version wrote plans: the same tickets, `repeats` times. The app lifts them when it reads them. */
const plan = {
  v: 1,
  dataset: { hash: 'd', name: 'tickets' },
  checkpoint: { kind: 'builtin' },
  tasks: ['rca', 'response'],
  stages: [{ kind: 'variants', variants: ['fp16'] }],
  baseline: false,
  engine: 'cpu',
  threads: null,
  limit: 10,
  repeats: 1,
  maxNewTokens: 16,
  seed: 1,
  w: 0.5,
  profile: null,
};

/** In the page, before anything of ours has opened it: the store as its second version was, which the app then lifts. */
async function open(): Promise<IDBDatabase> {
  return new Promise((done) => {
    const request = indexedDB.open('joulewise', 2);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('datasets', { keyPath: 'hash' });
      request.result.createObjectStore('plans', { keyPath: 'hash' }).createIndex('createdAt', 'createdAt');
      request.result.createObjectStore('runs', { keyPath: 'id' }).createIndex('plan', 'plan');
    };
    request.onsuccess = () => done(request.result);
  });
}

interface Kept {
  plans: Record<string, unknown>[];
  runs: RunRecord[];
  /** Whole, as that version kept them. */
  datasets?: DatasetRecord[];
}

/** On a page of the site whose store is empty. */
export async function put(page: Page, kept: Kept): Promise<void> {
  await page.evaluate(`(async ({ plans, runs, datasets = [] }) => {
    ${open.toString()}
    const db = await open();
    const tx = db.transaction(['plans', 'runs', 'datasets'], 'readwrite');
    for (const dataset of datasets) tx.objectStore('datasets').put(dataset);
    for (const plan of plans) tx.objectStore('plans').put(plan);
    for (const run of runs) tx.objectStore('runs').put(run);
    await new Promise((done) => (tx.oncomplete = done));
    db.close();
  })(${JSON.stringify(kept)})`);
}

/** Tickets that an earlier version kept. */
export const putDataset = (page: Page, dataset: DatasetRecord): Promise<void> =>
  put(page, { plans: [], runs: [], datasets: [dataset] });

/** Experiments of one run each, a minute apart. */
export const putMany = (page: Page, count: number): Promise<void> =>
  put(page, {
    plans: Array.from({ length: count }, (_, i) => ({
      hash: `p${i}`,
      plan: { ...plan, tasks: ['rca'] },
      name: `Experiment ${i} of the northern region`,
      note: '',
      createdAt: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString(),
      summary: null,
    })),
    runs: Array.from({ length: count }, (_, i) => ({ ...exampleRun(), plan: `p${i}`, id: `p${i}/0/rca/fp16/0` })),
  });

const METRICS = { rca: ['accuracy', 'macroF1'], response: ['rougeL', 'chrf'] } as const;

/** One experiment of many tickets, variants and slices, each of tickets of its own. */
export async function putLarge(page: Page, size: { variants: number; tickets: number; slices: number }) {
  const variants = Array.from({ length: size.variants }, (_, i) => {
    const precision = ['fp32', 'fp16', 'int8', 'int4'][i % 4] as string;
    return i < 4 ? precision : `${precision}+ffn${5 * i}`;
  });
  const runs = variants.flatMap((variant, v) =>
    (['rca', 'response'] as const).flatMap((task) =>
      Array.from({ length: size.slices }, (_, slice) =>
        exampleRun({
          id: `large/0/${task}/${variant}/${slice}`,
          plan: 'large',
          variant,
          task,
          slice,
          block: slice,
          metrics: Object.fromEntries(METRICS[task].map((name) => [name, between(0.4, 0.5, 0.6)])),
          causes: Array.from({ length: 8 }, (_, i) => `cause ${i}`),
          tickets: Array.from(
            { length: size.tickets / size.slices },
            (_, n) => slice * (size.tickets / size.slices) + n,
          ).map((i) =>
            task === 'rca'
              ? exampleOutcome(`t${i}`, `cause ${i % 8}`, `cause ${(i * (v + 1)) % 8}`)
              : exampleOutcome(`t${i}`, words(i, 30), words(i + (i % 3 ? 0 : v), 30)),
          ),
        }),
      ),
    ),
  );
  const { repeats: _, ...rest } = plan;
  const own = {
    ...rest,
    v: 3,
    stages: [{ kind: 'variants', variants }],
    limit: size.tickets,
    slices: size.slices,
    margin: DEFAULT_MARGIN,
  };
  const createdAt = '2026-01-01T00:00:00Z';
  await put(page, {
    plans: [{ hash: 'large', plan: own, name: 'A large experiment', note: '', createdAt, summary: null }],
    runs,
  });
}

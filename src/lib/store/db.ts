import { deleteDB, openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from 'idb';
import { safeParse } from 'valibot';
import { JoulewiseError } from '../core/errors';
import type { PlanSummary } from '../plan/summary';
import { Dataset, type DatasetSummaryRecord, type TicketPieceRecord } from '../schema/dataset';
import { Plan, type PlanRecord } from '../schema/plan';
import { parseRecord } from '../schema/record';
import { Run, type RunRecord } from '../schema/run';
import { storeError } from './opfs';
import { partsOf, type DatasetHead } from './parts';
import { DATABASE } from './present';

/** A plan with what a list of experiments shows. */
export interface StoredPlan {
  hash: string;
  plan: PlanRecord;
  name: string;
  /** The user's own words on it; empty where there are none. */
  note: string;
  createdAt: string;
  /** Null until somebody asked for it. */
  summary: PlanSummary | null;
}

export interface Schema extends DBSchema {
  /** What lists show of each dataset. */
  summaries: { key: string; value: DatasetSummaryRecord };
  datasets: { key: string; value: DatasetHead };
  tickets: { key: [dataset: string, at: number]; value: TicketPieceRecord };
  plans: { key: string; value: StoredPlan; indexes: { createdAt: string } };
  runs: { key: string; value: RunRecord; indexes: { plan: string } };
  /** Plans that some tab began to run and has not ended. */
  running: { key: string; value: { hash: string } };
  /** What this browser keeps beside records, by a name: the set-up on the cards, names of devices. */
  kept: { key: string; value: unknown };
}

const VERSION = 5;

type Upgrade = IDBPTransaction<Schema, StoreNames<Schema>[], 'versionchange'>;

/**
 * Each step lifts the database by one version: step k is applied when an older browser profile has version k.
 * Records inside carry their own versions and are upgraded when read.
 */
const STEPS: readonly ((db: IDBPDatabase<Schema>, tx: Upgrade) => void | Promise<void>)[] = [
  (db) => {
    db.createObjectStore('datasets', { keyPath: 'hash' });
    db.createObjectStore('plans', { keyPath: 'hash' }).createIndex('createdAt', 'createdAt');
    db.createObjectStore('runs', { keyPath: 'id' }).createIndex('plan', 'plan');
  },
  // Experiments carry notes, and what a list shows of them.
  async (_, tx) => {
    for await (const cursor of tx.objectStore('plans'))
      await cursor.update({ ...cursor.value, note: '', summary: null });
  },
  // Tickets lie apart from what lists show of them. A damaged record stays as it is, and is refused when it is asked for.
  async (db, tx) => {
    db.createObjectStore('summaries', { keyPath: 'hash' });
    db.createObjectStore('tickets', { keyPath: ['dataset', 'at'] });
    for await (const cursor of tx.objectStore('datasets')) {
      const { success, output } = safeParse(Dataset.schema, cursor.value);
      if (!success) continue;
      const { summary, head, pieces } = partsOf(output);
      for (const piece of pieces) await tx.objectStore('tickets').put(piece);
      await tx.objectStore('summaries').put(summary);
      await cursor.update(head);
    }
  },
  (db) => {
    db.createObjectStore('running', { keyPath: 'hash' });
  },
  (db) => {
    db.createObjectStore('kept');
  },
];

let opened: Promise<IDBPDatabase<Schema>> | null = null;

/**
 * Chrome never answers a request to open that comes while the site's data is being cleared (156: 3 of 23 then), and a later
 * one at once: after so long it is asked again. The last request has all the time that it takes.
 */
const ASKED_AGAIN_MS = [3000, 6000, 12_000] as const;

/** The database of the first request that is answered; others that are answered later are closed. */
async function open(): Promise<IDBPDatabase<Schema>> {
  for (const ms of ASKED_AGAIN_MS) {
    const request = ask();
    const db = await Promise.race([request.db, silence(ms, request.waits)]);
    if (db) return db;
    void request.db.then(
      (late) => late.close(),
      () => undefined,
    );
  }
  return ask().db;
}

/** Null after so long, unless an upgrade or another tab is what it waits for. */
const silence = (ms: number, waits: () => boolean) =>
  new Promise<null>((resolve) => {
    setTimeout(() => {
      if (!waits()) resolve(null);
    }, ms);
  });

/** Blocked storage throws at once in some browsers, and later in others: both fail the promise. */
function ask() {
  /** Why an upgrade stopped; the browser itself says only that it did. */
  let fault: unknown = null;
  let waits = false;
  const upgraded = openDB<Schema>(DATABASE, VERSION, {
    upgrade(db, from, _, tx) {
      waits = true;
      // That it failed is told by opening, which fails with it.
      tx.done.catch(() => undefined);
      for (const step of STEPS.slice(from))
        void (async () => step(db, tx))().catch((cause: unknown) => {
          fault ??= cause;
          // What failed may have ended it already.
          try {
            tx.abort();
          } catch {
            return;
          }
        });
    },
    blocked() {
      waits = true;
    },
    // A newer tab wants to upgrade: let it, and open again when next asked.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      opened = null;
    },
    terminated() {
      opened = null;
    },
  });
  return {
    db: upgraded.catch((cause: unknown) => {
      throw fault === null ? cause : storeError(fault);
    }),
    /** Whether it is known what it waits for. */
    waits: () => waits,
  };
}

export function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= open().catch((cause: unknown) => {
    opened = null;
    if (cause instanceof JoulewiseError) throw cause;
    throw new JoulewiseError(
      'store.unavailable',
      cause instanceof DOMException && cause.name === 'VersionError'
        ? 'The results here were written by a newer Joulewise. Reload the page to get it.'
        : 'This window cannot keep results (a private window, or storage is blocked). Open Joulewise in a normal window.',
      { cause },
    );
  });
  return opened;
}

/** Runs a write; a full disk becomes a sentence. */
export async function write<T>(work: (db: IDBPDatabase<Schema>) => Promise<T>): Promise<T> {
  const db = await database();
  try {
    return await work(db);
  } catch (cause) {
    throw storeError(cause);
  }
}

export const savePlan = (plan: StoredPlan) => write((db) => db.put('plans', plan));

/** Puts a record on disk before it returns. */
const keepStrictly = <Name extends 'runs' | 'running'>(name: Name, record: Schema[Name]['value']) =>
  write(async (db) => {
    const tx = db.transaction(name, 'readwrite', { durability: 'strict' });
    await tx.store.put(record);
    await tx.done;
  });

/** A killed tab loses no finished run. */
export const saveRun = (run: RunRecord) => keepStrictly('runs', run);

/** Before the first run begins: a browser killed a moment later still knows what it ran. */
export const markRunning = (hash: string) => keepStrictly('running', { hash });

export const markEnded = (hash: string) => write((db) => db.delete('running', hash));

/** What is kept under a name; undefined where there is nothing. Who asks checks its form. */
export const getKept = async (name: string): Promise<unknown> => (await database()).get('kept', name);
export const putKept = (name: string, value: unknown) => write((db) => db.put('kept', value, name));

/** Plans marked as running: in a tab that is open, or in one that was closed. */
export const markedRunning = async () => (await database()).getAllKeys('running');

const checked = (row: StoredPlan): StoredPlan => ({ ...row, plan: parseRecord(Plan, row.plan) });

/** Rows, and keys of runs, read at a time: few enough that a page stays responsive while thousands are listed. */
const LIST_CHUNK = 100;
const KEY_CHUNK = 2000;

/**
 * How many runs of each plan are stored. A run's id begins with its plan's hash, so a few lists of keys tell; a request
 * for each plan would cost the page's thread ten times as much.
 */
async function countRuns(db: IDBPDatabase<Schema>): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let last: string | undefined; ;) {
    const keys: string[] = await db.getAllKeys(
      'runs',
      last === undefined ? null : IDBKeyRange.lowerBound(last, true),
      KEY_CHUNK,
    );
    for (const key of keys) {
      const plan = key.slice(0, key.indexOf('/'));
      counts.set(plan, (counts.get(plan) ?? 0) + 1);
    }
    last = keys.at(-1);
    if (last === undefined || keys.length < KEY_CHUNK) return counts;
  }
}

/** Plans with the number of their stored runs, newest first, a few at a time; `limit` ends the list early. */
export async function* listPlans(limit = Infinity): AsyncGenerator<{ stored: StoredPlan; runs: number }[]> {
  const db = await database();
  const counts = limit > LIST_CHUNK ? await countRuns(db) : null;
  const step = Math.max(2, Math.min(limit, LIST_CHUNK));
  let left = limit;
  for (let before: string | null = null; left > 0;) {
    const tx = db.transaction(['plans', 'runs']);
    const index = tx.objectStore('plans').index('createdAt');
    const newest = await index.openKeyCursor(before === null ? null : IDBKeyRange.upperBound(before, true), 'prev');
    if (!newest) return;
    const { key } = newest;
    // Those of one moment stay together, so that none is listed twice or left out.
    const oldest = await newest.advance(step - 1);
    const range = oldest ? IDBKeyRange.bound(oldest.key, key) : IDBKeyRange.upperBound(key);
    const rows = (await index.getAll(range)).reverse().slice(0, left);
    const runs = counts
      ? rows.map(({ hash }) => counts.get(hash) ?? 0)
      : await Promise.all(rows.map(({ hash }) => tx.objectStore('runs').index('plan').count(hash)));
    yield rows.map((row, i) => ({ stored: checked(row), runs: runs[i] as number }));
    left -= rows.length;
    if (!oldest) return;
    before = oldest.key;
  }
}

export async function getPlan(hash: string): Promise<StoredPlan | null> {
  const row = await (await database()).get('plans', hash);
  return row ? checked(row) : null;
}

/** Changes what is said of a plan, never what it runs. Nothing happens where it is gone. */
export const changePlan = (hash: string, change: Partial<Pick<StoredPlan, 'name' | 'note' | 'summary'>>) =>
  write(async (db) => {
    const tx = db.transaction('plans', 'readwrite');
    const row = await tx.store.get(hash);
    if (row) await tx.store.put({ ...row, ...change });
    await tx.done;
  });

/** One after the other: those of hundreds of tickets, read at once, would block a page. */
export async function runsOfPlan(hash: string): Promise<RunRecord[]> {
  const db = await database();
  const runs: RunRecord[] = [];
  for (const id of await db.getAllKeysFromIndex('runs', 'plan', hash)) {
    const run = await db.get('runs', id);
    if (run) runs.push(parseRecord(Run, run));
  }
  return runs;
}

export async function getRun(id: string): Promise<RunRecord | null> {
  const run = await (await database()).get('runs', id);
  return run ? parseRecord(Run, run) : null;
}

/** Ids of stored runs of plans whose hash begins so. */
export const runIdsFrom = async (prefix: string): Promise<string[]> =>
  (await database()).getAllKeys('runs', IDBKeyRange.bound(prefix, `${prefix}\uffff`));

/** Readings for a stored run; `startedAt` tells that it is still the one that they are of. */
export type NewReadings = Pick<RunRecord, 'id' | 'plan' | 'startedAt' | 'phases'>;

/** Gives stored runs other readings: all of them, or none. What lists show of their plans is found anew. */
export const replaceReadings = (changes: readonly NewReadings[]) =>
  write(async (db) => {
    const tx = db.transaction(['runs', 'plans'], 'readwrite', { durability: 'strict' });
    const [runs, plans] = [tx.objectStore('runs'), tx.objectStore('plans')];
    const changed: RunRecord[] = [];
    // Everything is read and checked before the first write: what fails leaves all as it was.
    for (const { id, startedAt, phases } of changes) {
      const run = await runs.get(id);
      if (run?.startedAt !== startedAt)
        throw new JoulewiseError('store.busy', 'A run was changed in another tab meanwhile. Try again.');
      changed.push(parseRecord(Run, { ...parseRecord(Run, run), phases }));
    }
    for (const run of changed) await runs.put(run);
    for (const hash of new Set(changes.map(({ plan }) => plan))) {
      const row = await plans.get(hash);
      if (row) await plans.put({ ...row, summary: null });
    }
    await tx.done;
  });

/** A plan with its runs, as they were taken out of the store. */
export interface RemovedPlan {
  stored: StoredPlan;
  runs: RunRecord[];
}

/** Deletes a plan with its runs, and hands them over, so that it can be undone; null where it is gone already. */
export const removePlan = (hash: string) =>
  write(async (db): Promise<RemovedPlan | null> => {
    const tx = db.transaction(['plans', 'runs', 'running'], 'readwrite');
    const [plans, runs] = [tx.objectStore('plans'), tx.objectStore('runs')];
    const [stored, own] = [await plans.get(hash), await runs.index('plan').getAll(hash)];
    await plans.delete(hash);
    await tx.objectStore('running').delete(hash);
    for (const { id } of own) await runs.delete(id);
    await tx.done;
    return stored ? { stored, runs: own } : null;
  });

/** Undoes `removePlan`. */
export const restorePlan = ({ stored, runs }: RemovedPlan) =>
  write(async (db) => {
    const tx = db.transaction(['plans', 'runs'], 'readwrite');
    await tx.objectStore('plans').put(stored);
    for (const run of runs) await tx.objectStore('runs').put(run);
    await tx.done;
  });

/** Deletes only the runs of a plan, so that it measures anew. */
export const removeRuns = (hash: string) =>
  write(async (db) => {
    const tx = db.transaction('runs', 'readwrite');
    for (const key of await tx.store.index('plan').getAllKeys(hash)) await tx.store.delete(key);
    await tx.done;
  });

/** Deletes every record of this site. */
export async function removeAllRecords(): Promise<void> {
  if (opened) (await opened).close();
  opened = null;
  await deleteDB(DATABASE);
}

import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { JoulewiseError } from '../core/errors';
import { Dataset, type DatasetRecord } from '../schema/dataset';
import { Plan, type PlanRecord } from '../schema/plan';
import { parseRecord } from '../schema/record';
import { Run, type RunRecord } from '../schema/run';
import { storeError } from './opfs';
import { DATABASE } from './present';

/** A plan with what a list of experiments shows. */
export interface StoredPlan {
  hash: string;
  plan: PlanRecord;
  name: string;
  createdAt: string;
}

interface Schema extends DBSchema {
  datasets: { key: string; value: DatasetRecord };
  plans: { key: string; value: StoredPlan; indexes: { createdAt: string } };
  runs: { key: string; value: RunRecord; indexes: { plan: string } };
}

const VERSION = 1;

/**
 * Each step lifts the database by one version: step k is applied when an older browser profile has version k.
 * Records inside carry their own versions and are upgraded when read.
 */
const STEPS: readonly ((db: IDBPDatabase<Schema>) => void)[] = [
  (db) => {
    db.createObjectStore('datasets', { keyPath: 'hash' });
    db.createObjectStore('plans', { keyPath: 'hash' }).createIndex('createdAt', 'createdAt');
    db.createObjectStore('runs', { keyPath: 'id' }).createIndex('plan', 'plan');
  },
];

let opened: Promise<IDBPDatabase<Schema>> | null = null;

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>(DATABASE, VERSION, {
    upgrade(db, from) {
      for (const step of STEPS.slice(from)) step(db);
    },
    // A newer tab wants to upgrade: let it, and open again when next asked.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      opened = null;
    },
    terminated() {
      opened = null;
    },
  }).catch((cause: unknown) => {
    opened = null;
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
async function write<T>(work: (db: IDBPDatabase<Schema>) => Promise<T>): Promise<T> {
  const db = await database();
  try {
    return await work(db);
  } catch (cause) {
    throw storeError(cause);
  }
}

export const saveDataset = (dataset: DatasetRecord) => write((db) => db.put('datasets', dataset));
export const savePlan = (plan: StoredPlan) => write((db) => db.put('plans', plan));

/** On disk before it returns: a killed tab loses no finished run. */
export const saveRun = (run: RunRecord) =>
  write(async (db) => {
    const tx = db.transaction('runs', 'readwrite', { durability: 'strict' });
    await tx.store.put(run);
    await tx.done;
  });

export async function getDataset(hash: string): Promise<DatasetRecord | null> {
  const found = await (await database()).get('datasets', hash);
  return found ? parseRecord(Dataset, found) : null;
}

export async function listDatasets(): Promise<DatasetRecord[]> {
  return (await (await database()).getAll('datasets')).map((d) => parseRecord(Dataset, d));
}

/** Newest first. */
export async function listPlans(): Promise<StoredPlan[]> {
  const rows = await (await database()).getAllFromIndex('plans', 'createdAt');
  return rows.reverse().map((row) => ({ ...row, plan: parseRecord(Plan, row.plan) }));
}

export async function getPlan(hash: string): Promise<StoredPlan | null> {
  const row = await (await database()).get('plans', hash);
  return row ? { ...row, plan: parseRecord(Plan, row.plan) } : null;
}

export async function runsOfPlan(hash: string): Promise<RunRecord[]> {
  return (await (await database()).getAllFromIndex('runs', 'plan', hash)).map((r) => parseRecord(Run, r));
}

/** Deletes a plan with its runs. */
export const removePlan = (hash: string) =>
  write(async (db) => {
    const tx = db.transaction(['plans', 'runs'], 'readwrite');
    await tx.objectStore('plans').delete(hash);
    for (const key of await tx.objectStore('runs').index('plan').getAllKeys(hash))
      await tx.objectStore('runs').delete(key);
    await tx.done;
  });

/** Deletes only the runs of a plan, so that it measures anew. */
export const removeRuns = (hash: string) =>
  write(async (db) => {
    const tx = db.transaction('runs', 'readwrite');
    for (const key of await tx.store.index('plan').getAllKeys(hash)) await tx.store.delete(key);
    await tx.done;
  });

export const removeDataset = (hash: string) => write((db) => db.delete('datasets', hash));

/** Deletes every record of this site. */
export async function removeAllRecords(): Promise<void> {
  if (opened) (await opened).close();
  opened = null;
  await deleteDB(DATABASE);
}

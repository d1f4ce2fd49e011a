import 'fake-indexeddb/auto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openDB } from 'idb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { generateDataset } from '../data/generator';
import { summaryOf } from '../data/summary';
import { exampleRun } from '../rank/example';
import type { PlanRecord } from '../schema/plan';
import { exportArchive, importArchive } from './archive';
import type { DatasetRecord } from '../schema/dataset';
import { getDataset, getSummary, listSummaries, removeDataset, saveDataset, testTicket } from './datasets';
import {
  changePlan,
  getPlan,
  listPlans,
  markedRunning,
  markEnded,
  markRunning,
  removeAllRecords,
  removePlan,
  removeRuns,
  restorePlan,
  runsOfPlan,
  savePlan,
  saveRun,
  type StoredPlan,
} from './db';
import { storeError } from './opfs';
import { DATABASE } from './present';
import { isUsage } from '../core/testing';

const planRecord: PlanRecord = {
  v: 3,
  dataset: { hash: 'd', name: 'tickets' },
  checkpoint: { kind: 'builtin' },
  tasks: ['rca'],
  stages: [{ kind: 'variants', variants: ['fp32'] }],
  baseline: false,
  engine: 'ort-cpu',
  threads: null,
  limit: 10,
  slices: 1,
  margin: 0.05,
  maxNewTokens: 16,
  seed: 1,
  w: 0.5,
  profile: null,
};
const stored = (hash: string, createdAt: string): StoredPlan => ({
  hash,
  name: `plan ${hash}`,
  createdAt,
  plan: planRecord,
  note: '',
  summary: null,
});
describe('a database', () => {
  it('is asked for again where the browser never answers', async () => {
    await removeAllRecords();
    const open = vi.spyOn(indexedDB, 'open');
    // Chrome, while the site's data is being cleared.
    open.mockImplementationOnce(() => new IDBOpenDBRequest());
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const saved = savePlan(stored('asked again', '2026-01-01T00:00:00.000Z'));
    await vi.advanceTimersByTimeAsync(2999);
    expect(open).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();
    await saved;
    expect(open).toHaveBeenCalledTimes(2);
    expect((await getPlan('asked again'))?.name).toBe('plan asked again');
    open.mockRestore();
  });

  it('that another tab holds up is waited for', async () => {
    await removeAllRecords();
    const older = await openDB(DATABASE, 4, {
      upgrade(db) {
        for (const name of ['summaries', 'datasets', 'tickets', 'running']) db.createObjectStore(name);
        db.createObjectStore('plans').createIndex('createdAt', 'createdAt');
        db.createObjectStore('runs').createIndex('plan', 'plan');
      },
    });
    const open = vi.spyOn(indexedDB, 'open');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const plan = getPlan('none');
    await new Promise((done) => setImmediate(() => setImmediate(done)));
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(open).toHaveBeenCalledTimes(1);
    older.close();
    expect(await plan).toBeNull();
    open.mockRestore();
  });
});

const listed = async (limit?: number) => {
  const rows: { stored: StoredPlan; runs: number }[] = [];
  for await (const some of listPlans(limit)) rows.push(...some);
  return rows;
};
const run = (plan: string, n: number) => exampleRun({ id: `${plan}/${n}`, plan });

afterEach(removeAllRecords);

/** A dataset of more tickets than one piece holds. */
async function repeated(count: number): Promise<DatasetRecord> {
  const { tickets, split, ...rest } = await generateDataset({ count: 20, seed: 1 });
  const pick = <T>(from: readonly T[]) => Array.from({ length: count }, (_, i) => from[i % from.length] as T);
  return {
    ...rest,
    hash: 'large',
    tickets: pick(tickets).map((t, i) => ({ ...t, text: `${i} ${t.text}` })),
    split: pick(split),
  };
}

/** A database of one version above, or with nothing in it: as another build of the app would leave it. */
const rawOpen = (version?: number) => openDB('joulewise', version);

/** A database as a Joulewise before the third version left it. */
const rawOld = (version: 1 | 2) =>
  openDB('joulewise', version, {
    upgrade(db) {
      db.createObjectStore('datasets', { keyPath: 'hash' });
      db.createObjectStore('plans', { keyPath: 'hash' }).createIndex('createdAt', 'createdAt');
      db.createObjectStore('runs', { keyPath: 'id' }).createIndex('plan', 'plan');
    },
  });

describe('records', () => {
  it('come back as they were saved', async () => {
    const dataset = await generateDataset({ count: 20, seed: 1 });
    await saveDataset(dataset);
    expect(await getDataset(dataset.hash)).toEqual(dataset);
    expect(await listSummaries()).toEqual([summaryOf(dataset)]);
    expect(await getSummary(dataset.hash)).toEqual(summaryOf(dataset));
    expect([await getDataset('other'), await getSummary('other')]).toEqual([null, null]);
    await removeDataset(dataset.hash);
    expect(await listSummaries()).toEqual([]);
    expect(await getDataset(dataset.hash)).toBeNull();
  });

  it('keep tickets in pieces: in their order, apart from those of other sets, and whole or refused', async () => {
    const [large, other] = [await repeated(4500), await generateDataset({ count: 20, seed: 3 })];
    for (const dataset of [large, other]) await saveDataset(dataset);
    expect(await getDataset(large.hash)).toEqual(large);
    const tests = large.tickets.filter((_, i) => large.split[i] === 'test');
    for (const nth of [0, 7, tests.length - 1]) expect(await testTicket(large.hash, nth)).toBe(tests[nth]?.text);
    expect(await testTicket(large.hash, tests.length)).toBeNull();
    expect(await testTicket('none', 0)).toBeNull();

    const raw = await rawOpen();
    expect(await raw.count('tickets')).toBe(4);
    await raw.delete('tickets', [large.hash, 2000]);
    await expect(getDataset(large.hash)).rejects.toMatchObject({ code: 'record.invalid' });
    raw.close();
    await removeDataset(large.hash);
    expect(await getDataset(other.hash)).toEqual(other);
    // What was deleted is written again.
    await saveDataset(large);
    await saveDataset({ ...large, name: 'the same under another name' });
    expect(await getDataset(large.hash)).toEqual({ ...large, name: 'the same under another name' });
  });

  it('list hundreds of plans a few at a time: each once, newest first, also where many are of one moment', async () => {
    const hours = Array.from({ length: 350 }, (_, i) => (i < 150 ? 5 : i % 97));
    for (const [i, hour] of hours.entries())
      await savePlan(stored(`p${i}`, `2026-01-01T${String(hour).padStart(3, '0')}`));
    for (const n of [1, 2, 3]) await saveRun(run('p7', n));
    const pieces: number[] = [];
    for await (const some of listPlans()) pieces.push(some.length);
    expect(pieces.length).toBeGreaterThan(2);
    const rows = await listed();
    expect(new Set(rows.map((r) => r.stored.hash)).size).toBe(350);
    const times = rows.map((r) => r.stored.createdAt);
    expect(times).toEqual(times.toSorted().reverse());
    expect(rows.filter((r) => r.runs > 0).map((r) => [r.stored.hash, r.runs])).toEqual([['p7', 3]]);
    for (const limit of [1, 2, 60, 120])
      expect((await listed(limit)).map((r) => r.stored.createdAt)).toEqual(times.slice(0, limit));
  });

  it('list plans, newest first', async () => {
    await savePlan(stored('a', '2026-01-01'));
    await savePlan(stored('b', '2026-03-01'));
    await savePlan(stored('c', '2026-02-01'));
    await saveRun(run('c', 1));
    expect((await listed()).map(({ stored, runs }) => [stored.hash, runs])).toEqual([
      ['b', 0],
      ['c', 1],
      ['a', 0],
    ]);
    expect((await listed(1)).map(({ stored }) => stored.hash)).toEqual(['b']);
    expect(await getPlan('c')).toEqual(stored('c', '2026-02-01'));
    expect(await getPlan('x')).toBeNull();
  });

  it('keep runs by plan; saving one twice keeps one', async () => {
    await savePlan(stored('a', '2026'));
    for (const r of [run('a', 1), run('a', 2), run('b', 1), run('a', 2)]) await saveRun(r);
    expect((await runsOfPlan('a')).map((r) => r.id)).toEqual(['a/1', 'a/2']);
    await removeRuns('a');
    expect(await runsOfPlan('a')).toEqual([]);
    expect((await listed()).length).toBe(1);
    await saveRun(run('a', 3));
    const removed = await removePlan('a');
    expect([await getPlan('a'), await runsOfPlan('a')]).toEqual([null, []]);
    expect(await removePlan('a')).toBeNull();
    if (removed) await restorePlan(removed);
    expect([await getPlan('a'), await runsOfPlan('a')]).toEqual([stored('a', '2026'), [run('a', 3)]]);
    expect((await runsOfPlan('b')).length).toBe(1);
  });

  it('know which plans were begun and not ended, until they end or are deleted', async () => {
    await savePlan(stored('a', '2026'));
    for (const hash of ['a', 'b', 'a']) await markRunning(hash);
    expect(await markedRunning()).toEqual(['a', 'b']);
    await markEnded('b');
    expect(await markedRunning()).toEqual(['a']);
    await removePlan('a');
    expect(await markedRunning()).toEqual([]);
  });

  it('survive another connection’s closing and opening', async () => {
    await saveRun(run('a', 1));
    const other = await rawOpen();
    expect(await other.getAllKeys('runs')).toEqual(['a/1']);
    other.close();
    expect((await runsOfPlan('a')).length).toBe(1);
  });

  it('make way for a newer tab, and then say that this one is old', async () => {
    await saveRun(run('a', 1));
    const own = await rawOpen();
    own.close();
    (await rawOpen(own.version + 1)).close();
    await expect(runsOfPlan('a')).rejects.toMatchObject({
      code: 'store.unavailable',
      message: expect.stringContaining('newer Joulewise') as string,
    });
  });

  it('take names and notes, without a plan that is gone coming back', async () => {
    await savePlan(stored('a', '2026'));
    await changePlan('a', { name: 'mine', note: 'cold morning' });
    await changePlan('x', { name: 'nobody' });
    expect(await getPlan('a')).toEqual({ ...stored('a', '2026'), name: 'mine', note: 'cold morning' });
    expect((await listed()).length).toBe(1);
  });

  it('of version 1 gain empty notes', async () => {
    const old = await rawOld(1);
    const { note: _, summary: __, ...before } = stored('a', '2026');
    await old.put('plans', before);
    old.close();
    expect(await getPlan('a')).toEqual(stored('a', '2026'));
  });

  it('of version 2 keep their tickets, in pieces; a damaged set harms no other', async () => {
    const old = await rawOld(2);
    const sets = [await repeated(2500), await generateDataset({ count: 30, seed: 4 })];
    for (const dataset of sets) await old.put('datasets', dataset);
    await old.put('datasets', { hash: 'damaged', v: 1, tickets: 5 });
    await old.put('plans', stored('a', '2026'));
    await old.put('runs', run('a', 1));
    old.close();
    for (const dataset of sets) expect(await getDataset(dataset.hash)).toEqual(dataset);
    const byHash = (a: { hash: string }, b: { hash: string }) => (a.hash < b.hash ? -1 : 1);
    expect(await listSummaries()).toEqual(sets.map(summaryOf).sort(byHash));
    await expect(getDataset('damaged')).rejects.toMatchObject({ code: 'record.invalid' });
    expect([await getPlan('a'), await runsOfPlan('a')]).toEqual([stored('a', '2026'), [run('a', 1)]]);
    await markRunning('a');
    expect(await markedRunning()).toEqual(['a']);
    const raw = await rawOpen();
    expect(await raw.get('datasets', sets[0]!.hash)).not.toHaveProperty('tickets');
    raw.close();
  });

  it('of version 2 stay as they are where the disk is too full to lift them, which is said', async () => {
    const old = await rawOld(2);
    const dataset = await generateDataset({ count: 30, seed: 4 });
    await old.put('datasets', dataset);
    old.close();
    const full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    await expect(listSummaries()).rejects.toMatchObject({ code: 'store.quota' });
    full.mockRestore();
    expect(await getDataset(dataset.hash)).toEqual(dataset);
  });

  it('are checked when read: a damaged run is refused, not shown', async () => {
    await saveRun({ ...run('a', 1), variant: 5 } as never);
    await expect(runsOfPlan('a')).rejects.toMatchObject({ code: 'record.invalid' });
    await saveRun({ ...run('a', 1), v: 99 } as never);
    await expect(runsOfPlan('a')).rejects.toMatchObject({ code: 'record.newer' });
  });

  it('a full disk becomes a sentence', () => {
    expect(storeError(new DOMException('full', 'QuotaExceededError'))).toMatchObject({ code: 'store.quota' });
    const other = new Error('x');
    expect(storeError(other)).toBe(other);
  });
});

describe('archive', () => {
  const fill = async () => {
    const dataset = await generateDataset({ count: 20, seed: 2 });
    await saveDataset(dataset);
    await savePlan(stored('a', '2026'));
    await saveRun(run('a', 1));
    await saveRun(run('a', 2));
    return dataset;
  };
  const lines = async (archive: Blob) =>
    gunzipSync(Buffer.from(await archive.arrayBuffer()))
      .toString()
      .trim()
      .split('\n');
  const pack = (rows: readonly string[]) => new Blob([gzipSync(rows.join('\n'))]);
  const nothingHere = async () =>
    expect([await listSummaries(), await listed(), await runsOfPlan('a')]).toEqual([[], [], []]);

  it('brings everything back', async () => {
    const dataset = await fill();
    const archive = await exportArchive();
    await removeAllRecords();
    await nothingHere();
    expect(await importArchive(archive)).toEqual({ records: 4 });
    expect(await getDataset(dataset.hash)).toEqual(dataset);
    expect(await getPlan('a')).toEqual(stored('a', '2026'));
    expect(await runsOfPlan('a')).toEqual([run('a', 1), run('a', 2)]);
    // Twice is the same as once.
    await importArchive(archive);
    expect((await runsOfPlan('a')).length).toBe(2);
  });

  it('is refused whole where any record is damaged', async () => {
    await fill();
    const rows = await lines(await exportArchive());
    await removeAllRecords();
    const damages: [readonly string[], string][] = [
      [rows.with(-1, rows.at(-1)?.replace('"variant":"', '"variant":5,"x":"') ?? ''), 'record.invalid'],
      [rows.with(-1, rows.at(-1)?.replace(/"v":\d+/, '"v":99') ?? ''), 'record.newer'],
      [rows.with(-1, rows.at(-1)?.slice(0, 50) ?? ''), 'input.format'],
      [rows.with(1, '{"kind":"spell","record":{}}'), 'input.format'],
      [rows.with(1, '{"kind":"toString","record":{}}'), 'input.format'],
      [rows.with(0, '{"joulewise":"other","v":1}'), 'input.format'],
      [rows.with(0, '{"joulewise":"archive","v":2}'), 'record.newer'],
      [['[]'], 'input.format'],
      [[''], 'input.format'],
      [rows.with(1, 'null'), 'input.format'],
      [rows.with(1, '{"kind":"plan","record":null}'), 'record.invalid'],
      [rows.with(1, '{"kind":"run","record":null}'), 'record.invalid'],
      [rows.map((r) => r.replace('"hash":"a"', '"hash":5')), 'record.invalid'],
      [['null'], 'input.format'],
    ];
    for (const [damaged, code] of damages) {
      await expect(importArchive(pack(damaged)), damaged.at(0)).rejects.toMatchObject({ name: 'JoulewiseError', code });
      await nothingHere();
    }
  });

  it('is refused where it is no gzip, or cut off', async () => {
    await fill();
    const archive = await exportArchive();
    await removeAllRecords();
    for (const file of [new Blob(['hello']), new Blob([]), archive.slice(0, archive.size - 20)]) {
      await expect(importArchive(file)).rejects.toSatisfy(isUsage);
      await nothingHere();
    }
  });
});

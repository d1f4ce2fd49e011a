import { DatasetSummary, TicketPiece, type DatasetRecord, type DatasetSummaryRecord } from '../schema/dataset';
import { parseRecord } from '../schema/record';
import { database, write } from './db';
import { partsOf, wholeOf } from './parts';

/** Sets of tickets. Pages read their summaries; the tickets themselves are read by the threads that use them. */

/** Keys of all pieces of a dataset: numbers sort before arrays. */
const piecesOf = (hash: string) => IDBKeyRange.bound([hash], [hash, []]);

/** Whole or not at all. Tickets that are here already are not written again. */
export const saveDataset = (dataset: DatasetRecord) =>
  write(async (db) => {
    const { summary, head, pieces } = partsOf(dataset);
    const tx = db.transaction(['summaries', 'datasets', 'tickets'], 'readwrite');
    const known = await tx.objectStore('summaries').getKey(dataset.hash);
    const puts: Promise<unknown>[] = [tx.objectStore('summaries').put(summary), tx.objectStore('datasets').put(head)];
    if (known === undefined) for (const piece of pieces) puts.push(tx.objectStore('tickets').put(piece));
    // Of a full disk only the end of the transaction tells.
    for (const put of puts) put.catch(() => undefined);
    await tx.done;
  });

export async function listSummaries(): Promise<DatasetSummaryRecord[]> {
  return (await (await database()).getAll('summaries')).map((row) => parseRecord(DatasetSummary, row));
}

export async function getSummary(hash: string): Promise<DatasetSummaryRecord | null> {
  const row = await (await database()).get('summaries', hash);
  return row ? parseRecord(DatasetSummary, row) : null;
}

/** With all its tickets: for threads, since 100,000 of them would hold a page. */
export async function getDataset(hash: string): Promise<DatasetRecord | null> {
  const tx = (await database()).transaction(['summaries', 'datasets', 'tickets']);
  const [summary, head] = [await tx.objectStore('summaries').get(hash), await tx.objectStore('datasets').get(hash)];
  if (!head) return null;
  return wholeOf(head, await tx.objectStore('tickets').getAll(piecesOf(hash)), summary?.tickets ?? NaN);
}

/** The text of a test ticket, counted from 0; null where there are no more. Reads no further than to it. */
export async function testTicket(hash: string, nth: number): Promise<string | null> {
  const tx = (await database()).transaction('tickets');
  let left = nth;
  for await (const { value } of tx.store.iterate(piecesOf(hash))) {
    const { tickets, split } = parseRecord(TicketPiece, value);
    const tests = tickets.filter((_, i) => split[i] === 'test');
    const found = tests[left];
    if (found) return found.text;
    left -= tests.length;
  }
  return null;
}

export const removeDataset = (hash: string) =>
  write(async (db) => {
    const tx = db.transaction(['summaries', 'datasets', 'tickets'], 'readwrite');
    await Promise.all([
      tx.objectStore('summaries').delete(hash),
      tx.objectStore('datasets').delete(hash),
      tx.objectStore('tickets').delete(piecesOf(hash)),
      tx.done,
    ]);
  });

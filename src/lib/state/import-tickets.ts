import type { ImportReport } from '../data/import';
import type { DatasetRecord } from '../schema/dataset';
import type { DataApi } from '../workers/protocol';
import { callData } from './workers';

/** Reads a file of tickets in a worker, whose tickets come a few at a time. Throws `input.*`. */
export async function importTickets(
  args: DataApi['import']['args'],
  onRows: (rows: number) => void = () => undefined,
): Promise<{ dataset: DatasetRecord; report: ImportReport }> {
  const tickets: DatasetRecord['tickets'] = [];
  const split: DatasetRecord['split'] = [];
  const { dataset, report } = await callData('import', args, {
    onEvent(event) {
      if ('rows' in event) onRows(event.rows);
      else {
        tickets.push(...event.tickets);
        split.push(...event.split);
      }
    },
  });
  return { dataset: { ...dataset, tickets, split }, report };
}

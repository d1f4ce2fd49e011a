import type { DatasetSummaryRecord } from '../../schema/dataset';
import { generateTickets, openTickets, type Tickets } from '../../session/threads/tickets';
import { experiment } from './experiment.svelte';

/** Works with the experiment's tickets, in the thread that imported them or in one for this work alone. */
export async function withTickets<T>(work: (tickets: Tickets) => Promise<T>): Promise<T> {
  const { imported } = experiment;
  if (imported?.held) return imported.held.use(work);
  const own = await (imported ? openTickets(imported.dataset) : generateTickets($state.snapshot(experiment.generated)));
  try {
    return await work(own);
  } finally {
    own.end();
  }
}

/** Stores the experiment's tickets, from where a run takes them. */
export async function keepTickets(): Promise<DatasetSummaryRecord> {
  const { imported } = experiment;
  if (imported && !imported.held) return imported.dataset;
  const dataset = await withTickets(async (tickets) => {
    await tickets.keep();
    return tickets.summary;
  });
  if (imported && experiment.imported === imported) experiment.useTickets({ ...imported, held: null });
  return dataset;
}

/** A stored set of tickets; null where it is not here. */
export const storedTickets = async (hash: string): Promise<DatasetSummaryRecord | null> =>
  (await import('../../store/datasets')).getSummary(hash);

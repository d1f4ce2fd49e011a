import { library, type StoredExperiment } from './library.svelte';
import { sentence } from './sentence';
import { callData } from './workers';

const asked = new Set<string>();

/** Reads the runs of rows that have no summary, in a worker; what is being read is not read twice. */
export async function summariseRows(rows: readonly StoredExperiment[]): Promise<void> {
  const hashes = rows.filter((row) => row.summary === null && !asked.has(row.hash)).map((row) => row.hash);
  if (hashes.length === 0) return;
  for (const hash of hashes) asked.add(hash);
  try {
    await callData(
      'summarise',
      { hashes },
      { onEvent: ({ hash, summary }) => library.change(hash, { summary, runs: summary.runs }) },
    );
  } catch (error) {
    library.error = sentence(error);
  } finally {
    for (const hash of hashes) asked.delete(hash);
  }
}

import { library } from './library.svelte';
import type { StoredExperiment } from './stored-experiment';
import { sentence } from '../../texts/sentence';
import { callData } from '../../session/threads/workers';

const asked = new Set<string>();

/** Reads the runs of rows that have no summary, in a worker; what is being read is not read twice. */
export async function summariseRows(rows: readonly StoredExperiment[]): Promise<void> {
  const hashes = rows.filter((row) => row.summary === null && !asked.has(row.hash)).map((row) => row.hash);
  if (hashes.length === 0) return;
  for (const hash of hashes) asked.add(hash);
  let outrun = false;
  try {
    await callData(
      'summarise',
      { hashes },
      {
        onEvent({ hash, summary }) {
          // An experiment that goes on may have stored more runs than were read here.
          if ((library.rows?.find((row) => row.hash === hash)?.runs ?? 0) > summary.runs) outrun = true;
          else library.change(hash, { summary, runs: summary.runs });
        },
      },
    );
  } catch (error) {
    library.error = sentence(error);
  } finally {
    for (const hash of hashes) asked.delete(hash);
  }
  if (outrun) await summariseRows(library.rows ?? []);
}

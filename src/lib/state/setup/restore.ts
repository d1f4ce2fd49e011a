import { hasRecords } from '../../store/present';
import { experiment } from './experiment.svelte';

/** What was set up before a reload stands there again; a first visit need not load what reads it. */
export async function restore(): Promise<void> {
  if (!experiment.restored && (await hasRecords())) await (await import('./draft')).restoreSetup();
  experiment.restored = true;
}

import { hasRecords } from '../../store/present';
import { device } from '../device/device.svelte';
import { experiment } from './experiment.svelte';

/** The device is looked at, and what was set up before a reload stands there again; a first visit need not load what reads it. */
export async function restore(): Promise<void> {
  await device.load();
  if (!experiment.restored && (await hasRecords())) await (await import('./draft')).restoreSetup();
  experiment.restored = true;
}

import { ENGINE, type EngineName } from '../schema/engines';
import type { Device } from '../schema/run';

/** Bytes that models may take side by side where the device does not say what it has, and the share of what it says. */
const UNKNOWN_MEMORY = 2 ** 30;
const MEMORY_SHARE = 0.25;
/** What an open model takes beside its weights, bytes: caches, and the space for one pass. */
const BESIDE = 2 ** 25;

/** Bytes that models may hold side by side; 0 where nobody tells what there is, so that one at a time is open. */
export function memoryBudget({ memoryGiB }: Pick<Device, 'memoryGiB'>, engine: EngineName): number {
  const { memory } = ENGINE[engine];
  if (memory === null) return 0;
  return memoryGiB === null ? UNKNOWN_MEMORY : MEMORY_SHARE * memoryGiB * 2 ** 30;
}

/** Whether models of these weights (bytes each) stay open side by side; else each is opened anew for every slice. */
export const fitSideBySide = (weightBytes: readonly number[], budget: number): boolean =>
  weightBytes.reduce((sum, bytes) => sum + bytes + BESIDE, 0) <= budget;

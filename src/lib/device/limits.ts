import { ENGINE, type EngineName } from '../schema/engines';
import type { Device } from '../schema/run';

/** More threads than this gain nothing on the small matrices of a decode step. */
export const MAX_THREADS = 8;

/** Threads that the engines may share here: one where the page is not isolated. */
export const allThreads = ({ crossOriginIsolated, cores }: Pick<Device, 'crossOriginIsolated' | 'cores'>): number =>
  crossOriginIsolated ? Math.min(cores ?? 1, MAX_THREADS) : 1;

/** Bytes that models may take side by side where the device does not say what it has, and the share of what it says. */
const UNKNOWN_MEMORY = 2 ** 30;
const MEMORY_SHARE = 0.25;

/** Bytes that models may hold side by side; 0 where nobody tells what there is, so that one at a time is open. */
export function memoryBudget({ memoryGiB }: Pick<Device, 'memoryGiB'>, engine: EngineName): number {
  const { memory } = ENGINE[engine];
  if (memory === null) return 0;
  return memoryGiB === null ? UNKNOWN_MEMORY : MEMORY_SHARE * memoryGiB * 2 ** 30;
}

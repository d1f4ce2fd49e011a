import { JoulewiseError } from '../../core/errors';
import { RUN } from '../../texts/run';

/** Variants that the person leaves out while a plan runs. */
export interface LeftOut {
  /** Aborted once the variant is left out. */
  signal(variant: string): AbortSignal;
}

/** Does a call, and ends it where the person leaves the variant out meanwhile. */
export async function skipping<T>(
  leftOut: LeftOut | undefined,
  variant: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const skip = leftOut?.signal(variant);
  try {
    skip?.throwIfAborted();
    return await call(skip ? AbortSignal.any([signal, skip]) : signal);
  } catch (error) {
    if (!skip?.aborted || signal.aborted) throw error;
    throw new JoulewiseError('run.skipped', RUN.skipped);
  }
}

import { BASELINE } from '../../schema/engines';
import { LEAST_SLICES } from '../../schema/defaults';
import type { RunRecord } from '../../schema/run';
import { JoulewiseError } from '../../core/errors';
import { allThreads, memoryBudget } from '../../device/limits';
import { leaveOneFree } from '../../measure/steady';
import { joinsLate, listedMembers } from '../../plan/units';
import { RUN } from '../../texts/run';
import { HANDED } from '../../variant/engines';
import { openVariant, type PlanAtHand } from './open-variant';

/** What of this device a plan takes. */
export interface Means {
  /** Of all its variants; null: as many as the engine takes by itself. */
  threads: number | null;
  /** Why they are fewer than there are, for the records. */
  note: string[];
  /** Bytes of models that may be open side by side. */
  memory: number;
}

/** Pieces by which two numbers of threads are compared. */
const PIECES = 24;

/**
 * Threads that all variants of a plan run on: as asked for; else those that finished runs had; else all, or one fewer
 * where short pieces of equal work show all to be slower or less steady, because something else needs one.
 */
async function threadsFor(
  at: PlanAtHand,
  earlier: readonly RunRecord[],
  signal: AbortSignal,
): Promise<Pick<Means, 'threads' | 'note'>> {
  const { plan, device } = at;
  // Too few slices tell no energies apart: testing threads would take longer than it could mend.
  if (plan.threads !== null || !HANDED[plan.engine].triesThreads || plan.slices < LEAST_SLICES)
    return { threads: plan.threads, note: [] };
  const before = earlier.find((run) => run.engine === plan.engine)?.threads;
  if (before !== undefined) return { threads: before, note: [] };
  const first = listedMembers(plan).find(({ variant }) => variant !== BASELINE && !joinsLate(plan, variant));
  const all = allThreads(device);
  if (!first || all < 2) return { threads: null, note: [] };
  const time = async (threads: number) => {
    const opened = await openVariant(at, first.variant, threads, () => undefined, signal);
    try {
      return await opened.pieces(PIECES, signal);
    } finally {
      opened.end();
    }
  };
  try {
    if (!leaveOneFree(await time(all), await time(all - 1))) return { threads: all, note: [] };
    return { threads: all - 1, note: [RUN.oneThreadFree(all)] };
  } catch (error) {
    // What does not open here fails where failures are told.
    if (error instanceof JoulewiseError && error.code === 'cancelled') throw error;
    return { threads: null, note: [] };
  }
}

/** @param earlier finished runs of this plan */
export const meansFor = async (at: PlanAtHand, earlier: readonly RunRecord[], signal: AbortSignal): Promise<Means> => ({
  ...(await threadsFor(at, earlier, signal)),
  memory: memoryBudget(at.device, at.plan.engine),
});

import type { PlanRecord } from '../../schema/plan';
import type { RunRecord } from '../../schema/run';
import { keepData, type KeptData } from '../threads/workers';

/**
 * Folds the runs of a plan while it goes on. Bootstrapping hundreds of tickets takes seconds, so it is done in a thread
 * that lives as long as the run and is told each run once.
 */
export class Folding {
  #thread: KeptData | null = null;
  readonly #told = new WeakSet<RunRecord>();

  constructor(
    private readonly plan: Pick<PlanRecord, 'margin' | 'untilDecided' | 'energyBound' | 'slices' | 'limit'>,
  ) {}

  async fold(runs: readonly RunRecord[]) {
    this.#thread ??= keepData();
    // A slice that was measured again has the name of the one before.
    const add = runs.filter((run) => !this.#told.has(run));
    for (const run of add) this.#told.add(run);
    const { margin, untilDecided, energyBound, slices, limit } = this.plan;
    return this.#thread.call('fold', {
      add,
      ids: runs.map(({ id }) => id),
      plan: {
        margin,
        slices,
        limit,
        ...(untilDecided ? { untilDecided } : {}),
        ...(energyBound === undefined ? {} : { energyBound }),
      },
    });
  }

  end(): void {
    this.#thread?.end();
    this.#thread = null;
  }
}

import type { Folded, FoldOptions } from '../../rank/fold';
import type { RunRecord } from '../../schema/run';
import { callData, keepData, type KeptData } from './workers';

/** Results of a stored plan, and its runs without their tickets: read and folded in a thread of its own. */
export const foldStored = (hash: string) => callData('foldStored', { hash });

/**
 * Folds the runs of a plan while it goes on. Bootstrapping hundreds of tickets takes seconds, so it is done in a thread
 * that lives as long as the run and is told each run once.
 */
export class Folding {
  #thread: KeptData | null = null;
  readonly #told = new WeakSet<RunRecord>();

  constructor(private readonly plan: FoldOptions) {}

  async fold(runs: readonly RunRecord[]): Promise<Folded> {
    this.#thread ??= keepData();
    // A slice that was measured again has the name of the one before.
    const add = runs.filter((run) => !this.#told.has(run));
    for (const run of add) this.#told.add(run);
    const { margin, untilDecided } = this.plan;
    return this.#thread.call('fold', {
      add,
      ids: runs.map(({ id }) => id),
      plan: { ...(margin === undefined ? {} : { margin }), ...(untilDecided ? { untilDecided } : {}) },
    });
  }

  end(): void {
    this.#thread?.end();
    this.#thread = null;
  }
}

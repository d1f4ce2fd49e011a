import type { VariantResult } from '../schema/result';
import type { RunRecord } from '../schema/run';
import { callData, keepData, type KeptData } from './workers';

/** Results of a stored plan, and its runs without their tickets: read and folded in a thread of its own. */
export const foldStored = (hash: string) => callData('foldStored', { hash });

/**
 * Folds the runs of a plan while it goes on. Bootstrapping hundreds of tickets takes seconds, so it is done in a thread
 * that lives as long as the run and is told each run once.
 */
export class Folding {
  #thread: KeptData | null = null;
  readonly #told = new Set<string>();

  async fold(runs: readonly RunRecord[]): Promise<VariantResult[]> {
    if (runs.length === 0) return [];
    this.#thread ??= keepData();
    const add = runs.filter(({ id }) => !this.#told.has(id));
    for (const { id } of add) this.#told.add(id);
    return this.#thread.call('fold', { add, ids: runs.map(({ id }) => id) });
  }

  end(): void {
    this.#thread?.end();
    this.#thread = null;
  }
}

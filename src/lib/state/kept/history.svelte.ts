import { changePlan, removePlan, restorePlan, type RemovedPlan } from '../../store/db';
import { library } from './library.svelte';
import { sentence } from '../../texts/sentence';
import { isRunning, mayDelete } from '../../session/tab/tabs';

/** What the history does to stored experiments. */
class History {
  /** What was deleted last and can be brought back, until the page is left. */
  removed = $state.raw<RemovedPlan | null>(null);

  describe = (hash: string, words: { name: string; note: string }) =>
    this.#write(async () => {
      await changePlan(hash, words);
      library.change(hash, words);
    });

  remove = (hash: string) =>
    this.#write(async () => {
      if (await isRunning(hash)) await mayDelete();
      this.removed = await removePlan(hash);
      library.rows = library.rows?.filter((row) => row.hash !== hash) ?? null;
    });

  undo = () =>
    this.#write(async () => {
      if (this.removed) await restorePlan(this.removed);
      this.removed = null;
      await library.refresh();
    });

  async #write(work: () => Promise<void>): Promise<void> {
    library.error = null;
    try {
      await work();
    } catch (error) {
      library.error = sentence(error);
    }
  }
}

export const history = new History();

import { JoulewiseError } from '../../core/errors';
import { COMPARE as T } from '../../texts/compare';
import { openFile, openLink } from './received';
import type { ResultSet } from './results';
import { resultsOf } from './stored';
import { sentence } from '../../texts/sentence';

/** What makes two sets one result, whether it comes from the store, a link or a file: when, where and what was found. */
const identityOf = ({ createdAt, device, checkpoint, dataset, tasks, results }: ResultSet) =>
  JSON.stringify([
    createdAt,
    device.name,
    checkpoint,
    dataset,
    tasks,
    results
      .map(({ variant, engine, energy, quality }) => [variant, engine, energy?.mid ?? null, quality?.mid ?? null])
      .sort(),
  ]);

/** What is compared: results from anywhere, in the order in which they were added. */
class Compare {
  sets = $state.raw<readonly { id: number; set: ResultSet }[]>([]);
  error = $state<string | null>(null);
  /** What was left out of the comparison, in a sentence. */
  note = $state<string | null>(null);
  #next = 0;

  async #add(read: () => Promise<ResultSet>): Promise<void> {
    this.error = null;
    this.note = null;
    try {
      const set = await read();
      const same = this.sets.findIndex((other) => identityOf(other.set) === identityOf(set));
      if (same >= 0) this.note = T.duplicate(same + 1);
      else this.sets = [...this.sets, { id: this.#next++, set }];
    } catch (failure) {
      this.error = sentence(failure);
    }
  }

  /** @param text the address, or only what follows "#" */
  addLink = (text: string) =>
    this.#add(async () => {
      const code = text.trim().slice(text.trim().indexOf('#') + 1);
      if (!code.startsWith('e')) throw new JoulewiseError('input.format', T.notLink);
      const opened = await openLink(code);
      if (opened.kind !== 'result') throw new JoulewiseError('input.format', T.noLink);
      return opened.set;
    });

  addFile = (file: File) => this.#add(async () => (await openFile(file)).set);

  addLocal = (hash: string) =>
    this.#add(async () => {
      const set = await resultsOf(hash);
      if (!set) throw new JoulewiseError('input.format', T.noResult);
      return set;
    });

  remove(id: number): void {
    this.sets = this.sets.filter((entry) => entry.id !== id);
  }
}

export const compare = new Compare();

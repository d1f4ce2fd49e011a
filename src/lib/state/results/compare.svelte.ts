import { JoulewiseError } from '../../core/errors';
import { decodeLink } from '../../share/codec';
import { getPlan } from '../../store/db';
import { COMPARE as T } from '../../texts/compare';
import { foldStored } from '../../session/threads/folding';
import { readResultFile } from './result-file';
import { localResults, sharedResults, type ResultSet } from './results';
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
      const record = await decodeLink(code);
      if (record.kind !== 'result') throw new JoulewiseError('input.format', T.noLink);
      return sharedResults(record);
    });

  addFile = (file: File) => this.#add(async () => sharedResults(await readResultFile(file)));

  addLocal = (hash: string) =>
    this.#add(async () => {
      const [stored, { runs, folded }] = await Promise.all([getPlan(hash), foldStored(hash)]);
      if (!stored || runs.length === 0) throw new JoulewiseError('input.format', T.noResult);
      return localResults(stored.plan, runs, folded, {
        createdAt: stored.createdAt,
        profileWhy: null,
        failures: [],
      });
    });

  remove(id: number): void {
    this.sets = this.sets.filter((entry) => entry.id !== id);
  }
}

export const compare = new Compare();

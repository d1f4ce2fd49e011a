import { JoulewiseError } from '../core/errors';
import { decodeLink } from '../share/codec';
import { getPlan } from '../store/db';
import { COMPARE as T } from '../texts/compare';
import { foldStored } from './folding';
import { readResultFile } from './result-file';
import { localResults, sharedResults, type ResultSet } from './results';
import { sentence } from './sentence';

/** What is compared: results from anywhere, in the order in which they were added. */
class Compare {
  sets = $state.raw<readonly { id: number; set: ResultSet }[]>([]);
  error = $state<string | null>(null);
  #next = 0;

  async #add(read: () => Promise<ResultSet>): Promise<void> {
    this.error = null;
    try {
      this.sets = [...this.sets, { id: this.#next++, set: await read() }];
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

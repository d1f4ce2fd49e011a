import { listPlans } from '../../store/db';
import { hasRecords } from '../../store/present';
import { sentence } from '../../texts/sentence';
import { compare } from './compare.svelte';
import type { ResultSet } from './results';

/** A stored experiment that asked the same tickets. */
export interface SameTickets {
  hash: string;
  name: string;
  createdAt: string;
}

/** Newest experiments that are looked through. */
const MOST = 100;

/** Results of another device beside those that are shown: from a file, a link, the comparison, or this browser's history. */
export class OtherDevice {
  stored = $state.raw<readonly SameTickets[]>([]);
  error = $state<string | null>(null);
  chosen = $state<number | null>(null);

  get sets() {
    return compare.sets;
  }

  get set(): ResultSet | null {
    return compare.sets.find(({ id }) => id === this.chosen)?.set ?? null;
  }

  /** Looks for stored experiments on the tickets of a result, but for itself. */
  async find({ dataset, createdAt }: Pick<ResultSet, 'dataset' | 'createdAt'>): Promise<void> {
    try {
      const found: SameTickets[] = [];
      if (await hasRecords())
        for await (const some of listPlans(MOST))
          for (const { stored, runs } of some)
            if (runs > 0 && stored.plan.dataset.name === dataset && stored.createdAt !== createdAt)
              found.push({ hash: stored.hash, name: stored.name, createdAt: stored.createdAt });
      this.stored = found;
    } catch (error) {
      this.error = sentence(error);
    }
  }

  async #take(add: () => Promise<void>): Promise<void> {
    const before = compare.sets;
    await add();
    this.error = compare.error ?? compare.note;
    if (compare.sets !== before) this.chosen = compare.sets.at(-1)?.id ?? null;
  }

  addFile = (file: File) => this.#take(() => compare.addFile(file));
  addLink = (text: string) => this.#take(() => compare.addLink(text));
  addStored = (hash: string) => this.#take(() => compare.addLocal(hash));
}

import { hasRecords } from '../../store/present';
import type { StoredPlan } from '../../store/db';
import { sentence } from '../../texts/sentence';
import type { StoredExperiment } from './stored-experiment';

function rowOf({ stored, runs }: { stored: StoredPlan; runs: number }): StoredExperiment {
  const { hash, plan, name, note, createdAt, summary } = stored;
  const { checkpoint, dataset } = plan;
  return {
    hash,
    name,
    note,
    createdAt,
    checkpoint:
      checkpoint.kind === 'builtin' ? 'built-in' : checkpoint.kind === 'hub' ? checkpoint.repo : checkpoint.name,
    dataset: dataset.name,
    runs,
    // A killed tab leaves a summary of fewer runs than there are.
    summary: summary?.runs === runs ? summary : null,
  };
}

/** Experiments kept in this browser, newest first. */
class Library {
  rows = $state.raw<readonly StoredExperiment[] | null>(null);
  error = $state<string | null>(null);
  #limit = Infinity;
  #reading = 0;

  /** @param limit how many of the newest are wanted; by default as many as last time */
  async refresh(limit = this.#limit): Promise<void> {
    this.#limit = limit;
    const reading = ++this.#reading;
    try {
      const rows: StoredExperiment[] = [];
      // A first visit need not load what reads them.
      if (await hasRecords())
        for await (const some of (await import('../../store/db')).listPlans(limit)) {
          if (reading !== this.#reading) return;
          rows.push(...some.map(rowOf));
          // The first rows are shown while the others are read.
          this.rows ??= rows.slice();
        }
      this.rows = rows;
      this.error = null;
    } catch (error) {
      this.rows ??= [];
      this.error = sentence(error);
    }
  }

  change(hash: string, change: Partial<StoredExperiment>): void {
    this.rows = this.rows?.map((row) => (row.hash === hash ? { ...row, ...change } : row)) ?? null;
  }
}

export const library = new Library();

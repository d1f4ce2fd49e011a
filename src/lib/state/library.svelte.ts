import type { PlanSummary } from '../plan/summary';
import { hasRecords } from '../store/present';
import type { RemovedPlan, StoredPlan } from '../store/db';
import { records } from './records';
import { sentence } from './sentence';
import { callData } from './workers';

/** A row of the list of experiments. */
export interface StoredExperiment extends Pick<StoredPlan, 'hash' | 'name' | 'note'> {
  /** When it was first started, ISO 8601. */
  createdAt: string;
  checkpoint: string;
  dataset: string;
  runs: number;
  /** Null while the runs are not read yet. */
  summary: PlanSummary | null;
}

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
  /** What was deleted last and can be brought back, until the page is left. */
  removed = $state.raw<RemovedPlan | null>(null);
  #limit = Infinity;
  #reading = 0;
  #asked = new Set<string>();

  /** @param limit how many of the newest are wanted; by default as many as last time */
  async refresh(limit = this.#limit): Promise<void> {
    this.#limit = limit;
    const reading = ++this.#reading;
    try {
      const rows: StoredExperiment[] = [];
      // A first visit need not load what reads them.
      if (await hasRecords())
        for await (const some of (await records()).listPlans(limit)) {
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

  /** Reads the runs of rows that have no summary, in a worker; what is being read is not read twice. */
  async summarise(rows: readonly StoredExperiment[]): Promise<void> {
    const hashes = rows.filter((row) => row.summary === null && !this.#asked.has(row.hash)).map((row) => row.hash);
    if (hashes.length === 0) return;
    for (const hash of hashes) this.#asked.add(hash);
    try {
      await callData(
        'summarise',
        { hashes },
        { onEvent: ({ hash, summary }) => this.#change(hash, { summary, runs: summary.runs }) },
      );
    } catch (error) {
      this.error = sentence(error);
    } finally {
      for (const hash of hashes) this.#asked.delete(hash);
    }
  }

  #change(hash: string, change: Partial<StoredExperiment>): void {
    this.rows = this.rows?.map((row) => (row.hash === hash ? { ...row, ...change } : row)) ?? null;
  }

  async describe(hash: string, words: { name: string; note: string }): Promise<void> {
    await this.#write(async ({ changePlan }) => {
      await changePlan(hash, words);
      this.#change(hash, words);
    });
  }

  async remove(hash: string): Promise<void> {
    await this.#write(async ({ removePlan }) => {
      this.removed = await removePlan(hash);
      this.rows = this.rows?.filter((row) => row.hash !== hash) ?? null;
    });
  }

  async undo(): Promise<void> {
    const { removed } = this;
    if (!removed) return;
    await this.#write(async ({ restorePlan }) => {
      await restorePlan(removed);
      this.removed = null;
      await this.refresh();
    });
  }

  async #write(work: (store: Awaited<ReturnType<typeof records>>) => Promise<void>): Promise<void> {
    this.error = null;
    try {
      await work(await records());
    } catch (error) {
      this.error = sentence(error);
    }
  }
}

export const library = new Library();

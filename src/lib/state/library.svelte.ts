import { hasRecords } from '../store/present';
import { records } from './records';
import { sentence } from './sentence';

/** A row of the list of experiments. */
export interface StoredExperiment {
  hash: string;
  name: string;
  /** When it was first started, ISO 8601. */
  createdAt: string;
  checkpoint: string;
  runs: number;
  missing: number;
  /** True where a later stage is not known yet. */
  atLeast: boolean;
}

/** Experiments kept in this browser, newest first. */
class Library {
  rows = $state.raw<StoredExperiment[] | null>(null);
  error = $state<string | null>(null);

  async refresh(): Promise<void> {
    try {
      // A first visit need not load what reads them.
      const plans = (await hasRecords()) ? await (await records()).listPlans() : [];
      if (plans.length === 0) {
        this.rows = [];
        this.error = null;
        return;
      }
      const [{ runsOfPlan }, { missingRuns }] = await Promise.all([records(), import('./progress')]);
      const rows: StoredExperiment[] = [];
      for (const { hash, plan, name, createdAt } of plans) {
        const runs = await runsOfPlan(hash);
        const { checkpoint } = plan;
        rows.push({
          hash,
          name,
          createdAt,
          checkpoint:
            checkpoint.kind === 'builtin' ? 'built-in' : checkpoint.kind === 'hub' ? checkpoint.repo : checkpoint.name,
          runs: runs.length,
          ...missingRuns(plan, hash, runs),
        });
      }
      this.rows = rows;
      this.error = null;
    } catch (error) {
      this.rows ??= [];
      this.error = sentence(error);
    }
  }

  async remove(hash: string): Promise<void> {
    try {
      await (await records()).removePlan(hash);
    } catch (error) {
      this.error = sentence(error);
    }
    await this.refresh();
  }
}

export const library = new Library();

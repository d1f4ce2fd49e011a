import type { PlanSummary } from '../../plan/summary';
import type { StoredPlan } from '../../store/db';

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

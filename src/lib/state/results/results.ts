import { isModel } from '../../schema/engines';
import { canonicalJson } from '../../core/canonical';
import type { PlanRecord } from '../../schema/plan';
import type { Folded } from '../../rank/fold';
import type { Evidence, SharedResultRecord, VariantResult } from '../../schema/result';
import type { RunHead, TaskName } from '../../schema/run';
import { openedResults } from '../../link/codec';

/** What the results view shows, whether it was run here or came in a link. */
export interface ResultSet {
  results: VariantResult[];
  /** What comparisons rest on; null for results made before there was any. */
  evidence: Evidence | null;
  tasks: TaskName[];
  /** What the user called tasks with prompts of their own. */
  titles: Partial<Record<TaskName, string>>;
  /** Tells prompts of the user's own apart; '' = the usual ones; null where nobody told, as in links. */
  prompts: string | null;
  w: number;
  createdAt: string;
  dataset: string;
  checkpoint: string;
  device: { name: string; profile: string; browser: string | null };
  /** How the power profile was found, in a sentence; null where that is not known. */
  profileWhy: string | null;
  failures: { what: string; why: string }[];
}

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

/** Folded results carry fallbacks only; what may have spoiled a run belongs beside them, also in links. */
function withWarnings(result: VariantResult, runs: readonly RunHead[]): VariantResult {
  const own = runs.filter((run) => run.variant === result.variant && run.engine === result.engine);
  return { ...result, fallbacks: unique([...result.fallbacks, ...own.flatMap((run) => run.warnings)]) };
}

export function localResults(
  plan: PlanRecord,
  runs: readonly RunHead[],
  folded: Folded,
  more: Pick<ResultSet, 'createdAt' | 'profileWhy' | 'failures'>,
): ResultSet {
  const model = runs.find((run) => isModel(run.engine)) ?? runs[0];
  const device = model?.device ?? null;
  return {
    results: folded.results.map((result) => withWarnings(result, runs)),
    evidence: folded.evidence,
    tasks: plan.tasks,
    titles: Object.fromEntries(
      Object.entries(plan.templates ?? {}).flatMap(([task, own]) => (own ? [[task, own.title]] : [])),
    ),
    prompts: plan.templates ? canonicalJson(plan.templates) : '',
    w: plan.w,
    dataset: plan.dataset.name,
    checkpoint: model && isModel(model.engine) ? model.checkpoint.name : 'none',
    device: {
      name: device?.renderer ?? device?.platform ?? 'unknown device',
      profile: unique(runs.flatMap((run) => run.phases.map((phase) => phase.source))).join(', ') || 'unknown',
      browser: device?.browser ?? null,
    },
    ...more,
  };
}

export const sharedResults = (record: SharedResultRecord): ResultSet => ({
  results: openedResults(record),
  evidence: record.evidence,
  tasks: record.tasks,
  titles: {},
  prompts: null,
  w: Math.min(1, Math.max(0, record.w)),
  createdAt: record.createdAt,
  dataset: record.dataset,
  checkpoint: record.checkpoint,
  device: record.device,
  profileWhy: null,
  failures: [],
});

import { runId, stageUnits, stageVariants } from '../plan/units';
import type { PlanRecord } from '../schema/plan';
import type { RunRecord } from '../schema/run';

/**
 * Runs that a stored plan still lacks; `atLeast` where a later stage is not known before the ones before it are done.
 * A variant that failed lacks its runs too: failures are not stored, so going on tries it again.
 */
export function missingRuns(
  plan: PlanRecord,
  hash: string,
  runs: readonly RunRecord[],
): { missing: number; atLeast: boolean } {
  const known = new Map(runs.map((run) => [run.id, run]));
  const done: RunRecord[] = [];
  for (let stage = 0; stage < plan.stages.length; stage++) {
    const units = stageUnits(plan, stage, stageVariants(plan, stage, done));
    const missing = units.filter((unit) => !known.has(runId(hash, unit))).length;
    if (missing > 0) return { missing, atLeast: stage < plan.stages.length - 1 };
    for (const unit of units) done.push(known.get(runId(hash, unit)) as RunRecord);
  }
  return { missing: 0, atLeast: false };
}

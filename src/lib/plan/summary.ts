import { foldRuns } from '../rank/fold';
import { rankVariants, splitBaseline } from '../rank/rank';
import type { PlanRecord } from '../schema/plan';
import type { RunRecord, Tier } from '../schema/run';
import { runId, stageUnits, stageVariants } from './units';

/** What a list of experiments shows of one, kept beside its plan so that listing reads no run. */
export interface PlanSummary {
  /** Stored runs that it was made from: with another number of runs it is out of date. */
  runs: number;
  missing: number;
  /** True where a later stage is not known yet. */
  atLeast: boolean;
  /** Best-ranked variant at the plan's own w; null where nothing can be ranked. `joules` a ticket. */
  winner: { variant: string; joules: number; tier: Tier } | null;
}

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

export function summarise(plan: PlanRecord, hash: string, runs: readonly RunRecord[]): PlanSummary {
  const best = rankVariants(splitBaseline(foldRuns(runs)).models, plan.w).ranked[0]?.result;
  return {
    runs: runs.length,
    ...missingRuns(plan, hash, runs),
    winner: best?.energy ? { variant: best.variant, joules: best.energy.mid, tier: best.tier } : null,
  };
}

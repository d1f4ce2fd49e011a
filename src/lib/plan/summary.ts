import { boundOf, wantsMore } from '../rank/bound';
import { chooseBest, LOOKS_EVERY, stopsAt } from '../rank/choose';
import { decide } from '../rank/decide';
import { foldRuns, type Folded } from '../rank/fold';
import type { PlanRecord } from '../schema/plan';
import type { RunRecord, Tier } from '../schema/run';
import { BEST_JOIN } from './execute';
import { BASELINE } from '../schema/engines';
import { crossedMembers, listedMembers, runId, slicesOf, unitsOf, type Member } from './units';

/** What a list of experiments shows of one, kept beside its plan so that listing reads no run. */
export interface PlanSummary {
  /** Stored runs that it was made from: with another number of runs it is out of date. */
  runs: number;
  missing: number;
  /** True where a later stage is not known yet. */
  atLeast: boolean;
  /** The answer; null where there is none. `joules` a ticket. */
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
  const known = new Set(runs.map((run) => run.id));
  const slices = slicesOf(plan);
  const lacking = (members: readonly Member[], to = slices) =>
    Array.from({ length: to }, (_, slice) => unitsOf(plan, members, slice, 0))
      .flat()
      .filter((unit) => !known.has(runId(hash, unit))).length;
  let members = listedMembers(plan);
  const joined = Math.min(BEST_JOIN, slices);
  for (const [stage, s] of plan.stages.entries()) {
    if (s.kind !== 'best') continue;
    const before = members.filter((m) => m.stage < stage);
    if (lacking(before, joined) > 0) return { missing: lacking(members), atLeast: true };
    const own = runs.filter((run) => run.slice < joined && before.some(({ variant }) => variant === run.variant));
    members = [...members, ...crossedMembers(plan, stage, chooseBest(foldRuns(own, plan), s.k), members)];
  }
  const missing = isDecided(plan, runs) ? 0 : lacking(members);
  if (missing > 0) return { missing, atLeast: false };
  const wanting = unbound(plan, members, runs);
  return { missing: wanting * plan.tasks.length, atLeast: wanting > 0 };
}

/** Variants that a bound of joules still wants slices of: one at least each. */
function unbound(plan: PlanRecord, members: readonly Member[], runs: readonly RunRecord[]): number {
  const { energyBound, tasks } = plan;
  if (energyBound === undefined) return 0;
  const models = members.filter(({ variant }) => variant !== BASELINE);
  const own = models.map(({ variant }) => runs.filter((run) => run.variant === variant));
  // Whoever was stopped lacks slices of the plan, and gets no more.
  const planned = own.map((some) => new Set(some.map(({ slice }) => slice).filter((s) => s < slicesOf(plan))).size);
  const most = Math.max(1, ...planned);
  return own.filter((some, i) => planned[i] === most && wantsMore(boundOf(some, tasks, energyBound))).length;
}

/** Whether a plan that stops once it is decided has stopped. */
function isDecided(plan: PlanRecord, runs: readonly RunRecord[]): boolean {
  if (!plan.untilDecided) return false;
  // Slices that a bound of joules asked for come behind those of the plan.
  const own = runs.filter(({ variant, slice }) => variant !== BASELINE && slice < slicesOf(plan));
  const after = 1 + Math.max(-1, ...own.map(({ slice }) => slice));
  return after > 0 && after % LOOKS_EVERY === 0 && stopsAt(foldRuns(runs, plan), after, slicesOf(plan)).decided;
}

/** The answer of a plan, as a list of experiments says it. */
export function winnerOf({ results, evidence }: Folded): PlanSummary['winner'] {
  const answer = decide(results, evidence).answer?.result;
  return answer?.energy ? { variant: answer.variant, joules: answer.energy.mid, tier: answer.tier } : null;
}

export const summarise = (plan: PlanRecord, hash: string, runs: readonly RunRecord[]): PlanSummary => ({
  runs: runs.length,
  ...missingRuns(plan, hash, runs),
  winner: winnerOf(foldRuns(runs, plan)),
});

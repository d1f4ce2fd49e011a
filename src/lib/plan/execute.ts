import { contentHash } from '../core/canonical';
import { JoulewiseError, toWireError, type WireError } from '../core/errors';
import type { PlanRecord } from '../schema/plan';
import type { VariantResult } from '../schema/result';
import type { RunRecord } from '../schema/run';
import { ofModels, runId, stageUnits, stageVariants, type Unit } from './units';

/** What answering tickets took so far in a unit: estimates, at the middle of their intervals. */
export interface Spent {
  seconds: number;
  /** Null where nothing can be said. */
  joules: number | null;
  /** Read and written. */
  tokens: number;
}

/** Where a unit has got to. */
export interface UnitProgress {
  phase: string;
  done: number;
  of: number;
  /** Ticket text and output so far, for the live view; never stored. */
  ticket?: string;
  output?: string;
  spent?: Spent;
}

export type PlanEvent =
  | { type: 'stage'; stage: number; variants: string[]; units: number }
  | { type: 'unit'; unit: Unit; index: number; of: number; stage: number }
  | { type: 'progress'; unit: Unit; progress: UnitProgress }
  | { type: 'run'; unit: Unit; run: RunRecord; resumed: boolean }
  | { type: 'failed'; unit: Unit; error: WireError };

export interface PlanHost {
  /** Finished runs of this plan, from the store. */
  finished(planHash: string): Promise<RunRecord[]>;
  save(run: RunRecord): Promise<void>;
  run(unit: Unit, onProgress: (p: UnitProgress) => void, signal: AbortSignal): Promise<RunRecord>;
  emit(event: PlanEvent): void;
  /** Resolves at once, or when a pause ends. */
  gate(): Promise<void>;
  /** Folds runs where they do not keep the caller waiting; without it they are folded here. */
  fold?: ((runs: readonly RunRecord[]) => Promise<VariantResult[]>) | undefined;
}

export interface PlanOutcome {
  runs: RunRecord[];
  failures: { unit: Unit; error: WireError }[];
}

/** Failures after which the same variant is not tried again in this plan; the others go on. */
const VARIANT_FAILURES: readonly string[] = ['engine.memory', 'engine.failed', 'recipe.impossible', 'run.skipped'];
/** Failures that end the plan: nothing that follows could succeed. */
const PLAN_FAILURES: readonly string[] = [
  'cancelled',
  'store.quota',
  'store.unavailable',
  'engine.unavailable',
  'internal',
];

export const planHash = (plan: PlanRecord) => contentHash(plan);

/** Before a lost GPU is asked for again, ms: its driver starts anew, and until then the browser hands out dead devices. */
const RESTART_MS = 1000;

/** Where the browser gives up on the GPU after losing it: "no adapter" alone would hide why. */
const goneError = (cause: unknown) =>
  new JoulewiseError(
    'engine.unavailable',
    'The GPU was lost while the model ran, and this browser does not offer it any more. Finished runs are kept: close the browser, open it again and press Resume, or choose the processor as the engine.',
    { cause },
  );

/**
 * Runs a plan: stage by stage, unit by unit; what is stored already is not run again. A failing variant is reported and
 * left out; a lost GPU gets one more try with a fresh device.
 */
export async function executePlan(plan: PlanRecord, host: PlanHost, signal: AbortSignal): Promise<PlanOutcome> {
  const hash = await planHash(plan);
  const stored = new Map((await host.finished(hash)).map((r) => [r.id, r]));
  const runs: RunRecord[] = [];
  const failures: PlanOutcome['failures'] = [];
  const givenUp = new Set<string>();
  let lost = false;
  for (let stage = 0; stage < plan.stages.length; stage++) {
    const results = plan.stages[stage]?.kind === 'best' && host.fold ? await host.fold(ofModels(runs)) : null;
    const variants = stageVariants(plan, stage, runs, results);
    const units = stageUnits(plan, stage, variants);
    host.emit({ type: 'stage', stage, variants, units: units.length });
    for (const [index, unit] of units.entries()) {
      await host.gate();
      if (signal.aborted) throw new JoulewiseError('cancelled', 'Stopped. Finished runs are kept.');
      const known = stored.get(runId(hash, unit));
      if (known) {
        runs.push(known);
        host.emit({ type: 'run', unit, run: known, resumed: true });
        continue;
      }
      if (givenUp.has(unit.variant)) continue;
      host.emit({ type: 'unit', unit, index, of: units.length, stage });
      for (let attempt = 0; ; attempt++) {
        try {
          const run = await host.run(unit, (progress) => host.emit({ type: 'progress', unit, progress }), signal);
          await host.save(run);
          runs.push(run);
          host.emit({ type: 'run', unit, run, resumed: false });
        } catch (error) {
          const wire = toWireError(error);
          if (wire.code === 'engine.unavailable' && lost) throw goneError(error);
          if (PLAN_FAILURES.includes(wire.code)) throw error;
          lost ||= wire.code === 'engine.lost';
          if (wire.code === 'engine.lost' && attempt === 0) {
            await new Promise((done) => setTimeout(done, RESTART_MS));
            continue;
          }
          if (VARIANT_FAILURES.includes(wire.code) || wire.code === 'engine.lost') givenUp.add(unit.variant);
          failures.push({ unit, error: wire });
          host.emit({ type: 'failed', unit, error: wire });
        }
        break;
      }
    }
  }
  if (runs.length === 0 && failures[0])
    throw new JoulewiseError(failures[0].error.code, `No variant could be run. ${failures[0].error.message}`);
  return { runs, failures };
}

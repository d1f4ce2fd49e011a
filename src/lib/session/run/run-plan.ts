import { contentHash } from '../../core/canonical';
import type { Pause } from '../../core/pause';
import { JoulewiseError } from '../../core/errors';
import { executePlan, planHash, type PlanEvent, type PlanHost, type PlanOutcome } from '../../plan/execute';
import { checkPlan } from '../../plan/units';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { PlanRecord } from '../../schema/plan';
import type { Device } from '../../schema/run';
import type { SamplerAccess } from '../../schema/sampler';
import { getPlan, runsOfPlan, savePlan, saveRun } from '../../store/db';
import { CONDITIONS } from '../../texts/conditions';
import { RUN } from '../../texts/run';
import { meansFor } from '../open/means';
import { openVariant, type PlanAtHand } from '../open/open-variant';
import type { LeftOut } from '../open/skipping';
import { slowingOf, warningsOf, watchConditions } from '../tab/conditions';
import { lockOf, othersRun } from '../tab/tabs';
import { localCheckpoint } from '../threads/checkpoint';
import { pairedSampler } from '../threads/sampler';
import { checkAnswers, openTickets } from '../threads/tickets';

export interface RunPlanOptions {
  plan: PlanRecord;
  /** Of tickets that are stored. */
  dataset: DatasetSummaryRecord;
  device: Device;
  name: string;
  onEvent: (event: PlanEvent) => void;
  signal: AbortSignal;
  gate?: PlanHost['gate'];
  /** Holds fine-tuning up between two steps, which `gate` does not reach. */
  pause?: Pause;
  /** Called once this tab is the one that runs the plan; the first run waits for it. */
  onBegin?: () => Promise<void>;
  fold?: PlanHost['fold'];
  /** Variants that the person leaves out while the plan runs: a running unit ends, further ones are not begun. */
  leftOut?: LeftOut;
  /** The text that `plan.calibration` names. */
  calibrationTexts?: string[] | null;
  /** What counts the joules; none = the sampler that this browser is paired with, null = none. */
  sampler?: SamplerAccess | null;
}

/** Runs a plan to its end, or to `signal`; every finished unit is stored. One tab at a time runs a plan. */
export async function runPlan(o: RunPlanOptions): Promise<PlanOutcome> {
  const { plan, dataset, device } = o;
  checkPlan(plan);
  const hash = await planHash(plan);
  checkAnswers(dataset, plan.tasks, RUN.noColumn);
  const calibrationTexts = o.calibrationTexts ?? null;
  const sampler = o.sampler === undefined ? pairedSampler() : o.sampler;
  const named = plan.calibration;
  if (named && (calibrationTexts === null || (await contentHash(calibrationTexts)) !== named.hash))
    throw new JoulewiseError('input.empty', RUN.noCalibration(named.name));
  const variants = plan.stages.flatMap((s) => (s.kind === 'variants' ? s.variants : []));
  const checkpoint = await localCheckpoint(plan.checkpoint, plan.engine, variants);
  const keepPlan = async () => {
    // Going on with a plan does not make it younger, nor lose its name and notes.
    if (!(await getPlan(hash)))
      await savePlan({ hash, plan, name: o.name, note: '', createdAt: new Date().toISOString(), summary: null });
  };
  // Read once, for all units: what a run needs stays with it, even where this site's data is cleared meanwhile.
  const tickets = await openTickets(dataset);
  const at: PlanAtHand = {
    plan,
    hash,
    checkpoint,
    tickets,
    device,
    leftOut: o.leftOut,
    pause: o.pause,
    calibrationTexts,
    sampler,
  };
  try {
    await keepPlan();
    return await navigator.locks.request(lockOf(hash), { ifAvailable: true }, async (lock) => {
      if (!lock) throw new JoulewiseError('store.busy', RUN.elsewhere);
      await o.onBegin?.();
      const earlier = await runsOfPlan(hash);
      const watch = await watchConditions();
      const { threads, note, memory } = await meansFor(at, earlier, o.signal);
      return executePlan(
        plan,
        {
          finished: () => Promise.resolve(earlier.slice()),
          async save(run) {
            // Where this site's data was cleared meanwhile, a run without its plan could never be found again.
            if (!(await getPlan(hash))) {
              await tickets.keep();
              await keepPlan();
            }
            await saveRun(run);
          },
          memory,
          emit: o.onEvent,
          gate: o.gate ?? (() => Promise.resolve()),
          fold: o.fold,
          async open(member, onProgress, signal) {
            const opened = await openVariant(at, member.variant, threads, onProgress, signal);
            return {
              memoryBytes: opened.memoryBytes,
              close: () => opened.end(),
              async slice(unit, options) {
                watch.take();
                let shared = await othersRun(hash);
                const run = await opened.slice(unit, options);
                shared ||= await othersRun(hash);
                const conditions = { ...watch.take(), slowing: slowingOf(run, earlier) };
                earlier.push(run);
                return {
                  ...run,
                  fallbacks: [...run.fallbacks, ...note],
                  conditions,
                  warnings: [...run.warnings, ...warningsOf(conditions), ...(shared ? [CONDITIONS.otherTab] : [])],
                };
              },
            };
          },
        },
        o.signal,
      ).finally(() => watch.end());
    });
  } finally {
    tickets.end();
  }
}

import { calibrationLevel, parseRecipe } from '../compress/recipe';
import { contentHash } from '../core/canonical';
import { JoulewiseError } from '../core/errors';
import { executePlan, planHash, type PlanEvent, type PlanOutcome } from '../plan/execute';
import { checkPlan, type Unit } from '../plan/units';
import type { DatasetSummaryRecord } from '../schema/dataset';
import type { PlanRecord } from '../schema/plan';
import type { VariantResult } from '../schema/result';
import type { Device, RunRecord } from '../schema/run';
import { getPlan, runsOfPlan, savePlan, saveRun } from '../store/db';
import { localCheckpoint } from './checkpoint';
import type { Skips } from './skips';
import { CONDITIONS } from '../texts/conditions';
import { RUN } from '../texts/run';
import { answerable } from './experiment.svelte';
import { slowingOf, warningsOf, watchConditions } from './conditions';
import { lockOf, othersRun } from './tabs';
import { openTickets } from './tickets';
import { VERSIONS } from './versions';
import { callEngine } from './workers';

export interface RunPlanOptions {
  plan: PlanRecord;
  /** Of tickets that are stored. */
  dataset: DatasetSummaryRecord;
  device: Device;
  name: string;
  onEvent: (event: PlanEvent) => void;
  signal: AbortSignal;
  gate?: () => Promise<void>;
  /** Called once this tab is the one that runs the plan; the first run waits for it. */
  onBegin?: () => Promise<void>;
  /** See `PlanHost.fold`. */
  fold?: (runs: readonly RunRecord[]) => Promise<VariantResult[]>;
  /** Variants that the person leaves out while the plan runs: a running unit ends, further ones are not begun. */
  skips?: Skips;
  /** The text that `plan.calibration` names. */
  calibrationTexts?: string[] | null;
}

/** Whether a unit's recipe reads calibration text; ready-made exports and the baseline have no recipe. */
const calibrates = ({ engine, variant }: Unit) =>
  engine !== 'hub' && engine !== 'classical' && calibrationLevel(parseRecipe(variant)) !== null;

/** Runs a plan to its end, or to `signal`; every finished unit is stored. One tab at a time runs a plan. */
export async function runPlan(o: RunPlanOptions): Promise<PlanOutcome> {
  const { plan, dataset, device } = o;
  checkPlan(plan);
  const hash = await planHash(plan);
  for (const task of plan.tasks)
    if (answerable(dataset, task) === 0) throw new JoulewiseError('input.empty', RUN.noColumn(dataset.name, task));
  const texts = o.calibrationTexts ?? null;
  const named = plan.calibration;
  if (named && (texts === null || (await contentHash(texts)) !== named.hash))
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
  try {
    await keepPlan();
    return await navigator.locks.request(lockOf(hash), { ifAvailable: true }, async (lock) => {
      if (!lock) throw new JoulewiseError('store.busy', RUN.elsewhere);
      await o.onBegin?.();
      const earlier = await runsOfPlan(hash);
      const watch = await watchConditions();
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
          emit: o.onEvent,
          gate: o.gate ?? (() => Promise.resolve()),
          fold: o.fold,
          async run(unit, onProgress, signal) {
            const given = await tickets.give({
              task: unit.task,
              limit: plan.limit,
              train: unit.engine === 'classical' || (texts === null && calibrates(unit)),
            });
            const request = {
              plan,
              planHash: hash,
              unit,
              checkpoint,
              given,
              calibrationTexts: texts,
              device,
              versions: VERSIONS,
            };
            const skip = o.skips?.signal(unit.variant);
            watch.take();
            let shared = await othersRun(hash);
            try {
              skip?.throwIfAborted();
              const run = await callEngine('unit', request, {
                onEvent: onProgress,
                transfer: [given],
                signal: skip ? AbortSignal.any([signal, skip]) : signal,
              });
              shared ||= await othersRun(hash);
              const conditions = { ...watch.take(), slowing: slowingOf(run, earlier) };
              earlier.push(run);
              return {
                ...run,
                conditions,
                warnings: [...run.warnings, ...warningsOf(conditions), ...(shared ? [CONDITIONS.otherTab] : [])],
              };
            } catch (error) {
              if (!skip?.aborted || signal.aborted) throw error;
              throw new JoulewiseError('run.skipped', RUN.skipped);
            }
          },
        },
        o.signal,
      ).finally(() => watch.end());
    });
  } finally {
    tickets.end();
  }
}

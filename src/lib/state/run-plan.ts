import { calibrationLevel, parseRecipe } from '../compress/recipe';
import { contentHash } from '../core/canonical';
import { JoulewiseError, quote } from '../core/errors';
import { executePlan, planHash, type PlanEvent, type PlanOutcome } from '../plan/execute';
import { checkPlan, type Unit } from '../plan/units';
import type { UnitRequest } from '../plan/unit';
import { TASK_TABLE } from '../data/tasks';
import type { DatasetRecord } from '../schema/dataset';
import type { PlanRecord } from '../schema/plan';
import type { Device, TaskName } from '../schema/run';
import { getPlan, runsOfPlan, saveDataset, savePlan, saveRun } from '../store/db';
import { localCheckpoint } from './checkpoint';
import { VERSIONS } from './versions';
import { callEngine } from './workers';

export interface RunPlanOptions {
  plan: PlanRecord;
  dataset: DatasetRecord;
  device: Device;
  name: string;
  onEvent: (event: PlanEvent) => void;
  signal: AbortSignal;
  gate?: () => Promise<void>;
  /** The text that `plan.calibration` names. */
  calibrationTexts?: string[] | null;
}

/** Test tickets with an answer for the task, the first `limit` in the dataset's own (shuffled by split) order. */
export function testTickets(dataset: DatasetRecord, task: TaskName, limit: number) {
  return dataset.tickets
    .filter((t, i) => dataset.split[i] === 'test' && TASK_TABLE[task].target(t) !== null)
    .slice(0, limit);
}

/** Whether a unit's recipe reads calibration text; ready-made exports and the baseline have no recipe. */
const calibrates = ({ engine, variant }: Unit) =>
  engine !== 'hub' && engine !== 'classical' && calibrationLevel(parseRecipe(variant)) !== null;

/** What may spoil a measurement, as far as a page can see it. */
async function watchDisturbances(): Promise<{ stop: () => string[] }> {
  const seen = new Set<string>();
  const note = () => {
    if (document.visibilityState === 'hidden')
      seen.add('The tab was hidden during the run; browsers slow hidden tabs down.');
  };
  const battery =
    (await (navigator as { getBattery?: () => Promise<{ charging: boolean }> }).getBattery?.().catch(() => null)) ??
    null;
  if (battery && !battery.charging) seen.add('The device ran on battery, where it may clock lower.');
  document.addEventListener('visibilitychange', note);
  note();
  return {
    stop() {
      document.removeEventListener('visibilitychange', note);
      return [...seen];
    },
  };
}

/** Runs a plan to its end, or to `signal`; every finished unit is stored. One tab at a time runs a plan. */
export async function runPlan(o: RunPlanOptions): Promise<PlanOutcome> {
  const { plan, dataset, device } = o;
  checkPlan(plan);
  const hash = await planHash(plan);
  for (const task of plan.tasks)
    if (testTickets(dataset, task, 1).length === 0)
      throw new JoulewiseError(
        'input.empty',
        `No test ticket of "${dataset.name}" has ${task === 'rca' ? 'a cause' : 'a response'}; map a column to it, or drop the task ${task}.`,
      );
  const texts = o.calibrationTexts ?? null;
  const named = plan.calibration;
  if (named && (texts === null || (await contentHash(texts)) !== named.hash))
    throw new JoulewiseError(
      'input.empty',
      `This experiment calibrates on the text ${quote(named.name)}, which is not kept here. Run it again from the command line with --calib.`,
    );
  const variants = plan.stages.flatMap((s) => (s.kind === 'variants' ? s.variants : []));
  const checkpoint = await localCheckpoint(plan.checkpoint, plan.engine, variants);
  await saveDataset(dataset);
  // Going on with a plan does not make it younger, nor lose its name and notes.
  if (!(await getPlan(hash)))
    await savePlan({ hash, plan, name: o.name, note: '', createdAt: new Date().toISOString(), summary: null });
  return navigator.locks.request(`plan:${hash}`, { ifAvailable: true }, async (lock) => {
    if (!lock)
      throw new JoulewiseError(
        'store.busy',
        'Another tab is running this very plan. Watch it there, or stop it there first.',
      );
    return executePlan(
      plan,
      {
        finished: runsOfPlan,
        save: saveRun,
        emit: o.onEvent,
        gate: o.gate ?? (() => Promise.resolve()),
        async run(unit, onProgress, signal) {
          const request: UnitRequest = {
            plan,
            planHash: hash,
            unit,
            checkpoint,
            tickets: testTickets(dataset, unit.task, plan.limit),
            train:
              unit.engine === 'classical' || (texts === null && calibrates(unit))
                ? dataset.tickets.filter((_, i) => dataset.split[i] === 'train')
                : [],
            calibrationTexts: texts,
            causes: dataset.causes,
            device,
            versions: VERSIONS,
          };
          const watch = await watchDisturbances();
          try {
            const run = await callEngine('unit', request, { onEvent: onProgress, signal });
            return { ...run, warnings: [...run.warnings, ...watch.stop()] };
          } finally {
            watch.stop();
          }
        },
      },
      o.signal,
    );
  });
}

import { BASELINE, BASELINE_ENGINE } from '../../schema/engines';
import { HANDED } from '../../variant/engines';
import { contentHash } from '../../core/canonical';
import { JoulewiseError } from '../../core/errors';
import { executePlan, planHash, type PlanEvent, type PlanOutcome, type UnitProgress } from '../../plan/execute';
import { memoryBudget } from '../../forecast/memory';
import { leaveOneFree } from '../../measure/steady';
import { calibrates, checkPlan, joinsLate, learns, listedMembers } from '../../plan/units';
import type { Folded } from '../../rank/fold';
import { MAX_THREADS } from '../../device/probe';
import { LEAST_SLICES, VALIDATION_TICKETS } from '../../schema/defaults';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { CheckpointRef, PlanRecord } from '../../schema/plan';
import type { Device, RunRecord } from '../../schema/run';
import { getPlan, runsOfPlan, savePlan, saveRun } from '../../store/db';
import { localCheckpoint } from '../threads/checkpoint';
import type { Skips } from '../open/skips';
import { CONDITIONS } from '../../texts/conditions';
import { RUN } from '../../texts/run';
import { answerable } from '../../data/answerable';
import { slowingOf, warningsOf, watchConditions } from '../tab/conditions';
import { lockOf, othersRun } from '../tab/tabs';
import { openTickets, type Tickets } from '../threads/tickets';
import { VERSIONS } from '../threads/versions';
import { keepEngine } from '../threads/workers';

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
  fold?: (runs: readonly RunRecord[]) => Promise<Folded>;
  /** Variants that the person leaves out while the plan runs: a running unit ends, further ones are not begun. */
  skips?: Skips;
  /** The text that `plan.calibration` names. */
  calibrationTexts?: string[] | null;
}

/** A thread that is told to stop and does not answer for so long hangs, and is ended. */
const GRACE_MS = 3000;
/** A thread without a word for so long hangs: it tells of every ticket, and of every layer that it reads. */
const SILENCE_MS = 300_000;
/** Pieces by which two numbers of threads are compared. */
const PIECES = 24;
/** Does a call, and ends it where the person leaves the variant out meanwhile. */
async function skipping<T>(
  skips: Skips | undefined,
  variant: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const skip = skips?.signal(variant);
  try {
    skip?.throwIfAborted();
    return await call(skip ? AbortSignal.any([signal, skip]) : signal);
  } catch (error) {
    if (!skip?.aborted || signal.aborted) throw error;
    throw new JoulewiseError('run.skipped', RUN.skipped);
  }
}

/** A variant of the plan, open in a thread of its own. */
async function openIn(
  o: RunPlanOptions,
  hash: string,
  checkpoint: CheckpointRef,
  tickets: Tickets,
  variant: string,
  threads: number | null,
  onProgress: (p: UnitProgress) => void,
  signal: AbortSignal,
) {
  const { plan, device } = o;
  const texts = o.calibrationTexts ?? null;
  const thread = keepEngine();
  try {
    const given = await tickets.give({
      tasks: plan.tasks,
      limit: plan.limit,
      seed: plan.seed,
      validation: VALIDATION_TICKETS,
      train: learns(plan, variant) || (texts === null && calibrates(plan, variant)),
    });
    const request = {
      plan,
      planHash: hash,
      variant,
      engine: variant === BASELINE ? BASELINE_ENGINE : plan.engine,
      checkpoint,
      threads,
      given,
      calibrationTexts: texts,
      device,
      versions: VERSIONS,
    };
    const opened = await skipping(o.skips, variant, signal, (either) =>
      thread.call('openUnit', request, {
        onEvent: onProgress,
        transfer: [given],
        signal: either,
        graceMs: GRACE_MS,
        silenceMs: SILENCE_MS,
      }),
    );
    return { ...opened, thread };
  } catch (error) {
    thread.end();
    throw error;
  }
}

/**
 * Threads that all variants of a plan run on: as asked for; else those that finished runs had; else all, or one fewer
 * where short pieces of equal work show all to be slower or less steady, because something else needs one.
 */
async function threadsFor(
  o: RunPlanOptions,
  hash: string,
  checkpoint: CheckpointRef,
  tickets: Tickets,
  earlier: readonly RunRecord[],
): Promise<{ threads: number | null; note: string[] }> {
  const { plan, device } = o;
  // Too few slices tell no energies apart: testing threads would take longer than it could mend.
  if (plan.threads !== null || !HANDED[plan.engine].triesThreads || plan.slices < LEAST_SLICES)
    return { threads: plan.threads, note: [] };
  const before = earlier.find((run) => run.engine === plan.engine)?.threads;
  if (before !== undefined) return { threads: before, note: [] };
  const first = listedMembers(plan).find(({ variant }) => variant !== BASELINE && !joinsLate(plan, variant));
  const all = device.crossOriginIsolated ? Math.min(device.cores ?? 1, MAX_THREADS) : 1;
  if (!first || all < 2) return { threads: null, note: [] };
  const time = async (threads: number) => {
    const { thread } = await openIn(o, hash, checkpoint, tickets, first.variant, threads, () => undefined, o.signal);
    try {
      return await thread.call('pieces', { n: PIECES }, { signal: o.signal, graceMs: GRACE_MS, silenceMs: SILENCE_MS });
    } finally {
      thread.end();
    }
  };
  try {
    if (!leaveOneFree(await time(all), await time(all - 1))) return { threads: all, note: [] };
    return { threads: all - 1, note: [RUN.oneThreadFree(all)] };
  } catch (error) {
    // What does not open here fails where failures are told.
    if (error instanceof JoulewiseError && error.code === 'cancelled') throw error;
    return { threads: null, note: [] };
  }
}

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
      const { threads, note } = await threadsFor(o, hash, checkpoint, tickets, earlier);
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
          memory: memoryBudget(device, plan.engine),
          emit: o.onEvent,
          gate: o.gate ?? (() => Promise.resolve()),
          fold: o.fold,
          async open(member, onProgress, signal) {
            const opened = await openIn(o, hash, checkpoint, tickets, member.variant, threads, onProgress, signal);
            return {
              memoryBytes: opened.memoryBytes,
              close: () => opened.thread.end(),
              async slice(unit, { patience, tries, ...rest }) {
                watch.take();
                let shared = await othersRun(hash);
                const run = await skipping(o.skips, unit.variant, rest.signal, (either) =>
                  opened.thread.call(
                    'slice',
                    { unit, patience, tries },
                    { onEvent: rest.onProgress, signal: either, graceMs: GRACE_MS, silenceMs: SILENCE_MS },
                  ),
                );
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

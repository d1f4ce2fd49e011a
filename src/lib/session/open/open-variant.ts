import { JoulewiseError } from '../../core/errors';
import { BASELINE, BASELINE_ENGINE } from '../../schema/engines';
import type { Pause } from '../../core/pause';
import { VALIDATION_TICKETS } from '../../schema/defaults';
import type { CheckpointRef, PlanRecord } from '../../schema/plan';
import type { Device, RunRecord } from '../../schema/run';
import type { SamplerAccess } from '../../schema/sampler';
import type { UnitProgress } from '../../plan/execute';
import type { OpenUnit, SliceOptions } from '../../plan/open-members';
import { calibrates, learns, type Unit } from '../../plan/units';
import type { Tickets } from '../threads/tickets';
import { VERSIONS } from '../threads/versions';
import { keepEngine } from '../threads/workers';
import { skipping, type LeftOut } from './skipping';

/** A plan with all that opening its variants takes. */
export interface PlanAtHand {
  plan: PlanRecord;
  hash: string;
  /** In this browser. */
  checkpoint: CheckpointRef;
  tickets: Tickets;
  device: Device;
  leftOut: LeftOut | undefined;
  /** Holds fine-tuning up between two steps. */
  pause: Pause | undefined;
  /** The text that `plan.calibration` names. */
  calibrationTexts: string[] | null;
  /** What counts the joules; null = the power profile. */
  sampler: SamplerAccess | null;
}

/** A variant of the plan, open in a thread of its own, until `end`. */
export interface OpenVariant extends Pick<OpenUnit, 'memoryBytes'> {
  slice(unit: Unit, o: SliceOptions): Promise<RunRecord>;
  /** Milliseconds of short pieces of equal work. */
  pieces(n: number, signal: AbortSignal): Promise<number[]>;
  end(): void;
}

/** A thread that is told to stop and does not answer for so long hangs, and is ended. */
const GRACE_MS = 3000;
/** A thread without a word for so long hangs: it tells of every ticket, and of every layer that it reads. */
const SILENCE_MS = 300_000;
/**
 * While it starts a thread for itself: in Firefox ESR 153 the constructor of a worker within a worker now and then never
 * returns, so that nothing in that thread can notice (2 of 100 starts). Its own guard ends a slow start sooner.
 */
const START_MS = 30_000;
/** Times that a variant is opened in another thread because its own stood still there. */
const STARTS = 4;
const isStarting = (last: UnitProgress | null) => last?.phase === 'threads' && last.done === 0;
const PATIENCE = {
  graceMs: GRACE_MS,
  silenceMs: (last: UnitProgress | null) => (isStarting(last) ? START_MS : SILENCE_MS),
};

/** @param threads null: as many as the engine takes by itself */
export async function openVariant(
  at: PlanAtHand,
  variant: string,
  threads: number | null,
  onProgress: (p: UnitProgress) => void,
  signal: AbortSignal,
): Promise<OpenVariant> {
  for (let start = 1; ; start++) {
    let last: UnitProgress | null = null;
    const told = (p: UnitProgress) => {
      last = p;
      onProgress(p);
    };
    try {
      const opened = await openOnce(at, variant, threads, told, signal);
      return start === 1 ? opened : noting(opened, stoodStill(start - 1));
    } catch (error) {
      const hung = error instanceof JoulewiseError && error.code === 'engine.hung';
      if (!hung || !isStarting(last) || start === STARTS) throw error;
    }
  }
}

const stoodStill = (times: number) =>
  `${times === 1 ? 'A thread' : `${times} threads`} of this browser stood still at the start of another and ${times === 1 ? 'was' : 'were'} ended; the variant was opened again.`;

/** A variant whose records say what its opening took beside the usual. */
const noting = (opened: OpenVariant, note: string): OpenVariant => ({
  ...opened,
  async slice(unit, o) {
    const run = await opened.slice(unit, o);
    return { ...run, fallbacks: [...run.fallbacks, note] };
  },
});

async function openOnce(
  { plan, hash, checkpoint, tickets, device, leftOut, pause, calibrationTexts, sampler }: PlanAtHand,
  variant: string,
  threads: number | null,
  onProgress: (p: UnitProgress) => void,
  signal: AbortSignal,
): Promise<OpenVariant> {
  const thread = keepEngine();
  try {
    const given = await tickets.give({
      tasks: plan.tasks,
      limit: plan.limit,
      seed: plan.seed,
      validation: VALIDATION_TICKETS,
      train: learns(plan, variant) || (calibrationTexts === null && calibrates(plan, variant)),
    });
    const request = {
      plan,
      planHash: hash,
      variant,
      engine: variant === BASELINE ? BASELINE_ENGINE : plan.engine,
      checkpoint,
      threads,
      given,
      calibrationTexts,
      device,
      sampler,
      versions: VERSIONS,
    };
    const { memoryBytes } = await skipping(leftOut, variant, signal, (either) =>
      thread.call('openUnit', request, { onEvent: onProgress, transfer: [given], signal: either, pause, ...PATIENCE }),
    );
    return {
      memoryBytes,
      slice: (unit, { patience, tries, onProgress: onEvent, signal: ending }) =>
        skipping(leftOut, unit.variant, ending, (either) =>
          thread.call('slice', { unit, patience, tries }, { onEvent, signal: either, ...PATIENCE }),
        ),
      pieces: (n, cut) => thread.call('pieces', { n }, { signal: cut, ...PATIENCE }),
      end: () => thread.end(),
    };
  } catch (error) {
    thread.end();
    throw error;
  }
}

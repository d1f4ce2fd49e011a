import { ENGINE, type EngineName } from '../schema/engines';
import { ARITHMETICS, type Arithmetic } from '../core/cost';
import { grossJoules } from '../meter/model';
import type { PowerProfile } from '../meter/profiles';
import type { Range } from '../schema/run';

/** Work of a plan, or of a part of it, as counted before it runs. */
export interface PlanWork {
  /** Moved between memory and the kernels. */
  bytes: number;
  /** A multiply-add counts as two. */
  operations: Readonly<Record<Arithmetic, number>>;
  /** Passes through a model: each costs its launch. */
  passes: number;
  /** Times that a model is opened. */
  openings: number;
  /** Parameters read and compressed, over all openings. */
  parameters: number;
  /** Operations of calibrating and of solving layers, which every engine leaves to the same WebAssembly kernels. */
  calibration: number;
}

export const NO_WORK: PlanWork = {
  bytes: 0,
  operations: { f32: 0, f16: 0, i16: 0, i8: 0 },
  passes: 0,
  openings: 0,
  parameters: 0,
  calibration: 0,
};

export const addPlanWork = (a: PlanWork, b: PlanWork, times = 1): PlanWork => ({
  bytes: a.bytes + times * b.bytes,
  operations: {
    f32: a.operations.f32 + times * b.operations.f32,
    f16: a.operations.f16 + times * b.operations.f16,
    i16: a.operations.i16 + times * b.operations.i16,
    i8: a.operations.i8 + times * b.operations.i8,
  },
  passes: a.passes + times * b.passes,
  openings: a.openings + times * b.openings,
  parameters: a.parameters + times * b.parameters,
  calibration: a.calibration + times * b.calibration,
});

/** Between the fastest and the slowest device of a class lies about this factor each way. */
const UNKNOWN_FACTOR = 3;
/** Runs of one device differ by this much: its clock, its temperature, what else runs on it. */
const KNOWN_FACTOR = 1.5;

export interface Price {
  seconds: Range;
  /** Of the whole device while it runs, idle power included: what is not known about the device, at the expected time. */
  joules: Range;
}

/** On what some work is done. */
export interface Way {
  engine: EngineName;
  threads: number;
  profile: PowerProfile;
}

/**
 * Expected time and energy of some work, by the device's power profile.
 *
 * @param o.correction measured over expected seconds of earlier runs of this engine here; null where there are none
 */
export function priceOf(work: PlanWork, o: Way & { correction: number | null }): Price {
  const speed = ENGINE[o.engine].speed ?? ENGINE.cpu.speed;
  const threads = ENGINE[o.engine].threads ? o.threads : 1;
  const operations = ARITHMETICS.reduce((n, a) => n + work.operations[a], 0);
  const mid =
    (o.correction ?? 1) *
    (operations / (speed.operationsPerSecond * threads) +
      work.bytes / speed.bytesPerSecond +
      work.passes * speed.secondsPerPass +
      work.openings * speed.secondsPerOpening +
      work.parameters * speed.secondsPerParameter +
      work.calibration / (ENGINE.cpu.speed.operationsPerSecond * o.threads));
  const factor = o.correction === null ? UNKNOWN_FACTOR : KNOWN_FACTOR;
  const seconds = { low: mid / factor, mid, high: mid * factor };
  const counted = ARITHMETICS.map((arithmetic) => ({
    arithmetic,
    bytes: operations === 0 ? 0 : (work.bytes * work.operations[arithmetic]) / operations,
    operations: work.operations[arithmetic],
  }));
  const calibration = { arithmetic: 'f32', bytes: 0, operations: work.calibration } as const;
  // At the expected time: ends of time and of power together would say nothing any more.
  return { seconds, joules: grossJoules(o.profile, mid, [...counted, calibration]) };
}

import { ARITHMETICS, grossJoules, type Arithmetic } from '../meter/model';
import type { PowerProfile } from '../meter/profiles';
import type { EngineName, Range } from '../schema/run';

/** Work of a plan, or of a part of it, as counted before it runs. */
export interface Work {
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

export const NO_WORK: Work = {
  bytes: 0,
  operations: { f32: 0, f16: 0, i16: 0, i8: 0 },
  passes: 0,
  openings: 0,
  parameters: 0,
  calibration: 0,
};

export const addWork = (a: Work, b: Work, times = 1): Work => ({
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

/**
 * How fast an engine is, before it has run here: of the order that `npm run bench` gives on two x86 cores, and for GPUs
 * a mid-range one's. Off by some factor on any device, which `UNKNOWN_FACTOR` admits and the first run here corrects.
 */
interface Speed {
  /** Of one thread, where the engine has threads. */
  operationsPerSecond: number;
  bytesPerSecond: number;
  secondsPerPass: number;
  secondsPerOpening: number;
  /** Reading, compressing and packing. */
  secondsPerParameter: number;
}
const SPEEDS: Readonly<Record<'cpu' | 'ort-cpu' | 'gpu', Speed>> = {
  cpu: {
    operationsPerSecond: 20e9,
    bytesPerSecond: 8e9,
    secondsPerPass: 0.4e-3,
    secondsPerOpening: 0.5,
    secondsPerParameter: 80e-9,
  },
  'ort-cpu': {
    operationsPerSecond: 10e9,
    bytesPerSecond: 4e9,
    secondsPerPass: 4e-3,
    secondsPerOpening: 1,
    secondsPerParameter: 120e-9,
  },
  gpu: {
    operationsPerSecond: 500e9,
    bytesPerSecond: 50e9,
    secondsPerPass: 8e-3,
    secondsPerOpening: 1.5,
    secondsPerParameter: 120e-9,
  },
};

/** Between the fastest and the slowest device of a class lies about this factor each way. */
const UNKNOWN_FACTOR = 3;
/** Runs of one device differ by this much: its clock, its temperature, what else runs on it. */
const KNOWN_FACTOR = 1.5;

export interface Price {
  seconds: Range;
  /** Of the whole device while it runs, idle power included: what is not known about the device, at the expected time. */
  joules: Range;
}

/**
 * Expected time and energy of some work, by the device's power profile.
 *
 * @param o.correction measured over expected seconds of earlier runs of this engine here; null where there are none
 */
export function priceOf(
  work: Work,
  o: { engine: EngineName; threads: number; profile: PowerProfile; correction: number | null },
): Price {
  const speed = SPEEDS[o.engine === 'gpu' || o.engine === 'ort-cpu' ? o.engine : 'cpu'];
  const threads = o.engine === 'gpu' ? 1 : o.threads;
  const operations = ARITHMETICS.reduce((n, a) => n + work.operations[a], 0);
  const mid =
    (o.correction ?? 1) *
    (operations / (speed.operationsPerSecond * threads) +
      work.bytes / speed.bytesPerSecond +
      work.passes * speed.secondsPerPass +
      work.openings * speed.secondsPerOpening +
      work.parameters * speed.secondsPerParameter +
      work.calibration / (SPEEDS.cpu.operationsPerSecond * o.threads));
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

import type { Arithmetic } from '../core/cost';
import type { Range } from '../schema/run';
import type { PowerProfile } from './profiles';

/** The energy model: the one formula by which time and work become joules, wherever they are estimated or priced. */

/**
 * Energy of one operation relative to 32-bit, as [low, mid, high]. One factor per kind, not one per part: data sheets
 * do not state power by precision. CPU: byte kernels do 310-350 Gop/s where fp32 does 95-112 on the same cores, 0.3 at
 * equal power (`npm run bench`, x86 with VNNI); int16 products do 110-150, 0.85 at equal power, and half as many lanes at
 * best; half precision is unpacked and computed in 32. GPU: half-rate to same-rate; int8 dot
 * products reach WebGPU only on some devices.
 */
const OPERATION_COST: Readonly<Record<PowerProfile['kind'], Record<Arithmetic, Range>>> = {
  cpu: {
    f32: { low: 1, mid: 1, high: 1 },
    f16: { low: 1, mid: 1, high: 1 },
    i16: { low: 0.4, mid: 0.85, high: 1 },
    i8: { low: 0.2, mid: 0.3, high: 0.7 },
  },
  gpu: {
    f32: { low: 1, mid: 1, high: 1 },
    f16: { low: 0.4, mid: 0.6, high: 1 },
    // WGSL has no 16-bit integer products: they would be 32-bit ones.
    i16: { low: 1, mid: 1, high: 1 },
    i8: { low: 0.25, mid: 0.5, high: 1 },
  },
};

export const forEachEnd = (value: (end: keyof Range) => number): Range => ({
  low: value('low'),
  mid: value('mid'),
  high: value('high'),
});
const PICO = 1e-12;

/** Joules that work takes beyond idle power. */
export interface EnergyRates {
  perByte: Range;
  /** One operation; a multiply-add counts as two. */
  perOperation: Range;
}

/** What a byte moved and an operation cost by a profile. */
export const ratesOf = (profile: PowerProfile, arithmetic: Arithmetic): EnergyRates => ({
  perByte: forEachEnd((end) => PICO * profile.pjPerByte[end]),
  perOperation: forEachEnd((end) => PICO * profile.pjPerFlop[end] * OPERATION_COST[profile.kind][arithmetic][end]),
});

/** Work of one arithmetic. */
export interface CountedWork {
  arithmetic: Arithmetic;
  bytes: number;
  /** A multiply-add counts as two. */
  operations: number;
}

/** a bytes + b operations, at one end of the rates. */
export const workAt = (rates: EnergyRates, end: keyof Range, bytes: number, operations: number): number =>
  rates.perByte[end] * bytes + rates.perOperation[end] * operations;

/** Joules of the device at rest for a time: P_idle t. */
export const idleJoules = (profile: PowerProfile, seconds: number): Range =>
  forEachEnd((end) => profile.idleW[end] * seconds);

/**
 * E = P_idle t + P_awake t + a bytes + b operations of a time with work in it, summed over arithmetics, and no more than rated
 * power gives (at the high end with its overshoot).
 */
export const grossJoules = (profile: PowerProfile, seconds: number, work: readonly CountedWork[]): Range =>
  forEachEnd((end) => {
    const linear = work.reduce(
      (sum, { arithmetic, bytes, operations }) => sum + workAt(ratesOf(profile, arithmetic), end, bytes, operations),
      (profile.idleW[end] + profile.awakeW[end]) * seconds,
    );
    return Math.min(linear, (end === 'high' ? profile.loadW.high : profile.loadW.mid) * seconds);
  });

/** The same without P_idle t. */
export function netJoules(profile: PowerProfile, seconds: number, work: readonly CountedWork[]): Range {
  const [idle, gross] = [idleJoules(profile, seconds), grossJoules(profile, seconds, work)];
  return forEachEnd((end) => Math.max(0, gross[end] - idle[end]));
}

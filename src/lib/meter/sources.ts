import {
  bytes as asBytes,
  flops as asFlops,
  joules,
  seconds as asSeconds,
  type Bytes,
  type Flops,
  type Joules,
  type Seconds,
} from '../core/units';
import type { Arithmetic } from '../core/cost';
import type { Boundary, Phase, Range, Reading, Tier } from '../schema/run';
import type { PowerProfile } from './profiles';

/** Everything a run did in one phase, in one arithmetic. */
export interface MeterWindow {
  phase: Phase;
  seconds: Seconds;
  /** By our own graph's count; null where the graph is not ours. */
  bytes: Bytes | null;
  flops: Flops | null;
  tokens: number | null;
  /** Default f32. */
  arithmetic?: Arithmetic;
  /**
   * Share of the device's idle power that this process answers for, in (0, 1]; default 1. Below 1 only where others
   * share the machine (cores rented on a server).
   */
  threadsShare?: number;
  /** [start, end] pairs in milliseconds of the meter's clock: what counters are asked for. */
  spans?: readonly number[];
}

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

const forEachEnd = (value: (end: keyof Range) => number): Range => ({
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

/**
 * Profile tier: E = P_idle t + a bytes + b FLOPs, at the profile's low, mid and high values (design.md, section 6).
 *
 * Work that nobody counted gives null, not time x power: at constant watts a slow 4-bit kernel looks 70 % dearer than
 * 16-bit where the meter says 11 % cheaper. `powerBounds` says what can be said. An idle phase does no work by definition.
 */
export function readingFromProfile(window: MeterWindow, profile: PowerProfile): Reading {
  const { phase, seconds, tokens, arithmetic = 'f32', threadsShare = 1 } = window;
  const idle = phase === 'idle';
  const bytes = idle ? (window.bytes ?? asBytes(0)) : window.bytes;
  const flops = idle ? (window.flops ?? asFlops(0)) : window.flops;
  const { perByte, perOperation } = ratesOf(profile, arithmetic);
  const net =
    bytes === null || flops === null ? null : forEachEnd((end) => perByte[end] * bytes + perOperation[end] * flops);
  return {
    phase,
    seconds,
    joules: net && forEachEnd((end) => profile.idleW[end] * threadsShare * seconds + net[end]),
    netJoules: net,
    tier: 'profile',
    boundary: profile.boundary,
    source: profile.name,
    bytes: window.bytes,
    flops: window.flops,
    tokens,
  };
}

/** Bounds of a window whose work is unknown: from idle throughout to full load throughout. No mid: nothing points to one. */
export function powerBounds(seconds: Seconds, profile: PowerProfile, threadsShare = 1): { low: Joules; high: Joules } {
  return {
    low: joules(profile.idleW.low * threadsShare * seconds),
    high: joules(profile.loadW.high * seconds),
  };
}

/** Sum of readings of one phase from one source: time, energy and work add up, and unknown plus anything is unknown. */
export function addReadings(first: Reading, ...others: readonly Reading[]): Reading {
  const add = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);
  const addRanges = (a: Range | null, b: Range | null) => a && b && forEachEnd((end) => a[end] + b[end]);
  return others.reduce(
    (a, b) => ({
      ...a,
      seconds: asSeconds(a.seconds + b.seconds),
      joules: addRanges(a.joules, b.joules),
      netJoules: addRanges(a.netJoules, b.netJoules),
      bytes: add(a.bytes, b.bytes),
      flops: add(a.flops, b.flops),
      tokens: add(a.tokens, b.tokens),
    }),
    first,
  );
}

/**
 * Something that can say how many joules windows took. A counter (the sampler) sums over `spans`; the profile tier
 * computes from the work. `read` answers one reading per window, in order; an unknown one has null joules.
 */
export interface EnergySource {
  tier: Tier;
  boundary: Boundary;
  /** Goes into `Reading.source`. */
  name: string;
  read(windows: readonly MeterWindow[]): Promise<Reading[]>;
}

export const profileSource = (profile: PowerProfile): EnergySource => ({
  tier: 'profile',
  boundary: profile.boundary,
  name: profile.name,
  read: (windows) => Promise.resolve(windows.map((window) => readingFromProfile(window, profile))),
});

/** How to get a source of each kind that exists. The companion's counters add their row here. */
export const SOURCES = { profile: profileSource } as const satisfies Record<string, (option: never) => EnergySource>;

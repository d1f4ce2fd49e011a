import type { Arithmetic } from '../core/cost';
import { seconds as asSeconds, type Bytes, type Operations, type Seconds } from '../core/units';
import { PHASES, type Boundary, type Phase, type Range, type Reading, TIERS, type Tier } from '../schema/run';
import { forEachEnd } from './model';

/** Everything a run did in one phase, in one arithmetic. */
export interface MeterWindow {
  phase: Phase;
  seconds: Seconds;
  /** By our own graph's count; null where the graph is not ours. */
  bytes: Bytes | null;
  operations: Operations | null;
  tokens: number | null;
  /** Default f32. */
  arithmetic?: Arithmetic;
  /** [start, end] pairs in milliseconds of the meter's clock: what counters are asked for. */
  spans?: readonly number[];
}

/**
 * Something that can say how many joules windows took. A counter sums over `spans`; the profile tier computes from the
 * work. One reading per window, in order; an unknown one has null joules.
 */
export interface EnergySource {
  tier: Tier;
  boundary: Boundary;
  /** Goes into `Reading.source`. */
  name: string;
  /** Asked once, when all windows are closed: it may take a while, or cross the network. */
  read(windows: readonly MeterWindow[]): Promise<Reading[]>;
  /** What can be said at once and for nothing, for a live view; absent where asking costs something. */
  peek?(windows: readonly MeterWindow[]): Reading[];
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

/** One reading per phase and source, in the order of PHASES; of sources, in the order in which they were opened. */
export function sumReadings(readings: readonly Reading[]): Reading[] {
  const sources = [...new Set(readings.map(({ source }) => source))];
  return PHASES.flatMap((phase) =>
    sources.flatMap((source) => {
      const [first, ...others] = readings.filter((r) => r.phase === phase && r.source === source);
      return first ? [addReadings(first, ...others)] : [];
    }),
  );
}

/**
 * One reading per phase, of the most trusted source that read all of the phases that the others did: phases of one run
 * are never priced by different sources.
 */
export function mainReadings(readings: readonly Reading[]): Reading[] {
  const sources = [...new Set(readings.map(({ source }) => source))];
  if (sources.length < 2) return [...readings];
  const of = (source: string) => readings.filter((r) => r.source === source);
  const trust = (source: string) => {
    const own = of(source);
    const unknown = own.filter(({ joules, phase }) => joules === null && phase !== 'idle').length;
    return [unknown, Math.min(...own.map(({ tier }) => TIERS.indexOf(tier)))] as const;
  };
  const known = sources.map((source) => [source, ...trust(source)] as const);
  known.sort((a, b) => a[1] - b[1] || a[2] - b[2]);
  return of((known[0] as (typeof known)[number])[0]);
}

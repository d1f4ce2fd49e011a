import type { Arithmetic } from '../core/cost';
import { createRandom, type Random } from '../core/random';
import type { SegmentKind } from '../schema/energy-model';
import type { Series } from './readings';
import { orderOf, ROUTINES, type RoutineName } from './routine';
import type { Segment } from './timeline';

/**
 * Simulated devices whose truth is known, for tests and the bench: power that does not follow work in a line, clocks that
 * fall under load, a chip that warms up, work of others, and meters that lag, step and round. Not part of the app.
 */

/** What a device does at full speed, and what it really draws. Watts, bytes and operations a second. */
export interface SimulatedDevice {
  idleW: number;
  awakeW: number;
  bandwidth: number;
  rates: Readonly<Record<'f32' | 'i16' | 'i8', number>>;
  /** Watts above awake at full bandwidth, and at the full rate of each arithmetic. */
  memoryW: number;
  computeW: Readonly<Record<'f32' | 'i16' | 'i8', number>>;
  /** Exponent of dynamic power: 1 = as the model has it. */
  exponent: number;
  /** Reading and computing at once draw this much more (or less) than both apart, as a share of the smaller. */
  together: number;
  /** Clocks under the heaviest load over those at first, and seconds until they fall. */
  throttle: number;
  throttleSeconds: number;
  /** Power a hot chip draws more, as a share, and seconds until it is hot. */
  leakage: number;
  thermalSeconds: number;
  /** Bursts of others: watts, how many a second, and how long in seconds. */
  others: { watts: number; perSecond: number; seconds: number };
}

const uniform = (random: Random, low: number, high: number) => low + (high - low) * random.next();
const logUniform = (random: Random, low: number, high: number) =>
  Math.exp(uniform(random, Math.log(low), Math.log(high)));

/** A device between a board of 2 W and a workstation. */
export function simulateDevice(random: Random): SimulatedDevice {
  const idleW = logUniform(random, 1.5, 60);
  const top = idleW * logUniform(random, 1.5, 8);
  return {
    idleW,
    awakeW: idleW + top * uniform(random, 0.05, 0.25),
    bandwidth: logUniform(random, 4e9, 400e9),
    rates: {
      f32: logUniform(random, 2e10, 2e12),
      i16: logUniform(random, 3e10, 3e12),
      i8: logUniform(random, 6e10, 8e12),
    },
    memoryW: top * uniform(random, 0.3, 0.8),
    computeW: {
      f32: top * uniform(random, 0.5, 1),
      i16: top * uniform(random, 0.5, 1),
      i8: top * uniform(random, 0.5, 1),
    },
    exponent: uniform(random, 0.8, 1.15),
    together: uniform(random, -0.3, 0.3),
    throttle: uniform(random, 0.65, 1),
    throttleSeconds: uniform(random, 0.3, 2),
    leakage: uniform(random, 0, 0.12),
    thermalSeconds: uniform(random, 15, 60),
    others: {
      watts: idleW * uniform(random, 0.05, 0.3),
      perSecond: uniform(random, 0, 0.1),
      seconds: uniform(random, 0.3, 2),
    },
  };
}

/** Shares of full bandwidth and of the full rate that a kind of work reaches at once. */
export interface Load {
  kind: SegmentKind;
  arithmetic: 'f32' | 'i16' | 'i8';
  memory: number;
  compute: number;
}

/** Kernels of the routine; what an engine does lies between them. */
const loadsOf = (random: Random): Load[] => [
  { kind: 'waiting', arithmetic: 'f32', memory: 0, compute: 0.002 },
  { kind: 'reading', arithmetic: 'f32', memory: uniform(random, 0.85, 1), compute: 0 },
  { kind: 'computing', arithmetic: 'f32', memory: 0, compute: 1 },
  { kind: 'computing', arithmetic: 'i16', memory: 0, compute: 1 },
  { kind: 'computing', arithmetic: 'i8', memory: 0, compute: 1 },
  { kind: 'mixed', arithmetic: 'f32', memory: 0.5, compute: uniform(random, 0.2, 0.4) },
  { kind: 'mixed', arithmetic: 'i8', memory: 0.5, compute: uniform(random, 0.2, 0.4) },
  ...(['f32', 'i8'] as const).flatMap((arithmetic): Load[] => [
    prefill(random, arithmetic),
    decode(random, arithmetic),
  ]),
];

const prefill = (random: Random, arithmetic: Load['arithmetic']): Load => ({
  kind: 'prefill',
  arithmetic,
  memory: uniform(random, 0.02, 0.25),
  compute: uniform(random, 0.5, 0.9),
});
const decode = (random: Random, arithmetic: Load['arithmetic']): Load => ({
  kind: 'decode',
  arithmetic,
  memory: uniform(random, 0.5, 0.95),
  compute: uniform(random, 0.03, 0.4),
});

const TICK = 0.02;

/** A device under way: its temperature and its clocks go on from one piece to the next. */
class World {
  /** Seconds since it began, joules it has drawn, and the watts of each tick. */
  time = 0;
  readonly watts: number[] = [];
  #heat = 0;
  #clock = 1;
  #burstUntil = 0;

  constructor(
    private readonly device: SimulatedDevice,
    private readonly random: Random,
  ) {}

  /** Runs a load for some seconds, in ticks; null = idle. */
  run(load: Load | null, seconds: number): Omit<Segment, 'kind' | 'arithmetic'> {
    const d = this.device;
    const from = 1000 * this.time;
    let [bytes, operations] = [0, 0];
    const ticks = Math.max(1, Math.round(seconds / TICK));
    const most = d.memoryW + Math.max(...Object.values(d.computeW));
    for (let i = 0; i < ticks; i++) {
      const m = load?.memory ?? 0;
      const c = (load?.compute ?? 0) * this.#clock;
      const [pm, pc] = [m * d.memoryW, load ? c * d.computeW[load.arithmetic] * this.#clock : 0];
      const linear = pm + pc + d.together * Math.min(pm, pc);
      const dynamic = linear > 0 ? most * (linear / most) ** d.exponent : 0;
      const base = load ? d.awakeW : d.idleW;
      if (this.#burstUntil < this.time && this.random.chance(d.others.perSecond * TICK))
        this.#burstUntil = this.time - d.others.seconds * Math.log(1 - this.random.next());
      const burst = this.#burstUntil > this.time ? d.others.watts : 0;
      const watts = (base + dynamic) * (1 + d.leakage * this.#heat) + burst;
      this.watts.push(watts);
      const target = d.throttle + (1 - d.throttle) * (1 - Math.min(1, linear / most));
      this.#clock += (target - this.#clock) * Math.min(1, TICK / d.throttleSeconds);
      this.#heat += ((dynamic + base) / (d.awakeW + most) - this.#heat) * (TICK / d.thermalSeconds);
      if (load) {
        bytes += m * d.bandwidth * TICK;
        operations += c * d.rates[load.arithmetic] * TICK;
      }
      this.time += TICK;
    }
    return { from, to: 1000 * this.time, bytes, operations };
  }

  joules(from: number, to: number): number {
    const [a, b] = [Math.round(from / 1000 / TICK), Math.round(to / 1000 / TICK)];
    return this.watts.slice(a, b).reduce((sum, w) => sum + w * TICK, 0);
  }
}

/** Meters by their kind, with the faults that real ones have. */
export type SimulatedMeter = 'counter' | 'battery' | 'steps';

/** What a meter would have said of a world, read until some seconds after its end. */
function readingsOf(meter: SimulatedMeter, watts: readonly number[], random: Random): Series {
  const cumulative = [0];
  for (const w of watts) cumulative.push(cumulative.at(-1)! + w * TICK);
  const at = (seconds: number) => cumulative[Math.max(0, Math.min(cumulative.length - 1, Math.round(seconds / TICK)))]!;
  const end = watts.length * TICK;
  switch (meter) {
    case 'counter': {
      // As NVML and RAPL do: updates every 1 to 100 ms, some lag, whole millijoules or more.
      const [update, lag, quantum] = [
        logUniform(random, TICK, 0.1),
        uniform(random, 0, 0.15),
        logUniform(random, 1e-3, 0.1),
      ];
      const readings = Array.from({ length: Math.floor(end / 0.1) }, (_, i) => {
        const seconds = 0.1 * i;
        const published = Math.floor((seconds - lag) / update) * update;
        return { at: 1000 * seconds, joules: Math.floor(at(published) / quantum) * quantum };
      });
      return { kind: 'joules', readings };
    }
    case 'battery': {
      // `power_now`: a mean over seconds, updated every second or more, 2 % off at random and 10 mW coarse.
      const [update, smooth] = [uniform(random, 0.5, 2.5), uniform(random, 0.3, 2.5)];
      let mean = watts[0]!;
      const smoothed = watts.map((w) => (mean += (w - mean) * (TICK / smooth)));
      const readings = Array.from({ length: Math.floor(end / update) }, (_, i) => {
        const seconds = update * i;
        const w = smoothed[Math.min(smoothed.length - 1, Math.round(seconds / TICK))]!;
        return { at: 1000 * seconds, watts: Math.round(w * (1 + 0.02 * random.normal()) * 100) / 100 };
      });
      return { kind: 'watts', readings };
    }
    case 'steps': {
      // 40 steps over the routine, seen by asking every two seconds, some seconds late.
      const [quantum, lag] = [at(end) / uniform(random, 32, 60), uniform(random, 0, 4)];
      const offset = quantum * random.next();
      const readings = Array.from({ length: Math.floor(end / 2) }, (_, i) => ({
        at: 2000 * i,
        joules: Math.floor((at(2 * i - lag) + offset) / quantum) * quantum,
      }));
      return { kind: 'joules', readings };
    }
    default:
      return meter satisfies never;
  }
}

const ROUTINE_OF = { counter: 'counter', battery: 'battery', steps: 'steps' } as const satisfies Record<
  SimulatedMeter,
  RoutineName
>;

/** The routine on a device, and what a meter said of it. */
export function simulateRoutine(
  device: SimulatedDevice,
  meter: SimulatedMeter,
  random: Random,
): { segments: Segment[]; series: Series } {
  const world = new World(device, random);
  const loads = loadsOf(random);
  const { seconds, pieceSeconds } = ROUTINES[ROUTINE_OF[meter]];
  world.run(null, 2);
  const segments = orderOf(loads.length, Math.round(seconds / pieceSeconds)).map((i): Segment => {
    const load = i === null ? null : loads[i]!;
    const ran = world.run(load, pieceSeconds);
    return { kind: load?.kind ?? 'idle', arithmetic: load?.arithmetic ?? 'f32', ...ran };
  });
  // A meter is read on for a while, and what it says late is still of the routine.
  world.run(null, 12);
  return { segments, series: readingsOf(meter, world.watts, random) };
}

/** A run of a variant: what a meter would book of it, and what it truly took. */
export interface SimulatedRun {
  windows: { seconds: number; bytes: number; operations: number; arithmetic: Arithmetic; joules: number }[];
  joules: number;
}

/**
 * A ticket's work on a device: a prompt is read, an answer written, and between passes the device waits.
 *
 * @param more bytes and operations over those of the first variant
 */
export function simulateRun(device: SimulatedDevice, random: Random, seconds = 20): SimulatedRun {
  const world = new World(device, random);
  // Whatever came before has warmed it.
  world.run({ kind: 'prefill', arithmetic: 'i8', memory: 0.2, compute: 0.7 }, uniform(random, 5, 60));
  const arithmetic = random.pick(['f32', 'i8', 'i8', 'i16'] as const);
  const [reads, writes] = [prefill(random, arithmetic), decode(random, arithmetic)];
  const waits: Load = { kind: 'waiting', arithmetic, memory: 0, compute: 0.002 };
  const waiting = uniform(random, 0, 0.2);
  const reading = uniform(random, 0.1, 0.9);
  const start = 1000 * world.time;
  const windows = [reads, writes].map((load, i) => {
    const own = seconds * (i === 0 ? reading : 1 - reading);
    const worked = world.run(load, own * (1 - waiting));
    const waited = waiting > 0 ? world.run(waits, own * waiting) : { bytes: 0, operations: 0, to: worked.to };
    return {
      seconds: (waited.to - worked.from) / 1000,
      bytes: worked.bytes + waited.bytes,
      operations: worked.operations + waited.operations,
      arithmetic: load.arithmetic,
      joules: world.joules(worked.from, waited.to),
    };
  });
  return { windows, joules: world.joules(start, 1000 * world.time) };
}

export const randomOf = (seed: number) => createRandom(`fit ${seed}`);

/** What is said of a model that was fitted to a simulated device. */
export const SIMULATED_META = {
  createdAt: '2026-11-30T00:00:00.000Z',
  hardware: 'cpu',
  device: 'simulated',
  threads: 2,
  tier: 'counter',
  boundary: 'package',
  source: 'simulated',
} as const;

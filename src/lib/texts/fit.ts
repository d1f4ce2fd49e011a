import { COEFFICIENTS, type Coefficient, type EnergyModelRecord, type SegmentKind } from '../schema/energy-model';
import { t975 } from '../core/stats';
import { fixed, significant } from './format';

const UNITS = { idle: 'W', awake: 'W' } as const;
const PICO = 1e12;

/** A coefficient with its interval; null where the routine did not span it. */
function valueOf(model: EnergyModelRecord, name: Coefficient): { value: string; interval: string } | null {
  const i = COEFFICIENTS.indexOf(name);
  const raw = model.coefficients[i];
  if (raw === null || raw === undefined) return null;
  const scale = name in UNITS ? 1 : PICO;
  const unit = name in UNITS ? 'W' : 'pJ';
  const half =
    t975(Math.max(1, model.readings.fitted - COEFFICIENTS.length)) * Math.sqrt(model.covariance[i]?.[i] ?? 0);
  const say = (x: number) => significant(Number((scale * Math.max(0, x)).toPrecision(3)), 3);
  return {
    value: `${say(raw)} ${unit}`,
    interval: half > 0 ? `${say(raw - half)} to ${say(raw + half)}` : 'at its bound',
  };
}

const percent = (share: number) => `${fixed(100 * share, share < 0.1 ? 1 : 0)} %`;
const minutes = (seconds: number) => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

const NAMES: Readonly<Record<Coefficient, string>> = {
  idle: 'Idle power',
  awake: 'Awake and waiting, above idle',
  byte: 'a, per byte',
  f32: 'b, per operation in 32 bits',
  f16: 'b, per operation in 16 bits',
  i16: 'b, per operation in 16-bit integers',
  i8: 'b, per operation in 8-bit integers',
};

/** The part of the page "Device" about the energy model of this device. */
export const FIT = {
  title: 'Fit the estimate to this device',
  what: 'Known kernels run in turn: reading memory, computing in each arithmetic, waiting, and nothing at all. From what a meter counts meanwhile, this page works out what idling, waiting, a byte and an operation cost here. Runs without a meter are then estimated by that, and not by data sheets.',
  before:
    'Close what else is busy, leave the screen as it is, and leave this page open. On a laptop with a battery meter: pull the plug.',
  computes: 'What computes',
  hardware: { cpu: 'the processor', gpu: 'the graphics, by WebGPU' },
  meter: 'Meter',
  meters: {
    sampler: 'the paired sampler, 2 min',
    glance: 'the paired sampler, 30 s: rougher',
    battery: 'a file: power of a battery or wall meter, 8 min',
    steps: 'a file: a meter that steps every minute, 40 min',
    speed: 'none: time speed alone, 10 s',
  },
  start: 'Start',
  stop: 'Stop',
  noSampler: 'For the first two choices, pair a sampler above.',
  doing: (done: number, of: number, kind: SegmentKind, left: number) =>
    `Piece ${done + 1} of ${of}: ${FIT.kinds[kind]}. About ${minutes(left)} left.`,
  kinds: {
    idle: 'idle',
    waiting: 'waiting',
    reading: 'reading memory',
    computing: 'computing',
    mixed: 'reading and computing',
    prefill: 'as a ticket is read',
    decode: 'as an answer is written',
  } satisfies Record<SegmentKind, string>,
  wanted: (from: Date, to: Date) =>
    `The routine ran from ${from.toLocaleTimeString()} to ${to.toLocaleTimeString()}. Now give the meter's readings of that time.`,
  csv: 'Readings (CSV, or a profile of Firefox)',
  csvHelp:
    'A header with "time" and one of watts, power_now, joules, energy_uj, wh, kwh, energy_now. Times are seconds since 1970, or dates with their time zone. Or a profile that was recorded meanwhile with the preset Power, as profiler.firefox.com saves it.',
  tooLarge: (mib: number) =>
    `This file is larger than ${mib} MiB. Readings of these two minutes need less: export only the time of the routine.`,
  boundary: 'It measures',
  nothingCounted:
    'The sampler knew no joules of the routine, so nothing could be fitted. See above which counters it reads.',
  fitted: (m: EnergyModelRecord) =>
    `Fitted on ${m.createdAt.slice(0, 10)} to ${m.readings.fitted} readings of ${m.source}. On work as engines do it, which was held out, it is off by ${percent(m.error)} in the median.`,
  used: 'Runs take it where no meter is read, and their record says so: tier "fitted", with this name.',
  id: (id: string) => `Model ${id}`,
  columns: ['Part', 'Value', '95 % interval'],
  rows: (m: EnergyModelRecord) =>
    COEFFICIENTS.flatMap((name) => {
      const told = valueOf(m, name);
      return told ? [{ part: NAMES[name], ...told }] : [];
    }),
  errorColumns: ['Kind of work', 'Off by, held out', 'Readings'],
  errors: (m: EnergyModelRecord) =>
    m.heldOut.map(({ kind, error, n }) => ({ kind: FIT.kinds[kind], error: percent(error), n: String(n) })),
  lag: (seconds: number) => (seconds > 0 ? `The meter lies ${fixed(seconds, 2)} s behind.` : null),
  formula: 'Energy = idle power x time + waiting x time busy + bytes x a + operations x b',
  download: 'Download (JSON)',
  link: 'Link to this model',
  forget: 'Forget it',
  speed: (bytes: number, operations: number) =>
    `Timed: ${significant(bytes / 1e9, 2)} GB/s read, ${significant(operations / 1e9, 2)} G operations/s in 32 bits.`,
  candidates: 'What this speed leaves of the class:',
  candidateColumns: ['Product', 'Probability'],
  narrowed: (before: number, after: number) =>
    `Between the lowest and the highest estimate there was a factor of ${significant(before, 2)}; now it is ${significant(after, 2)}.`,
  otherProducts: (n: number, share: string) => `${n} others together: ${share}`,
  probability: percent,
  alone: 'The speed places this device in no class of the table.',
  offered: (device: string) =>
    `This is the energy model of a device (${device}). Take it only if yours is of the same make.`,
  fromFile: 'A fitted model of a device of the same make (JSON)',
  notModel:
    'This file holds no fitted model. "Download (JSON)" writes one, where a device was fitted; "--fit --out" of the command line too.',
  kept: (id: string) => `Model ${id} is in use already.`,
  replaces: 'It replaces the model below.',
  take: 'Take it',
  taken: 'It is used from now on.',
} as const;

import { PARTS, type Part, type PartClassName } from './parts';
import { forEachEnd } from './model';
import { profileByName, type PowerProfile } from './profiles';
import type { MeasuredSpeed } from '../schema/known';
import type { Range } from '../schema/run';

/** Without a meter: which products of a class a device may be, by how fast it reads and computes. */

export interface Candidate {
  name: string;
  label: string;
  /** Of the candidates together; they add up to 1. */
  probability: number;
}

export interface Placed {
  /** The class's profile with what the speed leaves of its ranges. */
  profile: PowerProfile;
  /** The likeliest first. */
  candidates: Candidate[];
}

/** Share of the data sheet's rate that our kernels reach: its median, and the SD of its logarithm. */
interface Reach {
  median: number;
  sd: number;
}

/** Streams of a copy-free read reach 60 to 95 % of a memory's rate; beside other load less. */
const MEMORY: Reach = { median: 0.75, sd: 0.25 };

const GRAPHICS: Reach = { median: 0.5, sd: 0.45 };

/**
 * Of the peak 32-bit rate. WebAssembly has lanes of 128 bits where the peak of x86 counts 256 or 512 (1/2 or 1/4 of it, and
 * of a fused multiply-add half again unless relaxed SIMD has one); clocks fall under load. Graphics reach about half (GRAPHICS).
 */
const COMPUTE: Partial<Record<PartClassName, Reach>> = {
  handset: { median: 0.4, sd: 0.5 },
  software: { median: 0.05, sd: 0.8 },
  laptop: { median: 0.25, sd: 0.5 },
  desktop: { median: 0.25, sd: 0.5 },
  server: { median: 0.25, sd: 0.5 },
  'apple-cpu': { median: 0.6, sd: 0.35 },
  'handset-cpu': { median: 0.5, sd: 0.45 },
  board: { median: 0.6, sd: 0.4 },
  jetson: { median: 0.6, sd: 0.4 },
};

/**
 * Power of a kernel that computes and nothing else, over rated less idle power: the table's range of b holds how far from its
 * peak a kernel runs, which is timed here, so that this alone is left of it.
 */
const DRAW: Range = { low: 0.5, mid: 0.85, high: 1.2 };

/** b by the rate that was timed, where it lies within the table's range; the table's where the two contradict each other. */
function operationsBy({ watts }: Part, { idleW, awakeW, pjPerFlop }: PowerProfile, rate: number): Range {
  // What a device draws with work queued is told apart from its operations.
  const drawn = (end: keyof Range) => Math.max(0, DRAW[end] * (watts - idleW.mid) - awakeW.mid);
  const own = forEachEnd((end) => (drawn(end) * PICO) / rate);
  const [low, high] = [Math.max(own.low, pjPerFlop.low), Math.min(own.high, pjPerFlop.high)];
  return low < high ? { low, mid: Math.min(high, Math.max(low, own.mid)), high } : pjPerFlop;
}

/** Beyond this many SDs all is alike unlikely: a kernel may be throttled, and a table has no part of every kind. */
const WORST = 4;
const surprise = (ratio: number, { median, sd }: Reach) => Math.min(WORST, Math.abs(Math.log(ratio / median)) / sd);

const GIGA = 1e9;
const TERA = 1e12;
const PICO = 1e12;

const allParts: readonly Part[] = Object.values(PARTS).flat();

/** Products that a profile spans, with their own profiles; none where they stand in for others (software that renders). */
const membersOf = ({ origin, kind }: PowerProfile) =>
  ('part' in origin ? [origin.part.name] : origin.members).flatMap((name) => {
    const part = allParts.find((own) => own.name === name);
    return part && kind === profileByName(name).kind ? [{ part, profile: profileByName(name) }] : [];
  });

const QUANTITIES = ['idleW', 'awakeW', 'loadW', 'pjPerByte', 'pjPerFlop'] as const;
const Z = 1.96;
/** Stands for nothing where a logarithm is taken. */
const LEAST = 1e-6;

/** Chance of a standard normal below z (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function below(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}

/** A range as a distribution of the logarithm: half of it each side of mid, 95 % between low and high. */
function chanceBelow(x: number, { low, mid, high }: Range): number {
  const log = Math.log(x / mid);
  const sd = Math.log(log < 0 ? mid / low : high / mid) / Z;
  return sd > 0 ? below(log / sd) : log < 0 ? 0 : 1;
}

/** Where a mixture of ranges has `share` of its weight below. */
function quantileOf(ranges: readonly { weight: number; range: Range }[], share: number): number {
  let low = Math.log(Math.min(...ranges.map(({ range }) => range.low)) / 2);
  let high = Math.log(2 * Math.max(...ranges.map(({ range }) => range.high)));
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    const chance = ranges.reduce((sum, { weight, range }) => sum + weight * chanceBelow(Math.exp(middle), range), 0);
    if (chance < share) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

const SHARES = { low: 0.025, mid: 0.5, high: 0.975 } as const satisfies Record<keyof Range, number>;

/**
 * Candidates of a profile by Bayes' rule, all alike likely before, and what they leave of its ranges: 95 % of the mixture of
 * their own. Null where the profile spans no products of the table.
 */
export function placeDevice(profile: PowerProfile, speed: MeasuredSpeed): Placed | null {
  const members = membersOf(profile);
  if (members.length === 0 || !(speed.bytesPerSecond > 0) || !(speed.operationsPerSecond > 0)) return null;
  const weights = members.map(({ part }) =>
    Math.exp(
      -0.5 *
        (surprise(speed.bytesPerSecond / (part.gbps * GIGA), MEMORY) ** 2 +
          surprise(speed.operationsPerSecond / (part.tflops * TERA), COMPUTE[part.class] ?? GRAPHICS) ** 2),
    ),
  );
  const total = weights.reduce((sum, w) => sum + w, 0);
  const shares = weights.map((w) => w / total);
  const narrowed = Object.fromEntries(
    QUANTITIES.map((quantity) => {
      const ranges = members.map(({ part, profile: own }, i) => ({
        weight: shares[i] ?? 0,
        range: forEachEnd((end) =>
          Math.max(
            LEAST,
            (quantity === 'pjPerFlop' ? operationsBy(part, own, speed.operationsPerSecond) : own[quantity])[end],
          ),
        ),
      }));
      return [quantity, forEachEnd((end) => quantileOf(ranges, SHARES[end]))];
    }),
  ) as Pick<PowerProfile, (typeof QUANTITIES)[number]>;
  return {
    profile: { ...profile, ...narrowed },
    candidates: members
      .map(({ profile: own }, i) => ({ name: own.name, label: own.label, probability: shares[i] ?? 0 }))
      .sort((a, b) => b.probability - a.probability),
  };
}

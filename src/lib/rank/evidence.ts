import { isModel } from '../schema/engines';
import { correlationRoot } from '../core/distributions';
import { logByte, pairsFromText, pairsToText, toText } from '../core/log-bytes';
import { createRandom } from '../core/random';
import type { Evidence, FloorRow, VariantResult } from '../schema/result';
import type { EstimateRecord, RunRecord, TaskName } from '../schema/run';
import { criticalsOf } from './critical';
import type { EnergyFit } from './energies';
import { Qualities, RESAMPLES } from './qualities';
import { areEquallySimple, bySimplicity, referencesOf } from './simple';
import { LEAST_SLICES, SAME_JOULES } from '../schema/defaults';

/** What makes up an answer's evidence beside the runs. */
export interface EvidenceOptions {
  tasks: readonly TaskName[];
  margin: number;
  /** Slice after which a variant was stopped, and why. */
  stopped?: ReadonlyMap<string, { after: number; why: string }>;
}

const digits = (x: number, places: number) => Number(x.toFixed(places));
/** Three places, as quality itself is stated. */
const threePlaces = (x: number) => digits(x, 3);
/** Two places, never rounded to 0: only its sign decides. */
const sign = (x: number) => digits(x, 2) || (x > 0 ? 0.01 : x < 0 ? -0.01 : 0);

/** Joules with the ends that a log half-width gives, to three digits; none where it is null. */
export const withinHalf = (energy: { mid: number; n: number }, half: number | null): EstimateRecord => {
  const three = (x: number) => Number(x.toPrecision(3));
  return half === null
    ? { ...energy, low: null, high: null }
    : { ...energy, low: three(energy.mid * Math.exp(-half)), high: three(energy.mid * Math.exp(half)) };
};

/** Logarithms of joules a ticket, as they are stated; null where they are unknown. */
export const logEnergies = (variants: readonly Pick<VariantResult, 'energy'>[]) =>
  variants.map(({ energy }) => (energy && energy.mid > 0 ? Math.log(energy.mid) : null));

/** Draws of log energies relative to each other: [draw][variant]; null for variants whose energy is unknown. */
export function energyDraws(
  log: readonly (number | null)[],
  sd: (i: number, j: number) => number | null,
  n: number,
): (number | null)[][] {
  const known = log.flatMap((x, i) => (x === null ? [] : [i]));
  const [first, ...rest] = known;
  if (first === undefined) return Array.from({ length: n }, () => log.slice());
  const spread = (i: number) => sd(i, first) ?? 0;
  const varying = rest.filter((i) => spread(i) > 0);
  // Cov(i - first, j - first) from variances of differences alone. Bytes round these, so the matrix may be indefinite:
  // its root keeps each variance as stated.
  const correlation = (i: number, j: number) =>
    (spread(i) ** 2 + spread(j) ** 2 - (sd(i, j) ?? 0) ** 2) / (2 * spread(i) * spread(j));
  const root = correlationRoot(
    varying.map((i) => varying.map((j) => (i === j ? 1 : Math.max(-1, Math.min(1, correlation(i, j)))))),
  );
  const random = createRandom(2).fork('energies');
  return Array.from({ length: n }, () => {
    const z = Array.from({ length: root[0]?.length ?? 0 }, () => random.normal());
    const drawn = log.slice();
    varying.forEach((i, row) => {
      const product = (root[row] as Float64Array).reduce((sum, x, k) => sum + x * (z[k] as number), 0);
      drawn[i] = (log[i] as number) + spread(i) * product;
    });
    return drawn;
  });
}

/** Whether accuracy is shown to be above chance, where a result states one. */
const aboveChance = ({ metrics }: VariantResult, task: TaskName, causes: number): boolean => {
  const accuracy = metrics[`${task}.accuracy`];
  return !accuracy || causes < 2 || (accuracy.low !== null && accuracy.low > 1 / causes);
};

/**
 * Place of the variant that the others' quality is held against; null where none has a quality. The first choice (see
 * `referencesOf`) that is shown to be above chance on every task: as good as a model that guesses is no test. Where
 * none is, the first choice. Of equally simple ones, such as of two lengths of tuning, the one with the higher quality: their
 * names tell nothing.
 */
export function referenceAmong(
  variants: readonly VariantResult[],
  tasks: readonly TaskName[],
  causes: number,
): number | null {
  const models = variants.flatMap((v, i) => (!isModel(v.engine) || v.quality === null ? [] : [i]));
  const names = referencesOf(models.map((i) => variants[i]?.variant ?? ''));
  const at = (name: string) => models.find((i) => variants[i]?.variant === name) ?? -1;
  const choices = names.map(at).filter((i) => i >= 0);
  const able = (i: number) => tasks.every((task) => aboveChance(variants[i] as VariantResult, task, causes));
  const first = choices.find(able) ?? choices[0] ?? null;
  if (first === null || !able(first)) return first;
  const name = (i: number) => variants[i]?.variant ?? '';
  const quality = (i: number) => variants[i]?.quality?.mid ?? -Infinity;
  return choices
    .filter((i) => areEquallySimple(name(i), name(first)) && able(i))
    .reduce((best, i) => (quality(i) > quality(best) ? i : best), first);
}

/**
 * What comparisons rest on, of folded variants and their runs in the same order: everything that decides, in numbers that
 * a link carries as they stand.
 */
export function evidenceOf(
  variants: readonly VariantResult[],
  runs: readonly (readonly RunRecord[])[],
  energies: EnergyFit,
  qualities: Qualities,
  o: EvidenceOptions,
): Evidence {
  const { causes } = qualities;
  const at = referenceAmong(variants, o.tasks, causes.length);
  const always = o.tasks.map((task) =>
    task === 'rca' && causes.length > 1 && at !== null ? qualities.addConstant(task, causes[0] as string, at) : null,
  );
  const floors = o.tasks.map((task, t) => ({
    task,
    tickets: at === null ? 0 : qualities.tickets(at, task),
    always: floorAlways(qualities, always[t] ?? null, at, task),
    chance: task === 'rca' && causes.length > 1 ? threePlaces(1 / causes.length) : null,
    rows: variants.map((v, i): FloorRow | null => {
      const own = qualities.quality(i, [task]);
      if (!own || v.quality === null) return null;
      const against = at === null || i === at ? null : qualities.taskDifference(i, at, task);
      const constant = always[t] ?? null;
      const above = constant === null ? null : qualities.taskDifference(i, constant, task);
      return {
        low: against && threePlaces(against.low),
        above: above && sign(above.low),
      };
    }),
  }));
  const qualitySd = pairsToText(variants.length, (i, j) => qualities.difference(i, j)?.sd ?? null);
  const energySd = pairsToText(variants.length, energies.sd);
  const timed = runs.flat().filter((run) => run.steadiness !== null && !run.anchor);
  const evidence: Evidence = {
    reference: at,
    margin: o.margin,
    slices: Number.isFinite(energies.slices) ? energies.slices : 0,
    df: energies.df,
    work: toText(energies.work),
    energySd,
    energyHalf: toText(
      variants.map(({ energy }) => logByte(energy?.high == null ? null : Math.log(energy.high / energy.mid))),
    ),
    qualitySd,
    critical: criticalsOf(variants, { reference: at, df: energies.df, energySd, qualitySd }),
    share: '',
    floors,
    disturbed: {
      slices: timed.filter((run) => run.steadiness?.disturbed).length,
      of: timed.length,
    },
    stopped: variants.flatMap(({ variant }, at) => {
      const stop = o.stopped?.get(variant);
      return stop ? [{ at, ...stop }] : [];
    }),
  };
  return { ...evidence, share: toText(drawnOf(variants, evidence, qualities, always)) };
}

function floorAlways(qualities: Qualities, always: number | null, at: number | null, task: TaskName): number | null {
  if (always === null || at === null) return null;
  const own = qualities.quality(always, [task]);
  return own && threePlaces(own.mid);
}

/**
 * Percent of joint draws, of tickets and of timing, in which each variant is the answer: the plan is decided anew with what
 * a draw holds, as `decide` does it, with the same proof of the floor, the same word "same" and the same order of
 * simplicity. So a variant that the plan's tickets could never prove good enough gets no share for being lean.
 */
function drawnOf(
  variants: readonly VariantResult[],
  evidence: Evidence,
  qualities: Qualities,
  always: readonly (number | null)[],
): number[] {
  const { reference, critical } = evidence;
  const counts = variants.map(() => 0);
  if (reference === null) return counts;
  const sd = pairsFromText(variants.length, evidence.energySd);
  const energies = energyDraws(logEnergies(variants), sd, RESAMPLES);
  const models = variants
    .flatMap((v, i) => (!isModel(v.engine) || !v.energy ? [] : [i]))
    .toSorted((a, b) => bySimplicity(variants[a]?.variant ?? '', variants[b]?.variant ?? ''));
  const shown = models.map((i) => {
    const tests = evidence.floors.flatMap(({ task, chance }, t) => {
      const constant = always[t] ?? null;
      return [
        i === reference ? null : proofOf(qualities.against(i, reference, task), -evidence.margin),
        constant === null ? null : proofOf(qualities.against(i, constant, task), 0),
        chance === null ? null : proofOf(qualities.accuracy(i, task), chance),
      ].filter((test) => test !== null);
    });
    return (r: number) => tests.every((test) => test(r));
  });
  const widest = Math.log(1 + SAME_JOULES);
  for (let r = 0; r < RESAMPLES; r++) {
    const log = energies[r] as (number | null)[];
    const left = models.filter((_, k) => shown[k]?.(r));
    const least = Math.min(...left.map((i) => log[i] ?? Infinity));
    const leanest = left.find((i) => (log[i] ?? Infinity) <= least + 1e-9);
    // Simplest first, so the first that takes the same is the answer.
    const answer = left.find((i) => {
      if (i === leanest) return true;
      const own = leanest === undefined || evidence.slices < LEAST_SLICES ? null : sd(i, leanest);
      return own !== null && (log[i] ?? Infinity) - least + critical.energy * own <= widest;
    });
    if (answer !== undefined) counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts.map((n) => Math.round((100 * n) / RESAMPLES));
}

/** Whether a draw shows more than the least that is asked: as far inside its own interval as the plan must be. */
function proofOf(drawn: { mid: number; low: number; draws: Float64Array } | null, least: number) {
  return drawn && ((r: number) => (drawn.draws[r] as number) - (drawn.mid - drawn.low) >= least);
}

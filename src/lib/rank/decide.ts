import { isModel } from '../schema/engines';
import { tQuantile } from '../core/distributions';
import { fromText, pairsFromText } from '../core/log-bytes';
import { mean } from '../core/stats';
import { partsOfRho, scaled } from '../score/metrics';
import { LEAST_SLICES, SAME_JOULES } from '../schema/defaults';
import type { Evidence, FloorRow, VariantResult } from '../schema/result';
import type { TaskName } from '../schema/run';
import { modelsAmong } from './critical';
import { logEnergies } from './evidence';
import { areEquallySimple, bySimplicity, referencesOf } from './simple';

export type QualityWord = 'better' | 'same' | 'worse' | 'cannot tell';
export type EnergyWord = 'leaner' | 'same' | 'dearer' | 'cannot tell';

/** A difference with its own 95 % interval, and the wider one that holds for all differences of its family at once. */
export interface Contrast {
  mid: number;
  low: number;
  high: number;
  all: { low: number; high: number };
}

/** How a variant stands to the floor of one task. */
export interface TaskFloor {
  task: TaskName;
  /** Tickets. */
  n: number;
  quality: number;
  /** Shown: at least the reference less the margin, above chance, above always giving one answer. Missed: shown not to be. */
  met: 'shown' | 'missed' | 'open';
  /** What is not shown, in the order in which it is asked. */
  lacks: ('reference' | 'chance' | 'always')[];
}

export interface DecidedRow {
  result: VariantResult;
  /** Place among the results. */
  at: number;
  /** Quality minus the reference's; null for the reference, and where it is unknown. */
  quality: Contrast | null;
  qualityWord: QualityWord | null;
  /** Joules over the answer's (without one, over the leanest's); null for that one itself, and where they are unknown. */
  energy: Contrast | null;
  energyWord: EnergyWord | null;
  /** Whether its passes are the same work as the one's it is compared with. */
  sameWork: boolean;
  floors: TaskFloor[];
  floor: TaskFloor['met'];
  /** Percent of joint draws in which it is the answer. */
  drawn: number;
  stopped: Evidence['stopped'][number] | null;
}

export type NoAnswer =
  /** Nothing was measured that could be compared. */
  | 'nothing'
  /** All miss the floor. */
  | 'none'
  /** None is shown to meet it, and not all are shown to miss it. */
  | 'open';

export interface Decision {
  margin: number;
  reference: DecidedRow | null;
  /** Rows that would be the reference but are not shown to be above chance. */
  passedOver: DecidedRow[];
  answer: DecidedRow | null;
  /** Why there is no answer; null where there is one. */
  why: NoAnswer | null;
  /** What energies are compared with: the answer, or without one the leanest that does not miss the floor, or the leanest. */
  against: DecidedRow | null;
  /** Language models, the answer first, then by joules. */
  rows: DecidedRow[];
  /** The classical baseline; `good` where it meets the floor as models must, and is leaner than the answer. */
  baseline: (DecidedRow & { good: boolean }) | null;
  /** Always giving the most frequent answer: quality by task. */
  always: { task: TaskName; quality: number; n: number }[];
  slices: number;
  disturbed: Evidence['disturbed'];
  /** Percent of joint draws in which no variant meets the floor. */
  drawnNone: number;
}

function contrast(mid: number, sd: number, own: number, all: number): Contrast {
  return {
    mid,
    low: mid - own * sd,
    high: mid + own * sd,
    all: { low: mid - all * sd, high: mid + all * sd },
  };
}

export function qualityWord({ all }: Contrast, margin: number): QualityWord {
  if (all.low >= -margin && all.high <= margin) return 'same';
  if (all.low > 0) return 'better';
  if (all.high < 0) return 'worse';
  return 'cannot tell';
}

/** @param logs contrast of log joules */
function energyWord({ all }: Contrast): EnergyWord {
  const margin = Math.log(1 + SAME_JOULES);
  if (all.low >= -margin && all.high <= margin) return 'same';
  if (all.high < 0) return 'leaner';
  if (all.low > 0) return 'dearer';
  return 'cannot tell';
}

const exponential = ({ mid, low, high, all }: Contrast): Contrast => ({
  mid: Math.exp(mid),
  low: Math.exp(low),
  high: Math.exp(high),
  all: { low: Math.exp(all.low), high: Math.exp(all.high) },
});

/** High end of quality minus the reference's: as far above the middle as the low end lies below it. */
const highOf = (low: number | null, quality: number, reference: number | null): number | null =>
  low === null || reference === null ? null : 2 * (quality - reference) - low;

/** Quality of one task, the mean of its main metrics in [0, 1], by the metrics that a result states; null where it lacks one. */
export function taskQuality({ metrics }: Pick<VariantResult, 'metrics'>, task: TaskName): number | null {
  const parts = partsOfRho(task, ({ name }) => metrics[`${task}.${name}`]);
  return parts && mean(parts.map(({ metric, value }) => scaled(metric, value.mid)));
}

/** Whether a row shows what a task asks of it. The reference is held against chance and the constant answer alone. */
export function floorOf(
  row: FloorRow,
  o: {
    quality: number;
    reference: number | null;
    /** Low end of accuracy minus chance. */ overChance: number | null;
    margin: number;
  },
): Pick<TaskFloor, 'met' | 'lacks'> {
  const { quality, reference, overChance, margin } = o;
  const tests: [TaskFloor['lacks'][number], boolean][] = [
    ['reference', row.low === null || row.low >= -margin],
    ['chance', overChance === null || overChance > 0],
    ['always', row.above === null || row.above > 0],
  ];
  const lacks = tests.flatMap(([name, shown]) => (shown ? [] : [name]));
  const high = highOf(row.low, quality, reference);
  const missed = high !== null && high < -margin;
  return { met: missed ? 'missed' : lacks.length === 0 ? 'shown' : 'open', lacks };
}

/** Energies and qualities of a result, as its evidence tells them; shared by deciding, choosing and stopping. */
export class Compared {
  readonly #energySd: (i: number, j: number) => number | null;
  readonly #qualitySd: (i: number, j: number) => number | null;
  readonly models: number[];
  readonly #log: readonly (number | null)[];
  readonly #work: readonly number[];

  constructor(
    readonly results: readonly VariantResult[],
    readonly evidence: Evidence,
  ) {
    const n = results.length;
    this.#energySd = pairsFromText(n, evidence.energySd);
    this.#qualitySd = pairsFromText(n, evidence.qualitySd);
    this.#work = fromText(evidence.work);
    this.#log = logEnergies(results);
    this.models = modelsAmong(results);
  }

  get #df(): number {
    return Math.max(1, this.evidence.df);
  }

  /** Log joules, i minus j; null where they are unknown, or where too few blocks tell. */
  energy(i: number, j: number): Contrast | null {
    const [a, b] = [this.#log[i] ?? null, this.#log[j] ?? null];
    const sd = this.#energySd(i, j);
    if (a === null || b === null || sd === null) return null;
    if (this.evidence.slices < LEAST_SLICES) return null;
    return contrast(a - b, sd, tQuantile(0.975, this.#df), this.evidence.critical.energy);
  }

  /** Log joules, i minus j, with their SD alone, however few blocks there are; null where nothing can be estimated. */
  energyAt(i: number, j: number): { mid: number; sd: number } | null {
    const [a, b] = [this.#log[i] ?? null, this.#log[j] ?? null];
    const sd = this.#energySd(i, j);
    return a === null || b === null || sd === null || this.evidence.df === 0 ? null : { mid: a - b, sd };
  }

  quality(i: number, reference: number): Contrast | null {
    const [a, b] = [this.results[i]?.quality?.mid, this.results[reference]?.quality?.mid];
    const sd = this.#qualitySd(i, reference);
    if (a === undefined || b === undefined || sd === null) return null;
    return contrast(a - b, sd, tQuantile(0.975, Infinity), this.evidence.critical.quality);
  }

  sameWork = (i: number, j: number) => this.#work[i] === this.#work[j];

  floors(i: number, margin = this.evidence.margin): TaskFloor[] {
    const result = this.results[i];
    const reference = this.evidence.reference === null ? null : this.results[this.evidence.reference];
    return this.evidence.floors.flatMap(({ task, tickets, chance, rows }) => {
      const row = rows[i];
      const quality = result ? taskQuality(result, task) : null;
      if (!row || !result || quality === null) return [];
      const accuracy = result.metrics[`${task}.accuracy`]?.low ?? null;
      const overChance = chance === null ? null : accuracy === null ? 0 : accuracy - chance;
      const own = { quality, reference: reference ? taskQuality(reference, task) : null, overChance, margin };
      return [{ task, n: tickets, quality, ...floorOf(row, own) }];
    });
  }

  /** Over all tasks: missed where one is, shown where all are. */
  floor(i: number, margin?: number): TaskFloor['met'] {
    const own = this.floors(i, margin);
    if (own.length < this.evidence.floors.length) return 'open';
    return own.some(({ met }) => met === 'missed')
      ? 'missed'
      : own.every(({ met }) => met === 'shown')
        ? 'shown'
        : 'open';
  }

  joules = (i: number) => this.results[i]?.energy?.mid ?? Infinity;

  /** The leanest of some; those that `alike` says are no different give way to the simplest of them. */
  leanest(of: readonly number[], alike: (word: EnergyWord) => boolean): number | null {
    const least = of.toSorted((a, b) => this.joules(a) - this.joules(b) || this.#simpler(a, b))[0];
    if (least === undefined) return null;
    const same = of.filter((i) => {
      if (i === least) return true;
      const c = this.energy(i, least);
      return c !== null && alike(energyWord(c));
    });
    return same.toSorted((a, b) => this.#simpler(a, b))[0] ?? null;
  }

  #simpler = (a: number, b: number) => bySimplicity(this.results[a]?.variant ?? '', this.results[b]?.variant ?? '');

  word(i: number, j: number): EnergyWord {
    const c = this.energy(i, j);
    return c === null ? 'cannot tell' : energyWord(c);
  }
}

/**
 * The answer to "which variant does this job well enough on the fewest joules": the leanest variant that is shown to meet
 * the floor of every task; among the same, the simplest. Decides from what a result's evidence carries and nothing else,
 * so the page, the command line, a report and a link say the same.
 *
 * @param margin how much lower than the reference's a task's quality may be; the evidence's own by default
 */
export function decide(
  results: readonly VariantResult[],
  evidence: Evidence,
  { margin = evidence.margin }: { margin?: number } = {},
): Decision {
  const compared = new Compared(results, evidence);
  const { models } = compared;
  const shares = fromText(evidence.share);
  const shown = models.filter((i) => compared.floor(i, margin) === 'shown');
  const open = models.filter((i) => compared.floor(i, margin) !== 'missed');
  const answer = compared.leanest(shown, (word) => word === 'same');
  const against = answer ?? compared.leanest(open, () => false) ?? compared.leanest(models, () => false);
  const row = (i: number): DecidedRow => {
    const result = results[i] as VariantResult;
    const { reference } = evidence;
    const quality = reference === null || i === reference ? null : compared.quality(i, reference);
    const energy = against === null || i === against ? null : compared.energy(i, against);
    return {
      result,
      at: i,
      quality,
      qualityWord:
        reference === null || i === reference ? null : quality ? qualityWord(quality, margin) : 'cannot tell',
      energy: energy && exponential(energy),
      energyWord: against === null || i === against ? null : energy ? energyWord(energy) : 'cannot tell',
      sameWork: against !== null && i !== against && compared.sameWork(i, against),
      floors: compared.floors(i, margin),
      floor: compared.floor(i, margin),
      drawn: shares[i] ?? 0,
      stopped: evidence.stopped.find(({ at }) => at === i) ?? null,
    };
  };
  const rows = models
    .map(row)
    .sort(
      (a, b) =>
        Number(b.at === answer) - Number(a.at === answer) ||
        compared.joules(a.at) - compared.joules(b.at) ||
        bySimplicity(a.result.variant, b.result.variant),
    );
  const baselineAt = results.findIndex(({ engine }) => !isModel(engine));
  const baseline = baselineAt < 0 ? null : row(baselineAt);
  const leaner = baseline !== null && against !== null && compared.joules(baselineAt) < compared.joules(against);
  const choices = referencesOf(rows.filter(({ result }) => result.quality).map(({ result }) => result.variant));
  const chosen = rows.find(({ at }) => at === evidence.reference);
  const before = choices.slice(0, chosen ? Math.max(0, choices.indexOf(chosen.result.variant)) : 0);
  // Equally simple ones were outdone, not passed over for guessing.
  const passedOver = before.filter((name) => !areEquallySimple(name, chosen?.result.variant ?? name));
  return {
    margin,
    rows,
    passedOver: rows.filter(({ result }) => passedOver.includes(result.variant)),
    reference: rows.find(({ at }) => at === evidence.reference) ?? null,
    answer: rows.find(({ at }) => at === answer) ?? null,
    against: rows.find(({ at }) => at === against) ?? null,
    why: answer !== null ? null : models.length === 0 ? 'nothing' : open.length === 0 ? 'none' : 'open',
    baseline: baseline && { ...baseline, good: baseline.floor === 'shown' && leaner },
    always: evidence.floors.flatMap(({ task, always, tickets }) =>
      always === null ? [] : [{ task, quality: always, n: tickets }],
    ),
    slices: evidence.slices,
    disturbed: evidence.disturbed,
    drawnNone: Math.max(0, 100 - shares.reduce((a, x) => a + x, 0)),
  };
}

import { isModel } from '../schema/engines';
import { stateEstimate } from '../core/digits';
import { fromLogByte, logByte } from '../core/log-bytes';
import { groupBy } from '../core/group';
import { mean, t975, tInterval } from '../core/stats';
import { mainReadings } from '../meter/readings';
import { DEFAULT_MARGIN } from '../schema/defaults';
import type { PlanRecord } from '../schema/plan';
import type { Evidence, VariantResult } from '../schema/result';
import {
  ANSWERING,
  TASKS,
  type EstimateRecord,
  type Range,
  type Reading,
  type RunRecord,
  type TaskName,
  TIERS,
} from '../schema/run';
import { metricsOf, scaled, scoreRun } from '../score/metrics';
import { boundOf } from './bound';
import { fitEnergies, HELD_UP, type EnergyFit } from './energies';
import { evidenceOf, referenceAmong, withinHalf } from './evidence';
import { Qualities } from './qualities';

/** All runs of a plan, folded: a result a variant, and what comparing them rests on. */
export interface Folded {
  results: VariantResult[];
  evidence: Evidence;
}

export type FoldOptions = Partial<Pick<PlanRecord, 'margin' | 'untilDecided' | 'energyBound' | 'slices' | 'limit'>>;

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

const answering = (run: RunRecord): Reading[] => mainReadings(run.phases).filter(({ phase }) => ANSWERING.has(phase));

const sumOf = <T>(items: readonly T[], value: (item: T) => number) =>
  items.reduce((total, item) => total + value(item), 0);

/** Per ticket of one run; null where no phase was metered, or one of them is unknown. */
function perTicket(run: RunRecord, value: (reading: Reading) => number | null): number | null {
  const values = answering(run).map(value);
  if (values.length === 0 || run.tickets.length === 0 || values.some((x) => x === null)) return null;
  return sumOf(values as number[], (x) => x) / run.tickets.length;
}

const known = (values: readonly (number | null)[]) => values.filter((x) => x !== null);

/** Each task's mean over its slices, then the sum over tasks: what a ticket that gets all of them takes. Null where one is unknown. */
function sumOverTasks(
  runs: readonly RunRecord[],
  tasks: readonly TaskName[],
  value: (reading: Reading) => number | null,
): number | null {
  const means = tasks.map((task) => {
    const own = known(runs.filter((run) => run.task === task).map((run) => perTicket(run, value)));
    return own.length > 0 ? mean(own) : null;
  });
  return means.length > 0 && means.every((x) => x !== null) ? sumOf(means, (x) => x) : null;
}

/** Seconds of all tasks of a ticket, over the slices that have all tasks; cut off at 0. */
function latencyOf(runs: readonly RunRecord[], tasks: readonly TaskName[]): EstimateRecord | null {
  const slices = [...groupBy(runs, (run) => run.slice).values()].flatMap((slice) => {
    const seconds = sumOverTasks(slice, tasks, (r) => r.seconds);
    return seconds === null ? [] : [seconds];
  });
  if (slices.length === 0) return null;
  const { mid, low, high, n } = tInterval(slices);
  return { mid, low: low === null ? null : Math.max(low, 0), high, n };
}

const mixed = (what: string, values: readonly string[]) =>
  values.length > 1 ? [`Its phases were metered by different ${what}: ${values.join(', ')}.`] : [];

/** What is not known of a device spans powers of ten: two digits say all. */
const factor = (x: number) => Number(x.toPrecision(2));

/** As a link will carry it: who opens one sees the same winner, also among variants a hair apart. */
const stated = <T extends Range | EstimateRecord>(value: T | null) => value && stateEstimate(value);

/** All tickets of a task that a variant answered, each once, as one run. */
function whole(runs: readonly RunRecord[], outcomes: RunRecord['tickets']): RunRecord | null {
  const [first] = runs;
  return first && outcomes.length > 0 ? { ...first, tickets: [...outcomes], metrics: {} } : null;
}

/** Reading texts into counts is the slow part, and what a group of runs was scored to stays true: under its last run. */
const scored = new WeakMap<RunRecord, { n: number; metrics: VariantResult['metrics'] }>();

function scoresOf(
  runs: readonly RunRecord[],
  task: TaskName,
  outcomes: RunRecord['tickets'],
): VariantResult['metrics'] {
  const own = runs.filter((run) => run.task === task);
  const all = whole(own, outcomes);
  const last = own.at(-1);
  if (!all || !last) return {};
  const before = scored.get(last);
  if (before?.n === outcomes.length) return before.metrics;
  const metrics = Object.fromEntries(
    Object.entries(scoreRun(task, all.tickets, all.causes)).map(([name, value]) => [
      `${task}.${name}`,
      stateEstimate(value),
    ]),
  );
  scored.set(last, { n: outcomes.length, metrics });
  return metrics;
}

/** An estimate moved by as much, within what its metric can be. */
function moved(estimate: EstimateRecord, by: number, [low, high]: readonly [number, number]): EstimateRecord {
  const to = (x: number) => Math.min(high, Math.max(low, x + by));
  const end = (x: number | null) => (x === null ? null : to(x));
  return { ...estimate, low: end(estimate.low), mid: to(estimate.mid), high: end(estimate.high) };
}

/** Results whose qualities compare with the reference's though they rest on fewer of its tickets (`Qualities.shifts`). */
function comparable(result: VariantResult, at: number, reference: number, qualities: Qualities): VariantResult {
  const shifts = qualities.tasks.map((task) => ({ task, by: qualities.shifts(at, reference, task) }));
  if (result.quality === null || shifts.every(({ by }) => by.size === 0)) return result;
  const metrics = { ...result.metrics };
  let total = 0;
  for (const { task, by } of shifts)
    for (const metric of metricsOf(task)) {
      const shift = by.get(metric.name);
      const name = `${task}.${metric.name}`;
      const own = metrics[name];
      if (shift === undefined) continue;
      total += (scaled(metric, shift) - scaled(metric, 0)) / by.size / shifts.length;
      if (own) metrics[name] = stateEstimate(moved(own, shift, metric.range));
    }
  return {
    ...result,
    metrics,
    quality: stateEstimate(moved(result.quality, total, [0, 1])),
    fallbacks: [
      ...result.fallbacks,
      `It answered ${result.tickets} of the reference's tickets: its quality is the reference's on all, and by how much the two differ on these.`,
    ],
  };
}

/** A slice that was asked again answers as before; where it did not, quality is that of the first and the reader must know. */
function answersDiffer(runs: readonly RunRecord[]): boolean {
  const first = new Map<string, string>();
  return runs.some((run) =>
    run.tickets.some(({ id, output }) => {
      const before = first.get(id);
      if (before === undefined) first.set(id, output);
      return before !== undefined && before !== output;
    }),
  );
}

/** What training a variant took, by whichever of its runs tells; nothing where it was not trained. */
function trainingOf(runs: readonly RunRecord[]): Pick<VariantResult, 'training'> {
  const tuned = runs.find((run) => run.tuned)?.tuned;
  if (!tuned) return {};
  const { steps, seen, seconds, joules, loss, tier } = tuned;
  const short = (x: number) => Number(x.toPrecision(4));
  return {
    training: {
      joules: stated(joules),
      ...(tier === 'profile' ? {} : { tier }),
      seconds: Number(seconds.toPrecision(3)),
      steps,
      seen,
      loss: loss && { before: short(loss.before), after: short(loss.after) },
    },
  };
}

/** Log half-width of a variant's joules by timing alone, as a byte of the evidence carries it; null where it is unknown. */
const halfOf = (energies: EnergyFit, at: number): number | null => {
  const own = energies.own[at] ?? null;
  return own === null ? null : fromLogByte(logByte(t975(Math.max(1, energies.df)) * own));
};

function foldVariant(
  runs: readonly RunRecord[],
  at: number,
  tasks: readonly TaskName[],
  energies: EnergyFit,
  qualities: Qualities,
): VariantResult {
  const first = runs[0] as RunRecord;
  const readings = runs.flatMap(answering);
  const tiers = unique(readings.map((reading) => reading.tier));
  const boundaries = unique(readings.map((reading) => reading.boundary));
  const missing = tasks.filter((task) => !runs.some((run) => run.task === task));
  const quality = missing.length > 0 ? null : qualities.quality(at);
  const mid = missing.length > 0 ? null : (energies.joules[at] ?? null);
  const half = halfOf(energies, at);
  const blocks = unique(runs.map((run) => run.block)).length;
  const ends = (['low', 'mid', 'high'] as const).map((end) =>
    sumOverTasks(runs, tasks, (r) => r.joules && r.joules[end]),
  );
  const compression = runs.find((run) => run.compression !== null)?.compression ?? null;
  const heldUp = energies.heldUp[at] ?? 0;
  const struck = energies.struck[at] ?? 0;
  return {
    variant: first.variant,
    stage: Math.min(...runs.map((run) => run.stage)),
    engine: first.engine,
    kernel: first.kernel,
    energy: mid === null ? null : withinHalf({ mid: Number(mid.toPrecision(4)), n: blocks }, half),
    deviceRange:
      ends[1] && ends[0] !== null && ends[2] !== null && ends[0] !== undefined && ends[2] !== undefined
        ? { low: factor(ends[0] / ends[1]), high: factor(ends[2] / ends[1]) }
        : null,
    taskShare: Object.fromEntries(
      tasks.slice(0, -1).flatMap((task) => {
        const joules = sumOverTasks(runs, [task], (r) => r.joules && r.joules.mid);
        return joules === null || !ends[1] ? [] : [[task, Number((joules / ends[1]).toFixed(2))]];
      }),
    ),
    tier: TIERS.findLast((tier) => tiers.includes(tier)) ?? 'profile',
    boundary: boundaries[0] ?? 'device',
    latency: missing.length > 0 ? null : stated(latencyOf(runs, tasks)),
    // A mean over fewer tasks would stand beside means over all of them.
    quality: quality && stateEstimate(quality),
    metrics: Object.assign(
      {},
      ...tasks.map((task) => scoresOf(runs, task, [...qualities.outcomes(at, task)])),
    ) as VariantResult['metrics'],
    storedBytes: compression && compression.storedBytes,
    computedBytes: compression && compression.computedBytes,
    sparsity:
      compression && compression.linearParameters > 0
        ? Number((compression.zeros / compression.linearParameters).toPrecision(3))
        : null,
    tickets: unique(tasks.flatMap((task) => qualities.outcomes(at, task).map(({ id }) => id))).length,
    slices: unique(runs.map((run) => run.slice)).length,
    ...trainingOf(runs),
    fallbacks: unique([
      ...runs.flatMap((run) => run.fallbacks),
      ...(runs.some((run) => run.tuned?.at === 0)
        ? ['Training made its validation answers no likelier, so the adapter stands as it began: nothing is changed.']
        : []),
      ...(runs.some((run) => run.tuned?.earlier)
        ? ['Its adapter was trained in an earlier run and kept; the joules of training are those of then.']
        : []),
      ...(missing.length > 0
        ? [`It was not run on: ${missing.join(', ')}. So its quality and energy over all tasks are unknown.`]
        : []),
      ...(mid === null && missing.length === 0
        ? ['No block has all tasks yet, so its energy per ticket is unknown.']
        : []),
      // The baseline is over in microseconds, where anything holds it up.
      ...(heldUp > 0 && isModel(first.engine)
        ? [
            `${heldUp} of ${blocks} slices took over ${HELD_UP} times as long as the fastest and are left out of its energy.`,
          ]
        : []),
      ...(struck > 0
        ? [
            `${struck} of ${blocks} slices took longer than what ran beside them let expect, so something held them up; they are left out of its energy.`,
          ]
        : []),
      ...tasks
        .filter((task) => answersDiffer(runs.filter((run) => run.task === task)))
        .map((task) => `Answers (${task}) differ between slices that asked the same; quality is that of the first.`),
      ...mixed('tiers', tiers),
      ...mixed('boundaries', boundaries),
    ]),
  };
}

const order = (a: readonly RunRecord[], b: readonly RunRecord[]) => {
  const [x, y] = [a[0] as RunRecord, b[0] as RunRecord];
  const stage = Math.min(...a.map((run) => run.stage)) - Math.min(...b.map((run) => run.stage));
  return stage || (x.variant < y.variant ? -1 : x.variant > y.variant ? 1 : x.engine < y.engine ? -1 : 1);
};

/**
 * One result per variant and engine, in the order of stage and name, and the evidence that compares them. Joules a ticket
 * are the sum over its tasks, by the fit of all blocks at once. The order of the runs does not matter.
 */
export function foldRuns(
  all: readonly RunRecord[],
  { margin = DEFAULT_MARGIN, untilDecided = false, energyBound, slices = Infinity, limit = Infinity }: FoldOptions = {},
): Folded {
  const runs = all.filter(({ part }) => part === 'test');
  const tasks = TASKS.filter((task) => runs.some((run) => run.task === task));
  const groups = [...groupBy(runs, (run) => `${run.variant}\n${run.engine}`).values()]
    .map((group) =>
      group.toSorted((a, b) => a.slice - b.slice || a.block - b.block || TASKS.indexOf(a.task) - TASKS.indexOf(b.task)),
    )
    .sort(order);
  const energies = fitEnergies(groups, tasks, { isModel: (i) => isModel(groups[i]?.[0]?.engine ?? '') });
  const causes = runs[0]?.causes ?? [];
  const qualities = new Qualities(groups, tasks, causes);
  const own = groups.map((group, i): VariantResult => {
    const result = foldVariant(group, i, tasks, energies, qualities);
    return energyBound === undefined || !isModel(result.engine)
      ? result
      : { ...result, bound: boundOf(group, tasks, energyBound) };
  });
  const reference = referenceAmong(own, tasks, causes.length);
  const results = reference === null ? own : own.map((result, i) => comparable(result, i, reference, qualities));
  // Slices that a bound asked for come behind those of the plan, and tell nothing of who was stopped.
  const planned = groups.map(
    (group) => unique(group.map((run) => run.slice).filter((slice) => slice < Math.min(slices, limit))).length,
  );
  const most = Math.max(0, ...planned);
  const stopped = new Map(
    untilDecided
      ? results.flatMap(({ variant, engine }, i) => {
          const after = planned[i] as number;
          return after < most && isModel(engine) ? [[variant, { after, why: 'decided' }] as const] : [];
        })
      : [],
  );
  return { results, evidence: evidenceOf(results, groups, energies, qualities, { tasks, margin, stopped }) };
}

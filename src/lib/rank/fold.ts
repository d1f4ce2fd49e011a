import { stateEstimate } from '../core/digits';
import { groupBy } from '../core/group';
import { mean, tInterval } from '../core/stats';
import type { VariantResult } from '../schema/result';
import {
  TASKS,
  TIERS,
  type EstimateRecord,
  type Range,
  type Reading,
  type RunRecord,
  type TaskName,
} from '../schema/run';
import { qualityStatistic, scoreRun } from '../score/metrics';
import { estimate, type Statistic } from '../score/statistic';

/** What answering tickets costs. Loading, compressing and warm-up happen once and are reported apart. */
const PER_TICKET_PHASES: ReadonlySet<string> = new Set(['prefill', 'decode']);

/** A repeat that takes this many times the fastest was held up by something: the device slept, or did other work. */
const HELD_UP = 3;

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

const perTicketReadings = (run: RunRecord): Reading[] => run.phases.filter(({ phase }) => PER_TICKET_PHASES.has(phase));

const sumOf = <T>(items: readonly T[], value: (item: T) => number) =>
  items.reduce((total, item) => total + value(item), 0);

/** Joules per ticket of one run; null where no phase was metered, or one of them is unknown. */
function joulesPerTicket(run: RunRecord): Range | null {
  const ranges = perTicketReadings(run).map((reading) => reading.joules);
  if (ranges.length === 0 || run.tickets.length === 0 || !ranges.every((range) => range !== null)) return null;
  const at = (end: keyof Range) => sumOf(ranges, (range) => range[end]) / run.tickets.length;
  return { low: at('low'), mid: at('mid'), high: at('high') };
}

function secondsPerTicket(run: RunRecord): number | null {
  const readings = perTicketReadings(run);
  return readings.length === 0 || run.tickets.length === 0
    ? null
    : sumOf(readings, (r) => r.seconds) / run.tickets.length;
}

/** The mean of each complete list; null where a value is missing. */
const meanOrNull = (values: readonly (number | null)[]): number | null =>
  values.length > 0 && values.every((value) => value !== null) ? mean(values) : null;

/** Mean over repeats with its t-interval, cut off at 0: neither joules nor seconds are negative. */
function overRepeats(values: readonly (number | null)[]): EstimateRecord | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  const { mid, low, high, n } = tInterval(known);
  return { mid, low: low === null ? null : Math.max(low, 0), high, n };
}

const timeOf = (repeat: readonly RunRecord[]) => meanOrNull(repeat.map(secondsPerTicket));

/** Repeats that measured the variant, not what held it up: nothing makes a device three times faster than it is. */
function undisturbed(repeats: readonly RunRecord[][]): RunRecord[][] {
  const fastest = Math.min(...repeats.map((repeat) => timeOf(repeat) ?? Infinity));
  return repeats.filter((repeat) => (timeOf(repeat) ?? 0) <= HELD_UP * fastest);
}

function rangeOverRepeats(ranges: readonly (Range | null)[]): Range | null {
  const known = ranges.filter((range) => range !== null);
  if (known.length === 0) return null;
  return {
    low: mean(known.map((r) => r.low)),
    mid: mean(known.map((r) => r.mid)),
    high: mean(known.map((r) => r.high)),
  };
}

/** Reading texts into counts is the slow part, and a run never changes. */
const statistics = new WeakMap<RunRecord, Statistic | null>();

function statisticOf(run: RunRecord): Statistic | null {
  let statistic = statistics.get(run);
  if (statistic === undefined) {
    statistic = qualityStatistic(run.task, run.tickets, run.causes);
    statistics.set(run, statistic);
  }
  return statistic;
}

/**
 * rho = mean over tasks of the mean of the task's `inRho` metrics, with a bootstrap over tickets: a ticket that is in
 * several tasks is drawn for all of them at once, as its difficulty is shared.
 */
export function quality(runs: readonly RunRecord[]): EstimateRecord | null {
  const parts = runs.map((run) => ({ run, statistic: statisticOf(run) }));
  if (parts.length === 0 || parts.some(({ statistic }) => statistic === null)) return null;
  const ids = unique(runs.flatMap((run) => run.tickets.map((ticket) => ticket.id)));
  const tasks = parts.map(({ run, statistic }) => {
    const indexOf = new Map(run.tickets.map((ticket, i) => [ticket.id, i]));
    return { statistic: statistic as Statistic, place: ids.map((id) => indexOf.get(id) ?? -1) };
  });
  return estimate({
    n: ids.length,
    value: (units) =>
      mean(
        tasks.map(({ statistic, place }) =>
          statistic.value(units.map((unit) => place[unit] as number).filter((index) => index >= 0)),
        ),
      ),
  });
}

/** Greedy decoding repeats itself; where it did not, quality is that of one repeat and the reader must know. */
const sameOutputs = (runs: readonly RunRecord[]) => {
  const texts = runs.map((run) => JSON.stringify(run.tickets.map(({ id, output }) => [id, output]).sort()));
  return unique(texts).length <= 1;
};

const mixed = (what: string, values: readonly string[]) =>
  values.length > 1 ? [`Its phases were metered by different ${what}: ${values.join(', ')}.`] : [];

/** As a link will carry it: who opens one sees the same winner, also among variants a hair apart. */
const stated = <T extends Range | EstimateRecord>(value: T | null) => value && stateEstimate(value);

function foldVariant(runs: readonly RunRecord[], planTasks: readonly TaskName[]): VariantResult {
  const ordered = runs.toSorted((a, b) => a.repeat - b.repeat || TASKS.indexOf(a.task) - TASKS.indexOf(b.task));
  const first = ordered[0] as RunRecord;
  const tasks = TASKS.filter((task) => ordered.some((run) => run.task === task));
  // A repeat that lacks a task would weigh the others' energy twice: it does not count.
  const complete = [...groupBy(ordered, (run) => run.repeat).values()].filter((repeat) =>
    planTasks.every((task) => repeat.some((run) => run.task === task)),
  );
  const counted = undisturbed(complete);
  const firstOfTask = tasks.map((task) => ordered.find((run) => run.task === task) as RunRecord);
  const energies = counted.map((repeat) => repeat.map(joulesPerTicket));
  const energyEnd = (repeat: readonly (Range | null)[], end: keyof Range) =>
    meanOrNull(repeat.map((range) => range && range[end]));
  const ranges = energies.map((repeat): Range | null => {
    const [low, mid, high] = [energyEnd(repeat, 'low'), energyEnd(repeat, 'mid'), energyEnd(repeat, 'high')];
    return low === null || mid === null || high === null ? null : { low, mid, high };
  });
  const readings = ordered.flatMap(perTicketReadings);
  const tiers = unique(readings.map((reading) => reading.tier));
  const boundaries = unique(readings.map((reading) => reading.boundary));
  const missing = planTasks.filter((task) => !tasks.includes(task));
  const compression = first.compression;
  return {
    variant: first.variant,
    stage: Math.min(...ordered.map((run) => run.stage)),
    engine: first.engine,
    kernel: first.kernel,
    energy: stated(overRepeats(ranges.map((range) => range && range.mid))),
    energyRange: stated(rangeOverRepeats(ranges)),
    tier: TIERS.findLast((tier) => tiers.includes(tier)) ?? 'profile',
    boundary: boundaries[0] ?? 'device',
    latency: stated(overRepeats(counted.map(timeOf))),
    // A mean over fewer tasks would stand beside means over all of them.
    quality: missing.length > 0 ? null : stated(quality(firstOfTask)),
    metrics: Object.fromEntries(
      firstOfTask.flatMap((run) =>
        Object.entries(
          Object.keys(run.metrics).length > 0 ? run.metrics : scoreRun(run.task, run.tickets, run.causes),
        ).map(([name, value]) => [`${run.task}.${name}`, stateEstimate(value)]),
      ),
    ),
    storedBytes: compression && compression.storedBytes,
    computedBytes: compression && compression.computedBytes,
    sparsity: compression && compression.linearParameters > 0 ? compression.zeros / compression.linearParameters : null,
    tickets: unique(firstOfTask.flatMap((run) => run.tickets.map((ticket) => ticket.id))).length,
    repeats: counted.length,
    fallbacks: unique([
      ...ordered.flatMap((run) => run.fallbacks),
      ...(missing.length > 0
        ? [`It was not run on: ${missing.join(', ')}. So its quality and energy over all tasks are unknown.`]
        : []),
      ...(complete.length === 0 && missing.length === 0
        ? ['No repeat has all tasks yet, so its energy per ticket is unknown.']
        : []),
      ...(counted.length < complete.length
        ? [
            `${complete.length - counted.length} of ${complete.length} repeats took over ${HELD_UP} times as long as the fastest and are left out of energy and time.`,
          ]
        : []),
      ...tasks
        .filter((task) => !sameOutputs(ordered.filter((run) => run.task === task)))
        .map((task) => `Answers (${task}) differ between repeats; quality is that of the first.`),
      ...mixed('tiers', tiers),
      ...mixed('boundaries', boundaries),
    ]),
  };
}

/** A run never changes, so what a group of runs was folded to stays true: under its first run. */
const known = new WeakMap<RunRecord, { runs: readonly RunRecord[]; tasks: string; result: VariantResult }>();

function foldGroup(runs: readonly RunRecord[], planTasks: readonly TaskName[]): VariantResult {
  const first = runs[0] as RunRecord;
  const tasks = planTasks.join();
  const before = known.get(first);
  if (before?.tasks === tasks && before.runs.length === runs.length && runs.every((run, i) => run === before.runs[i]))
    return before.result;
  const result = foldVariant(runs, planTasks);
  known.set(first, { runs, tasks, result });
  return result;
}

/**
 * One result per variant and engine, in the order of stage and name. Joules per ticket = (prefill + decode) / tickets,
 * averaged over tasks with equal weight, then over repeats. The order of the runs does not matter.
 */
export function foldRuns(runs: readonly RunRecord[]): VariantResult[] {
  const planTasks = TASKS.filter((task) => runs.some((run) => run.task === task));
  return [...groupBy(runs, (run) => `${run.variant}\n${run.engine}`).values()]
    .map((group) => foldGroup(group, planTasks))
    .sort(
      (a, b) =>
        a.stage - b.stage || (a.variant < b.variant ? -1 : a.variant > b.variant ? 1 : a.engine < b.engine ? -1 : 1),
    );
}

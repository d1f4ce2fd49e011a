import { groupBy } from '../core/group';
import { mean, t975 } from '../core/stats';
import { mainReadings } from '../meter/readings';
import { LEAST_SLICES, MOST_BOUND_SLICES } from '../schema/defaults';
import type { BoundRecord } from '../schema/result';
import { ANSWERING, isEstimated, type Range, type Reading, type RunRecord, type TaskName } from '../schema/run';
import { HELD_UP } from './energies';

/**
 * "Measure until +-3 %": how well a variant's joules a ticket are known by its slices, and whether more would tell more. Of net
 * and gross the one that is known less: of a counter that is net; of a profile it is gross, since its net joules are those of
 * counted work alone, which no repeat changes.
 *
 * Of n slices the standard error is that of a ratio: what joules of a slice lie off what its work lets expect (Cochran 1977,
 * Sampling Techniques, ch. 6), over the root of n. A counter's steps come to it as a rectangular distribution over what each
 * slice's readings leave open (JCGM 100:2008, 4.3.7), independent from slice to slice; what is not known of the watts at rest is
 * alike in all slices and added whole. Of an estimate the spread between repeats is all that repeats can tell: what is not
 * known of the device stays, and is no part of the bound.
 */

/** Slices that would still be wanted, as a multiple of the most there may be, from which on nothing more is spent. */
const NO_HOPE = 4;

/** A phase of a task in a slice, per ticket. */
interface Part {
  net: number;
  gross: number;
  work: number;
  seconds: number;
  reading: Reading;
  tickets: number;
}
type Slice = Map<string, Part>;

const widest = ({ low, mid, high }: Range) => Math.max(mid - low, high - mid);

/** Readings of answering by task and phase of every slice that has all tasks. */
function slicesOf(runs: readonly RunRecord[], tasks: readonly TaskName[]): Slice[] {
  return [...groupBy(runs, (run) => run.slice).values()].flatMap((group) => {
    const slice: Slice = new Map();
    for (const task of tasks) {
      const run = group.find((own) => own.task === task);
      const readings = run ? mainReadings(run.phases).filter(({ phase }) => ANSWERING.has(phase)) : [];
      if (!run || run.tickets.length === 0 || readings.length === 0) return [];
      const tickets = run.tickets.length;
      for (const reading of readings)
        slice.set(`${task} ${reading.phase}`, {
          net: (reading.netJoules?.mid ?? NaN) / tickets,
          gross: (reading.joules?.mid ?? NaN) / tickets,
          work: reading.flops === null ? NaN : reading.flops / tickets,
          seconds: reading.seconds / tickets,
          reading,
          tickets,
        });
    }
    return [slice];
  });
}

/** What each slice would have taken of something at the mean rate of its work; where work was not counted all are alike. */
function expected(slices: readonly Slice[], of: (part: Part) => number): number[] {
  const counted = slices.every((slice) => [...slice.values()].every(({ work }) => work > 0));
  const sums = new Map<string, { value: number; work: number }>();
  for (const slice of slices)
    for (const [key, part] of slice) {
      const sum = sums.get(key) ?? { value: 0, work: 0 };
      sums.set(key, { value: sum.value + of(part), work: sum.work + (counted ? part.work : 1) });
    }
  return slices.map((slice) =>
    [...slice].reduce((n, [key, { work }]) => {
      const sum = sums.get(key) as { value: number; work: number };
      return n + (sum.value / sum.work) * (counted ? work : 1);
    }, 0),
  );
}

const totalOf = (slice: Slice, of: (part: Part) => number) => [...slice.values()].reduce((n, part) => n + of(part), 0);

/** Slices but for those that something held up, by their time: they are left out of the variant's joules too. */
function undisturbed(slices: readonly Slice[]): Slice[] {
  const usual = expected(slices, (part) => part.seconds);
  const slow = slices.map((slice, k) => totalOf(slice, (part) => part.seconds) / (usual[k] as number));
  const fastest = Math.min(...slow);
  return slices.filter((_, k) => !((slow[k] as number) > HELD_UP * fastest));
}

const rounded = (x: number) => Number(x.toPrecision(3));

/**
 * How far the net joules of a variant are known by its runs, beside what was asked for.
 *
 * @param runs of one variant; anchors and validation slices tell nothing here
 * @param asked half-width of the 95 % interval over the middle, as 0.03
 */
export function boundOf(runs: readonly RunRecord[], tasks: readonly TaskName[], asked: number): BoundRecord {
  const own = runs.filter((run) => !run.anchor && run.part === 'test');
  const all = slicesOf(own, tasks);
  const unknown = (why: BoundRecord['why']): BoundRecord => ({
    asked,
    reached: null,
    slices: all.length,
    met: false,
    why,
  });
  const readings = all.flatMap((slice) => [...slice.values()].map(({ reading }) => reading));
  if (new Set(readings.map(({ source }) => source)).size > 1) return unknown('mixed');
  if (readings.some(({ joules }) => joules === null)) return unknown('unknown');
  if (readings.some(({ netJoules }) => netJoules === null)) return unknown('rest');
  const slices = undisturbed(all);
  const n = slices.length;
  const more = all.length < MOST_BOUND_SLICES;
  if (n < 2) return unknown(more ? 'open' : 'few');
  const kinds = [(part: Part) => part.net, (part: Part) => part.gross].map((joules) => {
    const own = slices.map((slice) => totalOf(slice, joules));
    const usual = expected(slices, joules);
    const squares = own.reduce((sum, x, k) => sum + (x - (usual[k] as number)) ** 2, 0);
    return { level: mean(own), spread: squares / (n - 1) };
  });
  const [net] = kinds as [(typeof kinds)[number], ...typeof kinds];
  // Nothing is a share of nothing: as long as it may rise above 0 more slices may tell.
  if (!(net.level > 0)) return unknown(more && n < LEAST_SLICES ? 'open' : 'nothing');
  const counted = !readings.every(({ tier }) => isEstimated(tier));
  const halves = slices.map((slice) => ({
    steps: counted ? totalOf(slice, ({ reading, tickets }) => widest(reading.joules as Range) / tickets) : 0,
    rest: counted
      ? totalOf(
          slice,
          ({ reading, tickets }) =>
            Math.max(0, widest(reading.netJoules as Range) - widest(reading.joules as Range)) / tickets,
        )
      : 0,
  }));
  // A rectangle of half-width h has the variance h^2 / 3.
  const steps = mean(halves.map((half) => half.steps ** 2 / 3));
  const rest = mean(halves.map((half) => half.rest)) / net.level;
  /** The wider of net and gross, without what is not known of rest. */
  const of = (k: number, t: number) =>
    Math.max(...kinds.map(({ level, spread }) => (t * Math.sqrt((spread + steps) / k)) / level));
  const reached = of(n, t975(n - 1)) + rest;
  const told = { asked, reached: rounded(reached), slices: all.length };
  if (n >= LEAST_SLICES && reached <= asked) return { ...told, met: true, why: null };
  const cause = rest > asked / 2 ? 'rest' : steps > net.spread ? 'steps' : 'spread';
  if (!more) return { ...told, met: false, why: n < LEAST_SLICES ? 'few' : cause === 'rest' ? 'rest-width' : cause };
  // With slices without end, and the normal's quantile: what even that does not reach is not worth beginning.
  const wanted = rest >= asked ? Infinity : n * (of(n, 1.96) / (asked - rest)) ** 2;
  if (n >= LEAST_SLICES && wanted > NO_HOPE * MOST_BOUND_SLICES)
    return { ...told, met: false, why: cause === 'rest' ? 'rest-width' : cause };
  return { ...told, met: false, why: 'open' };
}

/** Whether further slices may bring a variant within the bound. */
export const wantsMore = ({ why }: BoundRecord): boolean => why === 'open';

import { groupBy } from '../core/group';
import { mainReadings } from '../meter/readings';
import { ANSWERING, type Range, type Reading, type RunRecord } from '../schema/run';
import { phasesOf } from './phases';

/** A variant's joules of answering in the measures that others publish. Null where its joules, or what divides them, are unknown. */
export interface Measures {
  variant: string;
  engine: string;
  /** Of a ticket that gets all tasks: idle power included, and net of it. */
  gross: Range | null;
  net: Range | null;
  /** Of 1,000 tokens, read and written, gross. */
  thousandTokens: Range | null;
  /** Of an answer that chose the right cause: what all answers took, over those that were right. Null without such a task, or without a right one. */
  correct: Range | null;
  /** Answers that chose a cause, and how many were right. */
  chosen: { right: number; of: number };
}

const ENDS = ['low', 'mid', 'high'] as const;

const scaled = (range: Range | null, factor: number): Range | null =>
  range && Number.isFinite(factor)
    ? { low: range.low * factor, mid: range.mid * factor, high: range.high * factor }
    : null;

const answering = (runs: readonly RunRecord[]): Reading[] =>
  runs.flatMap((run) => mainReadings(run.phases).filter(({ phase }) => ANSWERING.has(phase)));

/** The sum of all; null where one is unknown, or there is none. */
function total(readings: readonly Reading[], of: (reading: Reading) => Range | null): Range | null {
  const ranges = readings.map(of);
  if (ranges.length === 0 || ranges.includes(null)) return null;
  const [low, mid, high] = ENDS.map((end) => ranges.reduce((n, range) => n + (range?.[end] ?? NaN), 0));
  return { low: low as number, mid: mid as number, high: high as number };
}

const sumOf = (parts: readonly (Range | null)[]): Range | null =>
  parts.reduce<Range | null>(
    (sum, part) =>
      sum && part ? { low: sum.low + part.low, mid: sum.mid + part.mid, high: sum.high + part.high } : null,
    { low: 0, mid: 0, high: 0 },
  );

/** Net joules of windows may lie below 0, by what a counter leaves open; a ticket's do not. */
const atLeastNothing = (range: Range | null): Range | null =>
  range && { low: Math.max(0, range.low), mid: Math.max(0, range.mid), high: Math.max(0, range.high) };

/** Measures of every variant, in the order in which they first ran; without anchors and validation slices, which answer nothing. */
export function measuresOf(runs: readonly RunRecord[]): Measures[] {
  const answers = runs.filter((run) => !run.anchor && run.part === 'test');
  return [...groupBy(answers, (run) => `${run.variant}\n${run.engine}`).values()].map((group) => {
    const { variant, engine } = group[0] as RunRecord;
    /** As the figure of the answer adds tasks up, of whichever joules stand in the readings. */
    const perTicket = (some: readonly RunRecord[]) =>
      sumOf((phasesOf(some)[0]?.phases ?? []).flatMap(({ perTicket: each }) => (each ? [each.joules] : [])));
    const readings = answering(group);
    const tokens = readings.reduce((n, r) => n + (r.tokens ?? NaN), 0);
    const choosing = group.filter(({ task }) => task === 'rca');
    const tickets = choosing.flatMap((run) => run.tickets);
    const right = tickets.filter(({ output, reference }) => output === reference).length;
    return {
      variant,
      engine,
      gross: readings.length > 0 ? perTicket(group) : null,
      net:
        readings.length > 0
          ? atLeastNothing(
              perTicket(
                // Of the source that gross joules are of: another one's net would stand beside them.
                group.map((run) => ({
                  ...run,
                  phases: mainReadings(run.phases).map((r) => ({ ...r, joules: r.netJoules })),
                })),
              ),
            )
          : null,
      thousandTokens:
        tokens > 0
          ? scaled(
              total(readings, (r) => r.joules),
              1000 / tokens,
            )
          : null,
      correct:
        right > 0
          ? scaled(
              total(answering(choosing), (r) => r.joules),
              1 / right,
            )
          : null,
      chosen: { right, of: tickets.length },
    };
  });
}

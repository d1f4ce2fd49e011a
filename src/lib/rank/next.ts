import { rareDifference } from '../score/paired';
import type { Evidence, VariantResult } from '../schema/result';
import { LEAST_SLICES, SAME_JOULES } from '../schema/defaults';
import { Compared, taskQuality, type DecidedRow, type Decision } from './decide';
import { slicesFor, ticketsFor } from './power';

/** What would tell more about an answer. */
export type NextStep =
  /** So many tickets a task would show whether `variant` does the job, which then is the answer. */
  | { kind: 'tickets'; variant: string; tickets: number; cost: Cost }
  /** So many slices would tell the joules of the two apart. */
  | { kind: 'slices'; variant: string; against: string; slices: number; cost: Cost }
  /** Nothing that is open could change the answer, or no number of tickets would. */
  | { kind: 'settled' };

/** What measuring more takes beyond what was measured, at the middle of the estimates; null where it is unknown. */
export interface Cost {
  seconds: number | null;
  joules: number | null;
}

/** Normal quantile of the one-sided 95 % ends that a floor row carries. */
const Z95 = 1.6448536269514722;
/** More tickets than this nobody has. */
const MOST_TICKETS = 5000;
const MOST_SLICES = 60;

const sumOf = (values: readonly (number | null)[]): number | null =>
  values.some((x) => x === null) ? null : (values as number[]).reduce((a, x) => a + x, 0);

/** Of all models and so many tickets each. */
const costOf = (decision: Decision, tickets: number): Cost => ({
  seconds: sumOf(decision.rows.map(({ result }) => (result.latency ? tickets * result.latency.mid : null))),
  joules: sumOf(decision.rows.map(({ result }) => (result.energy ? tickets * result.energy.mid : null))),
});

/** Tickets a task by which it would be shown whether a row meets the floor; Infinity where no number would. */
function ticketsToShow(row: DecidedRow, decision: Decision, evidence: Evidence): number {
  const reference = decision.reference?.result;
  return Math.max(
    0,
    ...evidence.floors.map(({ task, tickets: n, always, rows }) => {
      const own = rows[row.at];
      const quality = taskQuality(row.result, task);
      const floor = row.floors.find((f) => f.task === task);
      if (!own || quality === null || floor?.met !== 'open') return 0;
      const other = reference ? taskQuality(reference, task) : null;
      const needed: number[] = [];
      if (floor.lacks.includes('reference') && own.low !== null && other !== null) {
        const difference = quality - other;
        // Where nothing differed the interval is what so few tickets cannot rule out, not a spread.
        const nothing = difference === 0 && Math.abs(own.low + rareDifference(n, 0.05)) < 2e-3;
        const sdPerTicket = nothing ? 0 : ((difference - own.low) / Z95) * Math.sqrt(n);
        needed.push(ticketsFor({ difference, sdPerTicket, margin: decision.margin, level: 0.95 }).notWorse);
      }
      if (floor.lacks.includes('always') && own.above !== null && always !== null) {
        const difference = quality - always;
        const sdPerTicket = ((difference - own.above) / Z95) * Math.sqrt(n);
        // Above it, one-sided: a margin of 0.
        needed.push(
          difference > 0 ? ticketsFor({ difference, sdPerTicket, margin: 0, level: 0.95 }).notWorse : Infinity,
        );
      }
      return needed.length > 0 ? Math.max(...needed) : 0;
    }),
  );
}

/**
 * What separates the two variants that matter: first the leanest one that may still turn out to do the job and would
 * then be the answer; else the one whose joules cannot be told from the answer's; else nothing.
 */
export function nextStep(results: readonly VariantResult[], evidence: Evidence, decision: Decision): NextStep {
  const compared = new Compared(results, evidence);
  const { answer } = decision;
  const leaner = decision.rows
    .filter((row) => row.floor === 'open' && row !== answer)
    .filter((row) => answer === null || compared.joules(row.at) < compared.joules(answer.at))
    .toSorted((a, b) => compared.joules(a.at) - compared.joules(b.at));
  for (const row of leaner) {
    const asked = Math.min(...evidence.floors.map(({ tickets }) => tickets));
    const tickets = ticketsToShow(row, decision, evidence);
    if (tickets > asked && tickets <= MOST_TICKETS)
      return { kind: 'tickets', variant: row.result.variant, tickets, cost: costOf(decision, tickets - asked) };
  }
  if (answer) {
    const rival = decision.rows.find(
      (row) => row !== answer && row.energyWord === 'cannot tell' && row.floor === 'shown',
    );
    const contrast = rival ? compared.energyAt(rival.at, answer.at) : null;
    if (rival && (contrast || decision.slices < LEAST_SLICES)) {
      const n = Math.max(1, decision.slices);
      const slices = contrast
        ? slicesFor({
            logRatio: contrast.mid,
            sigma: contrast.sd * Math.sqrt(n / 2),
            margin: Math.log(1 + SAME_JOULES),
            level: 0.95,
            variants: Math.max(2, decision.rows.length),
          }).different
        : LEAST_SLICES;
      const least = Math.max(slices, LEAST_SLICES);
      const perSlice = answer.result.tickets / n;
      if (least > n && least <= MOST_SLICES)
        return {
          kind: 'slices',
          variant: rival.result.variant,
          against: answer.result.variant,
          slices: least,
          cost: costOf(decision, (least - n) * perSlice),
        };
    }
  }
  return { kind: 'settled' };
}

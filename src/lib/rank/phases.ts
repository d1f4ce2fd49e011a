import { groupBy } from '../core/group';
import { mean } from '../core/stats';
import { mainReadings } from '../meter/readings';
import {
  ANSWERING,
  PHASES,
  TASKS,
  type Phase,
  type Range,
  type Reading,
  type RunRecord,
  type TaskName,
} from '../schema/run';

/** What one phase of a variant took, averaged over its runs. */
export interface PhaseCost {
  phase: Phase;
  /** Runs that had this phase. */
  runs: number;
  /** Seconds per run. */
  seconds: number;
  /** Seconds, joules per ticket where the phase answers tickets; null where it happens once. */
  perTicket: { seconds: number; joules: Range | null } | null;
  /** Operations and bytes a second, and operations per byte, by the graph's own count; null where nothing was counted. */
  work: { flopsPerSecond: number; bytesPerSecond: number; intensity: number } | null;
  /** Tokens a second; null for phases without tokens. */
  tokensPerSecond: number | null;
}

export interface VariantPhases {
  variant: string;
  engine: string;
  phases: PhaseCost[];
}

interface Part {
  reading: Reading;
  tickets: number;
  task: TaskName;
}

const total = (parts: readonly Part[], of: (reading: Reading) => number | null): number | null =>
  parts.reduce<number | null>((sum, { reading }) => {
    const value = of(reading);
    return sum === null || value === null ? null : sum + value;
  }, 0);

/**
 * The mean over runs for each task, then the sum over tasks: what a ticket that gets all of them takes. A task without this
 * phase (finding causes writes nothing) spends nothing on it, so phases add up to the figure of the answer.
 */
function overTasks(parts: readonly Part[], value: (part: Part) => number): number {
  const means = TASKS.map((task) => parts.filter((part) => part.task === task).map(value))
    .filter((values) => values.length > 0)
    .map(mean);
  return means.reduce((sum, x) => sum + x, 0);
}

function joulesPerTicket(parts: readonly Part[]): Range | null {
  if (parts.some(({ reading }) => reading.joules === null)) return null;
  const at = (end: keyof Range) => overTasks(parts, ({ reading, tickets }) => (reading.joules?.[end] ?? NaN) / tickets);
  return { low: at('low'), mid: at('mid'), high: at('high') };
}

function costOf(phase: Phase, parts: readonly Part[]): PhaseCost {
  const seconds = mean(parts.map(({ reading }) => reading.seconds));
  const time = total(parts, (r) => r.seconds) ?? 0;
  const [flops, bytes, tokens] = [
    total(parts, (r) => r.flops),
    total(parts, (r) => r.bytes),
    total(parts, (r) => r.tokens),
  ];
  const answered = parts.every(({ tickets }) => tickets > 0);
  return {
    phase,
    runs: parts.length,
    seconds,
    perTicket:
      ANSWERING.has(phase) && answered
        ? {
            seconds: overTasks(parts, ({ reading, tickets }) => reading.seconds / tickets),
            joules: joulesPerTicket(parts),
          }
        : null,
    work:
      flops && bytes && time > 0
        ? { flopsPerSecond: flops / time, bytesPerSecond: bytes / time, intensity: flops / bytes }
        : null,
    tokensPerSecond: tokens && time > 0 ? tokens / time : null,
  };
}

/** Where time and joules go: every phase of every variant, in the order in which they first ran. */
export function phasesOf(runs: readonly RunRecord[]): VariantPhases[] {
  // An anchor is measured to link blocks, a validation slice to calibrate confidence: neither answers.
  return [
    ...groupBy(
      runs.filter((run) => !run.anchor && run.part === 'test'),
      (run) => `${run.variant}\n${run.engine}`,
    ).values(),
  ].map((group) => {
    const { variant, engine } = group[0] as RunRecord;
    const phases = PHASES.flatMap((phase) => {
      const parts = group.flatMap((run) =>
        mainReadings(run.phases)
          .filter((r) => r.phase === phase)
          .map((reading) => ({ reading, tickets: run.tickets.length, task: run.task })),
      );
      return parts.length > 0 ? [costOf(phase, parts)] : [];
    });
    return { variant, engine, phases };
  });
}

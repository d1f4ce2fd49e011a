import { PHASES, type Phase } from '../../schema/run';
import type { MeterWindow } from '../readings';

/**
 * Marks of metered windows for a profiler: one user-timing measure a span, named after run and phase, by which a recorded
 * profile is split. They are written when a run's record is made, with the times of then: no window is open, so metering
 * pays nothing, and no measure stays in memory.
 */

/** What names a run in a profile. A run that was measured again has the same id, and another start. */
export interface MarkedName {
  /** First characters of its plan's hash. */
  plan: string;
  /** The rest of its id: stage, task, variant, slice. */
  unit: string;
  startedAt: string;
}

/** Characters of a plan's hash in a mark: enough that no two plans of a browser share them. */
const PREFIX = 16;
const WORD = 'joulewise';

/** Name of a run in marks, of its record's fields. */
export const markedName = ({ id, plan, startedAt }: { id: string; plan: string; startedAt: string }): MarkedName => ({
  plan: plan.slice(0, PREFIX),
  unit: id.slice(plan.length + 1),
  startedAt,
});

/** A measure's name: `joulewise PHASE START PLAN/UNIT`. */
export const markOf = ({ plan, unit, startedAt }: MarkedName, phase: Phase): string =>
  `${WORD} ${phase} ${startedAt} ${plan}/${unit}`;

const MARK = /^joulewise (\S+) (\S+) ([^\s/]+)\/(.+)$/s;

/** Run and phase that a measure's name tells; null where it is none of ours. */
export function readMark(name: string): (MarkedName & { phase: Phase }) | null {
  const [, said, startedAt, plan, unit] = MARK.exec(name) ?? [];
  const phase = PHASES.find((own) => own === said);
  return phase && startedAt && plan && unit ? { phase, startedAt, plan, unit } : null;
}

/** Whether a browser has a profiler that records power beside user timing, by its user agent: Firefox alone. */
export const profilesPower = (userAgent: string): boolean => /\bFirefox\/\d/.test(userAgent);

/** The part of `performance` that marks take. */
export type Timing = Pick<Performance, 'measure' | 'clearMeasures'>;

/** Writes the spans of a run's windows into the timeline of this thread, and takes them out of memory again. */
export function writeMarks(timing: Timing, run: MarkedName, windows: readonly MeterWindow[]): void {
  const names = new Set<string>();
  for (const { phase, spans = [] } of windows) {
    const name = markOf(run, phase);
    names.add(name);
    for (let i = 0; i + 1 < spans.length; i += 2)
      timing.measure(name, { start: spans[i] as number, end: spans[i + 1] as number });
  }
  // A profiler has copied them; what stays is a list that grows for as long as the thread lives.
  for (const name of names) timing.clearMeasures(name);
}

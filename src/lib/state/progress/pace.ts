import { median } from '../../core/stats';
import type { PlanEvent } from '../../plan/execute';

/** How far a plan has got, counted from its events; pure, so that it is tested without a browser. */
export interface Pace {
  /** Units to run, as far as is known; an upper bound until a later stage begins. */
  units: number;
  /** Units that are finished, failed or left out. */
  done: number;
  /** Variants still to be opened. */
  openings: number;
  /** Seconds that each measured unit, and each opening, took. */
  seconds: number[];
  openingSeconds: number[];
}

export const newPace = (): Pace => ({ units: 0, done: 0, openings: 0, seconds: [], openingSeconds: [] });

/**
 * The pace after an event.
 * @param seconds what the unit that ended took; null where it was not measured now
 */
export function paceAfter(pace: Pace, event: PlanEvent, seconds: number | null): Pace {
  switch (event.type) {
    case 'planned':
      return { ...pace, units: event.units, openings: event.openings };
    case 'opened':
      return {
        ...pace,
        openings: Math.max(0, pace.openings - 1),
        openingSeconds: [...pace.openingSeconds, event.seconds],
      };
    case 'run':
      // An anchor, or a slice that is measured again, is more than was planned.
      if (event.unit.anchor || event.unit.part === 'validation' || (event.run.steadiness?.tries ?? 1) > 1) return pace;
      return {
        ...pace,
        done: pace.done + 1,
        seconds: seconds === null ? pace.seconds : [...pace.seconds, seconds],
      };
    case 'failed':
      return { ...pace, done: pace.done + 1 };
    case 'unit':
    case 'opening':
    case 'progress':
    case 'stopped':
      return pace;
    default:
      return event satisfies never;
  }
}

export const totalOf = (pace: Pace) => Math.max(pace.units, pace.done);

/**
 * Seconds left: units at their mean pace so far, since they come in random order, and what is still to be opened at the
 * median, since only the first of those that calibrate reads all the text. Null before the first unit is measured.
 * @param share of the current unit that is done, in [0, 1]
 */
export function secondsLeft(pace: Pace, share: number): number | null {
  if (pace.seconds.length === 0) return null;
  const mean = pace.seconds.reduce((a, s) => a + s, 0) / pace.seconds.length;
  const opening = pace.openingSeconds.length > 0 ? median(pace.openingSeconds) : 0;
  return mean * Math.max(0, totalOf(pace) - pace.done - share) + opening * pace.openings;
}

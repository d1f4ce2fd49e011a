import type { PlanRecord } from '../schema/plan';

/** How far a plan has got, counted from its events; pure, so that it is tested without a browser. */
export interface Pace {
  /** Units of each stage; an upper bound until the stage begins. */
  sizes: number[];
  /** Units that are finished, failed or left out. */
  done: number;
  /** Seconds that each measured unit took. */
  seconds: number[];
}

/** Before anything has run: a `best` stage makes at most k times its prunings. */
export function expectedPace(plan: PlanRecord): Pace {
  const perVariant = plan.tasks.length * plan.repeats;
  const sizes = plan.stages.map(
    (s, i) =>
      perVariant *
      (s.kind === 'variants' ? s.variants.length + (i === 0 && plan.baseline ? 1 : 0) : s.k * s.prunings.length),
  );
  return { sizes, done: 0, seconds: [] };
}

const before = (pace: Pace, stage: number) => pace.sizes.slice(0, stage).reduce((a, n) => a + n, 0);

export const stageBegins = (pace: Pace, stage: number, units: number): Pace => {
  const sizes = pace.sizes.map((n, i) => (i === stage ? units : n));
  return { ...pace, sizes, done: before({ ...pace, sizes }, stage) };
};

/** Units that were left out (a variant that failed before) count as done. */
export const unitBegins = (pace: Pace, stage: number, index: number): Pace => ({
  ...pace,
  done: before(pace, stage) + index,
});

/** `seconds` is null for a unit that was not measured now. */
export const unitEnds = (pace: Pace, seconds: number | null): Pace => ({
  ...pace,
  done: pace.done + 1,
  seconds: seconds === null ? pace.seconds : [...pace.seconds, seconds],
});

export const totalOf = (pace: Pace) => pace.sizes.reduce((a, n) => a + n, 0);

/**
 * Seconds left at the mean pace so far: units are shuffled, so what ran is a fair sample of what is to come.
 * @param share of the current unit that is done, in [0, 1]
 * @returns null before the first unit is measured
 */
export function secondsLeft(pace: Pace, share: number): number | null {
  if (pace.seconds.length === 0) return null;
  const mean = pace.seconds.reduce((a, s) => a + s, 0) / pace.seconds.length;
  return mean * Math.max(0, totalOf(pace) - pace.done - share);
}

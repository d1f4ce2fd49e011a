import type { Spent } from '../plan/execute';

/** Power and energy over the time of a run, for a chart: estimates, at the middle of their intervals. */
export interface Series {
  /** Seconds since the run began. */
  t: number[];
  /** Watts while tickets are answered; null while a model is opened, or where nothing can be said. */
  watts: (number | null)[];
  /** Joules so far, of answering tickets alone. */
  joules: (number | null)[];
  /** What was done since the point before: a phase of opening a model, or the task whose tickets are answered. */
  phase: string[];
}

/** Seconds that were spent on one thing. */
export interface Band {
  phase: string;
  from: number;
  to: number;
}

/** More points than a chart has pixels only cost time. */
const MAX_POINTS = 2000;

export const emptySeries = (): Series => ({ t: [], watts: [], joules: [], phase: [] });

/** Every second point, where there are too many. */
const thinned = <T>(values: readonly T[]): T[] => values.filter((_, i) => i % 2 === 0);

export function extend(
  series: Series,
  point: { t: number; watts: number | null; joules: number | null; phase: string },
): Series {
  const crowded = series.t.length >= MAX_POINTS;
  const old = crowded
    ? {
        t: thinned(series.t),
        watts: thinned(series.watts),
        joules: thinned(series.joules),
        phase: thinned(series.phase),
      }
    : series;
  return {
    t: [...old.t, point.t],
    watts: [...old.watts, point.watts],
    joules: [...old.joules, point.joules],
    phase: [...old.phase, point.phase],
  };
}

/** The series as a row of bands, neighbours of one phase joined. */
export function bandsOf({ t, phase }: Pick<Series, 't' | 'phase'>): Band[] {
  const bands: Band[] = [];
  for (const [i, name] of phase.entries()) {
    const to = t[i] ?? 0;
    const last = bands.at(-1);
    if (last?.phase === name) last.to = to;
    else bands.push({ phase: name, from: last?.to ?? to, to });
  }
  return bands;
}

/** Mean power between two readings of the same unit. */
export function wattsBetween(before: Spent | null, now: Spent): number | null {
  const seconds = now.seconds - (before?.seconds ?? 0);
  const joules = now.joules === null || before?.joules === null ? null : now.joules - (before?.joules ?? 0);
  return joules === null || seconds <= 0 ? null : joules / seconds;
}

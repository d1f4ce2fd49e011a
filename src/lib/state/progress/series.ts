import type { Spent } from '../../plan/execute';
import { mainReadings } from '../../meter/readings';
import { ANSWERING, type RunRecord } from '../../schema/run';

/** Power and energy over the time of a run, for a chart: estimates, at the middle of their intervals. */
export interface Series {
  /** Seconds since the run began. */
  t: number[];
  /** Watts while tickets are answered; null while a model is opened, or where nothing can be said. */
  watts: (number | null)[];
  /** Joules so far, of answering tickets alone. */
  joules: (number | null)[];
  /** What was done meanwhile, one after the other, without gaps. */
  bands: readonly Band[];
}

/** Seconds that were spent on one thing: a phase of opening a model, or the task whose tickets are answered. */
export interface Band {
  phase: string;
  from: number;
  to: number;
}

export interface Point {
  t: number;
  watts: number | null;
  joules: number | null;
}

/** More points than a chart has pixels only cost time. */
const MAX_POINTS = 2000;

export const emptySeries = (): Series => ({ t: [], watts: [], joules: [], bands: [] });

/** Every second point, where there are too many. */
const thinned = <T>(values: readonly T[]): T[] => values.filter((_, i) => i % 2 === 0);

export function extend(series: Series, points: readonly Point[], bands: readonly Band[]): Series {
  const crowded = series.t.length >= MAX_POINTS;
  const old = crowded ? { t: thinned(series.t), watts: thinned(series.watts), joules: thinned(series.joules) } : series;
  return {
    t: [...old.t, ...points.map(({ t }) => t)],
    watts: [...old.watts, ...points.map(({ watts }) => watts)],
    joules: [...old.joules, ...points.map(({ joules }) => joules)],
    bands,
  };
}

/** Bands up to `t`, where `phase` is what is done now: the last one grows, or a new one begins. */
export function enter(bands: readonly Band[], phase: string, t: number): Band[] {
  const last = bands.at(-1);
  const grown = last ? [...bands.slice(0, -1), { ...last, to: t }] : [];
  return last?.phase === phase ? grown : [...grown, { phase, from: t, to: t }];
}

/** Mean power between two readings of the same unit. */
export function wattsBetween(before: Spent | null, now: Spent): number | null {
  const seconds = now.seconds - (before?.seconds ?? 0);
  const joules = now.joules === null || before?.joules === null ? null : now.joules - (before?.joules ?? 0);
  return joules === null || seconds <= 0 ? null : joules / seconds;
}

/** Joules of answering tickets, with those of one more run; null where one of them cannot say. */
function plusJoules(sum: number | null, run: RunRecord): number | null {
  for (const { phase, joules } of mainReadings(run.phases)) {
    if (!ANSWERING.has(phase)) continue;
    if (sum === null || !joules) return null;
    sum += joules.mid;
  }
  return sum;
}

/** What a run spends, as it goes on: what is told of it between two redraws becomes a series. */
export class Recorder {
  #series = emptySeries();
  /** Since the last redraw, where something new began. */
  #points: Point[] = [];
  #bands: readonly Band[] = [];
  /** Of the current unit: what it took so far, and at the last redraw. */
  #spent: Spent | null = null;
  #before: Spent | null = null;
  /** Of answering tickets in finished units. */
  #finished: number | null = 0;

  /** @param now seconds since the run began */
  constructor(private readonly now: () => number) {}

  get #joules(): number | null {
    const joules = this.#spent?.joules;
    return joules == null || this.#finished === null ? this.#finished : this.#finished + joules;
  }

  get #watts(): number | null {
    return this.#spent && this.#spent !== this.#before ? wattsBetween(this.#before, this.#spent) : null;
  }

  /** Read and written, in the current unit; null before its first ticket. */
  get tokensPerSecond(): number | null {
    return this.#spent && this.#spent.seconds > 0 ? this.#spent.tokens / this.#spent.seconds : null;
  }

  /** From now on this is done: the curves have a corner there. */
  turnTo(phase: string): void {
    if (this.#bands.at(-1)?.phase === phase) return;
    const t = this.now();
    this.#points.push({ t, watts: null, joules: this.#joules });
    this.#bands = enter(this.#bands, phase, t);
  }

  /** A unit begins, with opening its model. */
  begin(): void {
    this.#spent = this.#before = null;
    this.turnTo('load');
  }

  progress(phase: string, spent: Spent | null | undefined): void {
    this.turnTo(phase);
    this.#spent = spent ?? this.#spent;
  }

  finish(run: RunRecord): void {
    const watts = this.#watts;
    this.#finished = plusJoules(this.#finished, run);
    this.#spent = this.#before = null;
    this.#points.push({ t: this.now(), watts, joules: this.#joules });
  }

  /** The series up to now, where `phase` is what is done. */
  draw(phase: string): Series {
    const t = this.now();
    this.#bands = enter(this.#bands, phase, t);
    this.#series = extend(
      this.#series,
      [...this.#points, { t, watts: this.#watts, joules: this.#joules }],
      this.#bands,
    );
    this.#points = [];
    this.#before = this.#spent;
    return this.#series;
  }
}

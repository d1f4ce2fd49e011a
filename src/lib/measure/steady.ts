import type { Steadiness } from '../schema/run';

/** A piece that takes this many times the quiet one was stalled: by a thread that waited, or by another process. */
const STALLED = 1.5;
/** A slice is disturbed where its pieces took this much longer than quiet ones in the mean, or this share was stalled. */
const SLOWER = 1.15;
const SHARE_STALLED = 0.1;
/** The quiet level is that of the fastest such share of all pieces: most of the time a device may well be busy. */
const QUIET_SHARE = 0.2;
/** Pieces by which a moment is judged. */
const RECENT = 8;

const mean = (xs: readonly number[]) => xs.reduce((a, x) => a + x, 0) / xs.length;

/**
 * Judges whether a device is disturbed by the jitter of short pieces of equal work (one variant's passes over one
 * token): what else runs, heat, or a thread that waits for another shows in them before it shows in joules.
 */
export class SteadyWatch {
  readonly #all: number[] = [];
  #slice: number[] = [];

  /** Books the time of a piece, ms. */
  add(ms: number): void {
    this.#all.push(ms);
    this.#slice.push(ms);
  }

  /** Milliseconds of a piece when nothing else runs, as far as this watch has seen; NaN before the first. */
  get quiet(): number {
    const sorted = this.#all.toSorted((a, b) => a - b);
    const n = Math.max(1, Math.ceil(sorted.length * QUIET_SHARE));
    return sorted.length === 0 ? NaN : mean(sorted.slice(0, n));
  }

  /** Whether the last few pieces were as quiet ones. */
  get isQuiet(): boolean {
    return !this.#judge(this.#all.slice(-RECENT)).disturbed;
  }

  /** Begins a slice: pieces before it do not count for it. */
  begin(): void {
    this.#slice = [];
  }

  /** What the pieces since `begin` say; null without any. */
  end(more: Pick<Steadiness, 'tries' | 'waited'>): Steadiness | null {
    return this.#slice.length === 0 ? null : { ...this.#judge(this.#slice), ...more };
  }

  #judge(pieces: readonly number[]): Omit<Steadiness, 'tries' | 'waited'> {
    const quiet = this.quiet;
    const average = mean(pieces);
    const stalled = pieces.filter((ms) => ms > STALLED * quiet).length / pieces.length;
    return {
      pieces: pieces.length,
      quiet,
      mean: average,
      stalled,
      disturbed: average > SLOWER * quiet || stalled > SHARE_STALLED,
    };
  }
}

/**
 * The number of threads to run on, of two that were timed: one fewer leaves the device a thread for everything else, and
 * is taken where all threads are slower, or so much less steady that a barrier must have waited.
 * @param all ms of equal pieces on all threads
 * @param fewer the same on one fewer
 */
export function leaveOneFree(all: readonly number[], fewer: readonly number[]): boolean {
  const at = (xs: readonly number[], q: number) =>
    xs.toSorted((a, b) => a - b)[Math.floor(q * (xs.length - 1))] as number;
  const jitter = (xs: readonly number[]) => at(xs, 0.9) / at(xs, 0.1);
  if (mean(fewer) <= mean(all)) return true;
  return jitter(all) > STALLED && jitter(all) > STALLED * jitter(fewer);
}

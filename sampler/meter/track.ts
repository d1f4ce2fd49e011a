import type { Domain, Sample } from '../domain';

/** What happened to a domain's samples; windows say what fell into them. */
export const FLAGS = ['wrap', 'gap', 'reset', 'implausible', 'standstill'] as const;
export type Flag = (typeof FLAGS)[number];

/** Cumulative joules at one moment, all wraps taken out. `broken`: samples until here are not connected to those before. */
interface Point {
  at: number;
  joules: number;
  flags: number;
  broken: boolean;
  /** Of watts: cumulative half differences between neighbours, in joules. */
  spread: number;
}

/** How long points are kept, ms: windows further back cannot be answered, and a slice that takes longer is estimated. */
export const HISTORY_MS = 30 * 60_000;
/** Integrated power is not known over holes of more than so many usual steps, and of more than so long: questions read out of turn. */
const MOST_STEPS = 5;
const LEAST_HOLE_MS = 3000;
/** Watts are averaged over no less than this, so that a counter that steps is not taken for a megawatt. */
const LEAST_MS = 50;
/** Changes of a counter from which its period is told. */
const CHANGES = 8;
const NOISE_MS = 1;
/** A counter that did not move for so long stands still: no machine takes nothing. */
export const STANDSTILL_MS = 5000;

const bit = (flag: Flag) => 1 << FLAGS.indexOf(flag);

/** Joules of a span: what they are at least and at most, since a counter is known only where it was read. */
export interface Span {
  low: number;
  mid: number;
  high: number;
  flags: Flag[];
}

/**
 * One domain over time: samples in, cumulative joules out. A counter that fell has wrapped where its range is known, else it
 * begins anew and what lies between is not known; implausible watts are left out; nothing read is a gap, never 0.
 */
export class Track {
  #points: Point[] = [];
  #last: { at: number; raw: number } | null = null;
  #changedAt: number | null = null;
  #changes: number[] = [];
  #steps: number[] = [];
  /** Whether the next sample is not connected to the last. */
  #broken = true;

  constructor(readonly domain: Domain) {}

  /** Milliseconds between two values that differ: as documented, else the median seen; null while too few were. */
  get period(): number | null {
    if (this.domain.period !== null) return this.domain.period;
    if (this.#changes.length < CHANGES) return null;
    const sorted = [...this.#changes].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] as number;
  }

  /** Joules since the first sample; null before it. */
  get total(): number | null {
    return this.#points.at(-1)?.joules ?? null;
  }

  /** Watts over the last change, for a live view; null while unknown. */
  get watts(): number | null {
    const [first, last] = [this.#points.at(-2), this.#points.at(-1)];
    if (!first || !last || last.broken || last.at <= first.at) return null;
    return ((last.joules - first.joules) / (last.at - first.at)) * 1000;
  }

  /** When it was last read; null where it never was. */
  get readAt(): number | null {
    return this.#points.at(-1)?.at ?? null;
  }

  /** What befell its samples since a moment; a counter that has not moved for long stands still. */
  since(from: number): Flag[] {
    let flags = 0;
    for (let i = this.#points.length - 1; i >= 0 && (this.#points[i] as Point).at >= from; i--)
      flags |= (this.#points[i] as Point).flags;
    const at = this.readAt;
    if (
      this.domain.kind === 'counter' &&
      at !== null &&
      this.#changedAt !== null &&
      at - this.#changedAt > STANDSTILL_MS
    )
      flags |= bit('standstill');
    return FLAGS.filter((flag) => flags & bit(flag));
  }

  /** Takes a sample, or null where nothing was read. */
  add(sample: Sample | null): void {
    const value = sample && (this.domain.kind === 'counter' ? sample.joules : sample.watts);
    if (sample === null || value === null || value === undefined) {
      this.#gap();
      return;
    }
    const before = this.#points.at(-1);
    if (before && sample.at <= before.at) return;
    if (this.domain.kind === 'counter') this.#count(sample.at, value);
    else this.#integrate(sample.at, value);
    this.#forget(sample.at);
  }

  #gap(): void {
    const last = this.#points.at(-1);
    // A counter goes on counting meanwhile; watts that nobody read are lost.
    if (last) last.flags |= bit('gap');
    if (this.domain.kind === 'power') this.#broken = true;
  }

  #push(at: number, joules: number, flags: number, broken = false, spread = 0): void {
    const before = this.#points.at(-1)?.spread ?? 0;
    this.#points.push({ at, joules, flags, broken, spread: before + spread });
  }

  #count(at: number, raw: number): void {
    const last = this.#last;
    const total = this.#points.at(-1)?.joules ?? 0;
    this.#last = { at, raw };
    if (last === null) {
      this.#changedAt = at;
      this.#push(at, total, 0, true);
      return;
    }
    const { wrapsAt, mostWatts } = this.domain;
    let delta = raw - last.raw;
    let flags = 0;
    if (delta < 0) {
      if (wrapsAt === null) {
        this.#push(at, total, bit('reset'), true);
        return;
      }
      delta += wrapsAt;
      flags |= bit('wrap');
    }
    if (delta === 0) {
      this.#push(at, total, 0);
      return;
    }
    // A counter that steps holds what came since its last step.
    const ms = Math.max(at - (this.#changedAt ?? last.at), LEAST_MS, this.domain.period ?? 0);
    if ((delta / ms) * 1000 > mostWatts) {
      this.#push(at, total, bit('implausible'), true);
      return;
    }
    if (this.#changedAt !== null) this.#note(at - this.#changedAt);
    this.#changedAt = at;
    this.#push(at, total + delta, flags);
  }

  #note(ms: number): void {
    if (ms < NOISE_MS) return;
    this.#changes.push(ms);
    if (this.#changes.length > 4 * CHANGES) this.#changes.shift();
  }

  #integrate(at: number, watts: number): void {
    const last = this.#last;
    const total = this.#points.at(-1)?.joules ?? 0;
    this.#last = { at, raw: watts };
    if (watts > this.domain.mostWatts || watts < 0) {
      this.#last = null;
      this.#broken = true;
      this.#push(at, total, bit('implausible'), true);
      return;
    }
    const ms = last ? at - last.at : 0;
    const usual = this.#usualStep();
    if (last === null || this.#broken || (usual !== null && ms > Math.max(LEAST_HOLE_MS, MOST_STEPS * usual))) {
      this.#push(at, total, this.#points.length === 0 ? 0 : bit('gap'), true);
      this.#broken = false;
      return;
    }
    this.#steps.push(ms);
    if (this.#steps.length > 4 * CHANGES) this.#steps.shift();
    const s = ms / 1000;
    this.#push(at, total + ((last.raw + watts) / 2) * s, 0, false, (Math.abs(last.raw - watts) / 2) * s);
  }

  #usualStep(): number | null {
    if (this.#steps.length < CHANGES) return null;
    const sorted = [...this.#steps].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] as number;
  }

  #forget(now: number): void {
    // In pieces, so that the list is not moved for every sample.
    if ((this.#points[0]?.at ?? now) > now - 1.2 * HISTORY_MS) return;
    const keep = this.#points.findIndex((p) => p.at >= now - HISTORY_MS);
    this.#points.splice(0, Math.max(0, keep - 1));
  }

  /** Points at hand: how far back windows can be answered, and that memory does not grow. */
  get size(): number {
    return this.#points.length;
  }

  /** Index of the last point at or before a time; -1 where all came later. */
  #before(at: number): number {
    let [low, high] = [0, this.#points.length];
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((this.#points[mid] as Point).at <= at) low = mid + 1;
      else high = mid;
    }
    return low - 1;
  }

  /** First point behind `index` whose joules differ, without a hole between; null where there is none yet. */
  #changeAfter(index: number): Point | null {
    const own = (this.#points[index] as Point).joules;
    for (let i = index + 1; i < this.#points.length; i++) {
      const point = this.#points[i] as Point;
      if (point.broken) return null;
      if (point.joules > own) return point;
    }
    return null;
  }

  /** Last change of a counter at or before `index`, as joules and milliseconds; null where there was none. */
  #changeBefore(index: number): { joules: number; ms: number } | null {
    const own = this.#points[index] as Point;
    for (let i = index; i > 0 && !this.#points[i]?.broken; i--) {
      const [a, b] = [this.#points[i - 1] as Point, this.#points[i] as Point];
      if (b.joules > a.joules) return { joules: b.joules - a.joules, ms: own.at - a.at };
    }
    return null;
  }

  /**
   * What a counter may lack at a reading: it holds what its last update knew, which may be as old as its period. As much of
   * its next step, or of the one before where none has come yet, as that is of the step's time; `later`: milliseconds that
   * the reading came after the moment that is asked for.
   */
  #lacks(index: number, later: number): number {
    const own = this.#points[index] as Point;
    const change = this.#changeAfter(index);
    const step = change ? { joules: change.joules - own.joules, ms: change.at - own.at } : this.#changeBefore(index);
    if (!step) return 0;
    return step.joules * Math.min(1, Math.max(0, (this.period ?? step.ms) - later) / step.ms);
  }

  /** Joules until `at`: between two readings as if power were even. Null outside what is known. */
  #until(at: number): { low: number; mid: number; high: number; index: number } | null {
    const index = this.#before(at);
    const a = this.#points[index];
    if (!a) return null;
    if (a.at === at) {
      const lacks = this.domain.kind === 'power' ? 0 : this.#lacks(index, 0);
      return { low: a.joules, mid: a.joules, high: a.joules + lacks, index };
    }
    const b = this.#points[index + 1];
    if (!b || b.broken) return null;
    const mid = a.joules + ((b.joules - a.joules) * (at - a.at)) / (b.at - a.at);
    if (this.domain.kind === 'power') return { low: mid, mid, high: mid, index };
    return { low: a.joules, mid, high: b.joules + this.#lacks(index + 1, b.at - at), index };
  }

  /**
   * Joules between two moments; null where they are not known: before the first reading, behind the last, or across a hole.
   * The interval is what readings around both ends leave open; of watts, what lies between neighbouring ones.
   */
  between(from: number, to: number): Span | null {
    const [a, b] = [this.#until(from), this.#until(to)];
    if (!a || !b || to < from) return null;
    let flags = 0;
    for (let i = a.index + 1; i <= b.index; i++) {
      const point = this.#points[i] as Point;
      if (point.broken) return null;
      flags |= point.flags;
    }
    // A gap is marked where it began.
    flags |= (this.#points[a.index]?.flags ?? 0) & bit('gap');
    const mid = b.mid - a.mid;
    if (mid === 0 && to - from > STANDSTILL_MS) flags |= bit('standstill');
    const spread = this.#spread(a.index, b.index + 1);
    return {
      low: Math.max(0, b.low - a.high - spread),
      mid,
      high: b.high - a.low + spread,
      flags: FLAGS.filter((flag) => flags & bit(flag)),
    };
  }

  /** Half of what watts moved between readings, times the time that they had for it. */
  #spread(from: number, to: number): number {
    if (this.domain.kind === 'counter') return 0;
    const last = this.#points[Math.min(to, this.#points.length - 1)] as Point;
    return last.spread - (this.#points[from] as Point).spread;
  }

  /** What of several spans is known together; null where one of them is not. */
  over(spans: readonly (readonly [number, number])[]): Span | null {
    const sum: Span = { low: 0, mid: 0, high: 0, flags: [] };
    const flags = new Set<Flag>();
    for (const [from, to] of spans) {
      const span = this.between(from, to);
      if (!span) return null;
      sum.low += span.low;
      sum.mid += span.mid;
      sum.high += span.high;
      for (const flag of span.flags) flags.add(flag);
    }
    return { ...sum, flags: FLAGS.filter((f) => flags.has(f)) };
  }
}

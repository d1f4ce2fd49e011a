import { JoulewiseError, quote } from '../core/errors';
import { median } from '../core/stats';
import type { Observation, Segment } from './timeline';

/** Readings of a meter with their times, and the joules between them. */

/** In order of time, in milliseconds of the timeline's clock. */
export type Series =
  | { kind: 'joules'; readings: readonly { at: number; joules: number }[] }
  | { kind: 'watts'; readings: readonly { at: number; watts: number }[] };

/** Columns that are understood, by name without case: what they count, and how much of the SI unit one is. */
const COLUMNS: Readonly<Record<string, { kind: Series['kind']; scale: number }>> = {
  watts: { kind: 'watts', scale: 1 },
  w: { kind: 'watts', scale: 1 },
  power: { kind: 'watts', scale: 1 },
  power_w: { kind: 'watts', scale: 1 },
  power_now: { kind: 'watts', scale: 1e-6 },
  joules: { kind: 'joules', scale: 1 },
  j: { kind: 'joules', scale: 1 },
  energy_uj: { kind: 'joules', scale: 1e-6 },
  wh: { kind: 'joules', scale: 3600 },
  energy_wh: { kind: 'joules', scale: 3600 },
  kwh: { kind: 'joules', scale: 3.6e6 },
  // What a battery still holds, in microwatt-hours: it falls as joules are spent.
  energy_now: { kind: 'joules', scale: -3.6e-3 },
};
const TIMES = ['time', 'timestamp', 'date', 't'];

/** Times in seconds or milliseconds since 1970, or as ISO 8601 with its zone; null where it is none of these. */
function momentOf(text: string): number | null {
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    const n = Number(text);
    // Milliseconds since 1970 have passed 1e11 in 1973; seconds will in the year 5138.
    return n > 1e11 ? n : n * 1000;
  }
  // Without a zone nobody knows when that was.
  const at = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : at;
}

const format = (sentence: string) => new JoulewiseError('input.format', sentence);
const MOST_ROWS = 1_000_000;

/**
 * Readings of a CSV file with a header: a column `time`, and one of `watts`, `power_now` (microwatts), `joules`, `energy_uj`,
 * `wh`, `kwh` (all of these counting up) or `energy_now` (microwatt-hours left). Times are since 1970; a row that lacks a
 * value is a gap and left out.
 *
 * @throws input.format where a column or a time cannot be read, and where a counter runs backwards
 */
export function readSeries(text: string): Series {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const separator = lines[0]?.includes(';') ? ';' : ',';
  const cells = (line: string) => line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
  const header = cells(lines[0] ?? '').map((name) => name.toLowerCase());
  const timeAt = header.findIndex((name) => TIMES.includes(name));
  const valueAt = header.findIndex((name) => Object.hasOwn(COLUMNS, name));
  const column = COLUMNS[header[valueAt] ?? ''];
  if (timeAt < 0 || !column)
    throw format(
      `The readings need a header with a column "time" and one of ${Object.keys(COLUMNS).join(', ')}; found ${quote(lines[0] ?? '')}.`,
    );
  if (lines.length > MOST_ROWS)
    throw new JoulewiseError('input.too-large', `More than ${MOST_ROWS} readings. Keep those of the routine alone.`);
  const read = lines.slice(1).flatMap((line, i) => {
    if (line.trim() === '') return [];
    const row = cells(line);
    const at = momentOf(row[timeAt] ?? '');
    if (at === null)
      throw format(
        `Line ${i + 2}: ${quote(row[timeAt] ?? '')} is no time. Give seconds since 1970, or a date with its time zone.`,
      );
    const value = row[valueAt] === '' ? NaN : Number(row[valueAt]);
    return Number.isFinite(value) ? [{ at, value: value * column.scale }] : [];
  });
  read.sort((a, b) => a.at - b.at);
  if (read.length < 2) throw new JoulewiseError('input.empty', 'There are fewer than two readings in this file.');
  // A battery's `power_now` is negative on some machines while it feeds them.
  if (column.kind === 'watts')
    return { kind: 'watts', readings: read.map(({ at, value }) => ({ at, watts: Math.abs(value) })) };
  const back = read.findIndex(({ value }, i) => i > 0 && value < read[i - 1]!.value);
  if (back > 0)
    throw format(
      `The counter runs backwards at ${new Date(read[back]!.at).toISOString()}: it wrapped, or the battery was charged. Give readings without that.`,
    );
  return { kind: 'joules', readings: read.map(({ at, value }) => ({ at, joules: value })) };
}

/** Power takes this long to settle after the work changed, at most this share of a piece; readings within are left out. */
const SETTLE_MS = 400;
const SETTLE_SHARE = 0.25;
/** Watts that a driver gives are a mean over seconds: more of a piece is left out. */
const SETTLE_WATTS = 0.4;
/** Of one watt reading, as a share: its place in time and its own rounding. */
const WATTS_SD = 0.02;

/** A piece without its beginning. */
export const settled = ({ from, to }: Segment) => ({
  from: from + Math.min(SETTLE_MS, SETTLE_SHARE * (to - from)),
  to,
});

/** Readings of `[from, to]` by bisection: the first and last that lie within. */
function within(readings: readonly { at: number }[], from: number, to: number): [number, number] {
  const first = (limit: number) => {
    let [low, high] = [0, readings.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (readings[middle]!.at < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [first(from), first(to + 1e-9) - 1];
}

/** Joules of each piece by watts: their mean over those read while it ran, times its time. */
function fromWatts(
  readings: readonly { at: number; watts: number }[],
  segments: readonly Segment[],
  lag: number,
): Observation[] {
  return segments.flatMap((segment) => {
    const from = segment.from + SETTLE_WATTS * (segment.to - segment.from);
    const { to } = segment;
    const [first, last] = within(readings, from + lag, to + lag);
    const n = last - first + 1;
    if (n < 1) return [];
    const watts = readings.slice(first, last + 1).reduce((sum, r) => sum + r.watts, 0) / n;
    const joules = (watts * (to - from)) / 1000;
    return joules > 0 ? [{ from, to, joules, sd: (WATTS_SD * joules) / Math.sqrt(n) }] : [];
  });
}

/** Moments at which a counter had just counted on: between two of these its joules are exact. */
const stepsOf = (readings: readonly { at: number; joules: number }[]) =>
  readings.filter(({ joules }, i) => i > 0 && joules > readings[i - 1]!.joules);

/** Steps within a piece from which on it stands for itself. */
const STEPS_WITHIN = 4;

/**
 * Joules by a counter, from one of its steps to another: the first and last within each piece where it steps often enough, or
 * else from every step to the next, whatever ran between.
 *
 * A step was seen up to `poll` milliseconds after it fell: that much of the power there is what a difference may be wrong by.
 */
function fromJoules(
  readings: readonly { at: number; joules: number }[],
  segments: readonly Segment[],
  lag: number,
): Observation[] {
  const steps = stepsOf(readings);
  if (steps.length < 2) return [];
  const poll = median(readings.slice(1).map(({ at }, i) => at - readings[i]!.at));
  const between = (a: { at: number; joules: number }, b: { at: number; joules: number }): Observation => {
    const joules = b.joules - a.joules;
    const seen = (poll * Math.SQRT2) / Math.sqrt(12);
    return { from: a.at - lag, to: b.at - lag, joules, sd: joules * Math.max(0.002, seen / (b.at - a.at)) };
  };
  const inPieces = segments.map((segment) => {
    const { from, to } = settled(segment);
    const [first, last] = within(steps, from + lag, to + lag);
    return last - first + 1 >= STEPS_WITHIN ? between(steps[first]!, steps[last]!) : null;
  });
  const found = inPieces.filter((own) => own !== null);
  if (found.length > 0.8 * segments.length) return found;
  const [from, to] = [segments[0]!.from, segments.at(-1)!.to];
  return steps
    .slice(1)
    .map((step, i) => between(steps[i]!, step))
    .filter((own) => own.from >= from && own.to <= to && own.to > own.from);
}

/**
 * What a meter's readings say of a timeline, where they lie `lag` milliseconds behind it.
 *
 * @returns observations in order of time; none where the meter stepped less than twice
 */
export const observe = (series: Series, segments: readonly Segment[], lag: number): Observation[] =>
  series.kind === 'watts' ? fromWatts(series.readings, segments, lag) : fromJoules(series.readings, segments, lag);

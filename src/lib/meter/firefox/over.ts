import type { Range } from '../../schema/run';
import type { CountedPower, PowerCounter } from './counters';

/** Joules of a picowatt-hour: 1e-12 x 3600. */
const JOULES_PER_PWH = 3.6e-9;

/**
 * Milliseconds by which a sample's energy may lie before or after its time: counters of processors move about every 1 ms
 * (Intel SDM volume 3B, 15.10.1), and are read within the millisecond after the time that is written.
 */
const EDGE_MS = 1;

/** Start and end pairs, ascending and without overlap. */
export function unionOf(spans: readonly number[]): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < spans.length; i += 2) pairs.push([spans[i] as number, spans[i + 1] as number]);
  pairs.sort((a, b) => a[0] - b[0]);
  const union: [number, number][] = [];
  for (const [from, to] of pairs) {
    const last = union.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else union.push([from, to]);
  }
  return union;
}

/** Index of the first sample whose energy may reach beyond `at`. */
function firstBeyond(times: readonly number[], at: number): number {
  let [low, high] = [1, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) + EDGE_MS > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** How far a counter reaches over spans: all of them, none, or some. */
function reach({ times }: PowerCounter, spans: readonly (readonly [number, number])[]): 'all' | 'none' | 'some' {
  const [first = Infinity, last = -Infinity] = [times[0], times.at(-1)];
  if (spans.every(([from, to]) => from >= first + EDGE_MS && to <= last - EDGE_MS)) return 'all';
  return spans.every(([from, to]) => to <= first - EDGE_MS || from >= last + EDGE_MS) ? 'none' : 'some';
}

/**
 * Picowatt-hours of a counter over spans (`unionOf`) that it reaches over. The energy of a sample lies anywhere between it
 * and the one before: `low` takes the samples that lie wholly in a span, `high` those that touch one, each once, and `mid`
 * their shares by time. Null where a counter went backwards.
 */
function pwhOver({ times, counts }: PowerCounter, spans: readonly (readonly [number, number])[]): Range | null {
  const sum = { low: 0, mid: 0, high: 0 };
  let touched = 0;
  for (const [from, to] of spans) {
    for (let i = firstBeyond(times, from); i < times.length; i++) {
      const [start, end, count] = [times[i - 1] as number, times[i] as number, counts[i] as number];
      if (start - EDGE_MS >= to) break;
      if (count < 0) return null;
      if (from <= start - EDGE_MS && to >= end + EDGE_MS) sum.low += count;
      if (i > touched) sum.high += count;
      touched = Math.max(touched, i);
      const inside = Math.max(0, Math.min(to, end) - Math.max(from, start));
      sum.mid += end > start ? (count * inside) / (end - start) : from <= end && end < to ? count : 0;
    }
  }
  // Shares of one sample add up to it but for rounding.
  return { ...sum, mid: Math.min(sum.high, Math.max(sum.low, sum.mid)) };
}

/**
 * Joules that counters came to over spans, of which `pid` is the process that ran in them. Null where a counter does not
 * reach over all of them, and where they come to nothing: a processor that runs draws power, so its counter stands still.
 */
export function joulesOver(counted: CountedPower, spans: readonly number[], pid: string): Range | null {
  const union = unionOf(spans);
  if (union.length === 0) return null;
  // What no other process counted is known to be nothing only as long as the process that ran counted.
  if (counted.eachProcess && !counted.counters.some((c) => c.pid === pid && reach(c, union) === 'all')) return null;
  const sum = { low: 0, mid: 0, high: 0 };
  for (const counter of counted.counters) {
    const reached = reach(counter, union);
    // A process that was not there used nothing; one that came or went meanwhile used what nobody knows.
    if (reached === 'none' && counted.eachProcess) continue;
    const own = reached === 'all' ? pwhOver(counter, union) : null;
    if (!own) return null;
    for (const end of ['low', 'mid', 'high'] as const) sum[end] += own[end];
  }
  if (sum.mid <= 0) return null;
  return { low: sum.low * JOULES_PER_PWH, mid: sum.mid * JOULES_PER_PWH, high: sum.high * JOULES_PER_PWH };
}

/**
 * Joules since the first sample, at each sample of any of the counters, by the profile's clock (ms). What a counter used
 * before its own first sample, and where it went backwards, is left out.
 */
export function joulesSince({ counters }: CountedPower): { at: number; joules: number }[] {
  const used = counters.flatMap(({ times, counts }) =>
    times.map((at, i) => ({ at, pwh: i === 0 ? 0 : Math.max(0, counts[i] as number) })),
  );
  used.sort((a, b) => a.at - b.at);
  const out: { at: number; joules: number }[] = [];
  let joules = 0;
  for (const { at, pwh } of used) {
    joules += pwh * JOULES_PER_PWH;
    const last = out.at(-1);
    if (last?.at === at) last.joules = joules;
    else out.push({ at, joules });
  }
  return out;
}

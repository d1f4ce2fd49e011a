import { standardDeviation, t975 } from '../core/stats';
import { MEASURED, type Range, type Reading } from '../schema/run';

/**
 * Net joules of what was counted: a counter knows nothing of idle, so its own idle windows, before and after the work, say
 * what the device draws at rest.
 */

const wasCounted = ({ tier }: Reading) => (MEASURED as readonly string[]).includes(tier);

/** Half of how far windows of rest lie apart beyond what one mean explains: drift, and what else ran meanwhile. Watts. */
function driftOf(watts: readonly number[]): number {
  const n = watts.length;
  if (n < 2) return 0;
  if (n === 2) return Math.abs((watts[0] as number) - (watts[1] as number)) / 2;
  return (t975(n - 1) * standardDeviation(watts)) / Math.sqrt(n);
}

/**
 * Watts at rest by source, of readings of idle windows: all joules over all seconds, with what the counter's steps leave open
 * and what the windows differ by. A source without a window whose joules are known is absent: unknown, never 0.
 */
export function wattsAtRest(readings: readonly Reading[]): ReadonlyMap<string, Range> {
  const found = new Map<string, Range>();
  const idle = readings.filter((r) => r.phase === 'idle' && r.joules && r.seconds > 0 && wasCounted(r));
  for (const source of new Set(idle.map((r) => r.source))) {
    const own = idle.filter((r) => r.source === source);
    const seconds = own.reduce((n, r) => n + r.seconds, 0);
    const of = (end: keyof Range) => own.reduce((n, r) => n + (r.joules as Range)[end], 0) / seconds;
    const drift = driftOf(own.map((r) => (r.joules as Range).mid / r.seconds));
    found.set(source, { low: Math.max(0, of('low') - drift), mid: of('mid'), high: of('high') + drift });
  }
  return found;
}

/**
 * Readings with net joules where something was counted and its watts at rest are known: gross less watts x seconds, each end by
 * the other's other end. Ends may lie below 0, so that sums over many short windows stay right: whoever states one stops it there.
 */
export const netOfRest = (readings: readonly Reading[], rest: ReadonlyMap<string, Range>): Reading[] =>
  readings.map((reading) => {
    const { joules, seconds } = reading;
    const watts = rest.get(reading.source);
    if (!joules || !watts || !wasCounted(reading)) return reading;
    // An idle window does no work by definition.
    if (reading.phase === 'idle') return { ...reading, netJoules: { low: 0, mid: 0, high: 0 } };
    const net = {
      low: joules.low - watts.high * seconds,
      mid: joules.mid - watts.mid * seconds,
      high: joules.high - watts.low * seconds,
    };
    return { ...reading, netJoules: net };
  });

/** What is to be said where joules were counted and those at rest were not. */
export function restWarnings(readings: readonly Reading[]): string[] {
  const without = readings.some(
    (r) => wasCounted(r) && r.phase !== 'idle' && r.joules !== null && r.seconds > 0 && r.netJoules === null,
  );
  return without
    ? ['What the device draws at rest was not counted, so joules net of idle are unknown; gross ones stand.']
    : [];
}

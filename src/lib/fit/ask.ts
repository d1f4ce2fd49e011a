import { operations, bytes, seconds } from '../core/units';
import type { EnergyModelRecord } from '../schema/energy-model';
import type { EnergySource, MeterWindow } from '../meter/readings';
import { type Reading, MEASURED } from '../schema/run';
import { settled } from './readings';
import type { Observation, Segment } from './timeline';

/** What a meter that is asked for spans says of the routine, and what it is; null where it knows of no piece. */
export type Answered = { observations: Observation[] } & Pick<EnergyModelRecord, 'tier' | 'boundary' | 'source'>;

const isKnown = (reading: Reading): reading is Reading & { joules: NonNullable<Reading['joules']> } =>
  reading.joules !== null && reading.joules.mid > 0;

/** A meter's low and high are what it may be off at most; a quarter of that is taken as its SD. */
const SPAN_SDS = 4;

/** Asks a counter for the joules of every piece, without its beginning. Times are of the counter's own clock here. */
export async function askSource(source: EnergySource, segments: readonly Segment[]): Promise<Answered | null> {
  const pieces = segments.map(settled);
  const windows = pieces.map(({ from, to }, i): MeterWindow => ({
    phase: 'decode',
    seconds: seconds((to - from) / 1000),
    bytes: bytes(segments[i]!.bytes),
    operations: operations(segments[i]!.operations),
    tokens: null,
    spans: [from, to],
  }));
  const readings = await source.read(windows);
  const observations = readings.flatMap((reading, i): Observation[] => {
    if (!isKnown(reading)) return [];
    const { low, mid, high } = reading.joules;
    return [{ ...pieces[i]!, joules: mid, sd: Math.max((high - low) / SPAN_SDS, 0.002 * mid) }];
  });
  const told = readings.find(isKnown);
  const tier = MEASURED.find((own) => own === told?.tier);
  return told && tier ? { observations, tier, boundary: told.boundary, source: told.source } : null;
}

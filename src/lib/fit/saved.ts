/** A file that a meter or Firefox's profiler saved of the time when the routine ran. */
import { JoulewiseError, quote } from '../core/errors';
import { countedPower } from '../meter/firefox/counters';
import { readProfile, type ProfileFile } from '../meter/firefox/file';
import { joulesSince } from '../meter/firefox/over';
import type { EnergyModelRecord } from '../schema/energy-model';
import type { Boundary } from '../schema/run';
import { readSeries, type Series } from './readings';

export interface SavedReadings extends Pick<EnergyModelRecord, 'tier' | 'boundary' | 'source'> {
  series: Series;
}

const JSON_BEGINS = '{'.charCodeAt(0);
const GZIP = 0x1f;

async function firstByte(file: ProfileFile): Promise<number | undefined> {
  const reader = file.stream().getReader();
  const { value } = await reader.read();
  void reader.cancel();
  return value?.[0];
}

/**
 * Readings of a CSV file (`readSeries`), or of the power tracks of a Firefox profile as profiler.firefox.com saves it.
 *
 * @param boundary what a CSV's meter measures; a profile says for itself that it is the package
 * @throws input.format where the file is neither, or where a profile holds no power or does not say when it was recorded
 */
export async function readSaved(file: ProfileFile, boundary: Boundary): Promise<SavedReadings> {
  const first = await firstByte(file);
  if (first !== JSON_BEGINS && first !== GZIP) {
    const series = readSeries(await new Response(file.stream()).text());
    const tier = boundary === 'system' ? 'wall' : series.kind === 'watts' ? 'integrated-power' : 'counter';
    return { series, tier, boundary, source: file.name };
  }
  const { counters, startedAt } = await readProfile(file);
  const power = countedPower(counters);
  if (!power || startedAt === null)
    throw new JoulewiseError(
      'input.format',
      `${quote(file.name)} ${power ? 'does not say when it was recorded' : 'holds no power track'}. Record the routine with the profiler's preset Power, and save the profile at profiler.firefox.com.`,
    );
  return {
    series: {
      kind: 'joules',
      readings: joulesSince(power).map(({ at, joules }) => ({ at: startedAt + at, joules })),
    },
    tier: 'counter',
    boundary: 'package',
    source: power.source,
  };
}

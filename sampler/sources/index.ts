import type { SourceRow } from '../domain';
import { apple } from './apple';
import { battery } from './battery';
import { emi } from './emi';
import { hwmon } from './hwmon';
import { nvidia } from './nvidia';
import { perf } from './perf';
import { pmic } from './pmic';
import { rapl } from './rapl';
import { wallMeters, type WallMeter } from './wall';

/** Every way to counters, the more trusted of two that read the same thing first. */
export const sourcesWith = (walls: readonly WallMeter[]): Readonly<Record<string, SourceRow>> => ({
  rapl,
  perf,
  nvidia,
  hwmon,
  apple,
  emi,
  pmic,
  battery,
  wall: wallMeters(walls),
});

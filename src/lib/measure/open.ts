import { stopwatch } from '../core/stopwatch';
import { openVariant, type PackedStore } from '../engine/open';
import { ratesFor } from '../meter/open';
import type { Calibration } from '../calibrate/host';
import type { BuildName } from '../core/dot';
import type { EngineName } from '../schema/engines';
import type { CheckpointRef } from '../schema/plan';
import type { Device } from '../schema/run';
import type { UnitContext } from './unit';

/** A variant that is opened by its name, outside any plan. */
export interface Named {
  checkpoint: CheckpointRef;
  recipe: string;
  engine: EngineName;
  threads: number | null;
  /** Row of the power profile table that prices a budget in joules; absent or null = the guess. */
  profile?: string | null;
  /** Build of our own kernels, where a bench or a test names one. */
  kernelBuild?: BuildName | null;
}

/** The open variant, and milliseconds of compressing and of all else. */
export async function openNamed(
  named: Named,
  o: Pick<UnitContext, 'openFiles' | 'assets' | 'timings' | 'signal'> & {
    device: Device;
    calibration: Calibration | null;
    keeping: PackedStore | null;
    onProgress: (done: number, of: number) => void;
  },
) {
  const { ms, inPhase } = stopwatch('compress', 'load');
  const { engine, profile = null } = named;
  const opened = await openVariant({
    files: await o.openFiles(named.checkpoint),
    variant: named.recipe,
    engine,
    threads: named.threads,
    kernelBuild: named.kernelBuild ?? null,
    assets: o.assets,
    calibration: o.calibration,
    rates: ratesFor({ device: o.device, engine, profile }),
    keeping: o.keeping,
    timings: o.timings,
    signal: o.signal,
    onProgress: o.onProgress,
    inPhase,
  });
  return { ms, ...opened };
}

import { take } from '../../data/give';
import { probeDevice } from '../../device/probe';
import { calibrationOn } from '../../measure/calibration';
import { openNamed } from '../../measure/open';
import type { UnitContext } from '../../measure/unit';
import { ratesFor } from '../../meter/open';
import type { EngineName } from '../../schema/engines';
import { knownDevice } from '../../store/known';
import { keptTimings } from '../../store/kernels';
import { keepingOf, openFiles } from '../../store/checkpoints';
import { openHost } from '../calibrate/pool';
import { ASSETS } from './assets';
import type { Progress, VariantRequest } from './request';

/** What opening a variant takes from this browser: files, threads, runtimes, and where packed weights are kept. */
export const HERE: Pick<
  UnitContext,
  'openFiles' | 'keepingOf' | 'timings' | 'openHost' | 'assets' | 'samplerPort' | 'known'
> = {
  openFiles,
  keepingOf,
  timings: keptTimings,
  openHost,
  assets: ASSETS,
  known: knownDevice,
  samplerPort: (access) =>
    access && { access, fetch: (url: string, init?: RequestInit) => fetch(url, init), clock: () => performance.now() },
};

/** Where a request's recipe finds calibration text; null where none was given. */
export async function calibrationOf({
  checkpoint,
  threads,
  calibration,
}: Pick<VariantRequest, 'checkpoint' | 'threads' | 'calibration'>) {
  if (!calibration) return null;
  const open = () => openHost({ checkpoint, threads });
  if ('texts' in calibration) return calibrationOn(calibration, open);
  const { given, ...asked } = calibration;
  const { train, causes } = await take(given);
  return calibrationOn({ ...asked, train, causes }, open);
}

/**
 * What a byte and an operation cost on this device, by the profile that the user chose, or the guess: a budget in joules
 * then exports the weights that were measured.
 */
export const ratesHere = async (engine: EngineName, chosen: string | null) =>
  ratesFor({ device: await probeDevice(), engine, profile: chosen });

/** What the device is, as far as a page can know. */
export const deviceHere = () => probeDevice();

/** One thread, one variant: it ends with the run, because a WebAssembly heap never shrinks. */
export const openRequest = async (
  request: VariantRequest,
  emit: (p: Progress) => void,
  signal: AbortSignal,
  keeping = keepingOf(request.checkpoint),
) =>
  openNamed(request, {
    ...HERE,
    device: await deviceHere(),
    calibration: await calibrationOf(request),
    keeping,
    onProgress: (done, of) => emit({ phase: 'load', done, of }),
    signal,
  });

import type { Calibration } from '../calibrate/host';
import { Pause } from '../core/pause';
import { taskOf } from '../data/tasks';
import { checkTuned, type FileSet, type Tuned } from '../engine/open';
import type { Meter } from '../meter/meter';
import { openMeter, ratesFor, type SamplerPort, type SourceContext } from '../meter/open';
import { trainedOn, tunes } from '../plan/units';
import type { AssistRequest } from './assist';
import { ENGINE } from '../schema/engines';
import type { UnitContext } from './unit';

/** What the adapter of a variant is trained with, outside a run. */
export type AdapterRequest = Omit<AssistRequest, 'maxNewTokens'>;

/** A sampler as it counts the processor's work: a GPU's boundary holds none of it. */
const ofProcessor = (port: SamplerPort | null): SamplerPort | null =>
  port?.access.boundary === 'gpu' ? { ...port, access: { ...port.access, boundary: null } } : port;

/**
 * The adapter that a variant names, trained or brought, and the meter of training it: the work of what the recipe names to
 * take the steps (our own kernels unless it does), whatever engine answers. Null where it names none.
 */
export async function adapterFor(
  request: AdapterRequest,
  context: Pick<UnitContext, 'tuned' | 'pause' | 'onProgress' | 'signal'>,
  {
    files,
    calibration,
    sources,
  }: {
    files: FileSet;
    calibration: Calibration;
    /** What prices the variant itself; none = the device's profile. */
    sources?: Pick<SourceContext, 'sampler' | 'known'>;
  },
): Promise<{ tuned: Tuned; meter: Meter } | null> {
  if (!tunes(request, request.variant)) return null;
  checkTuned(request.engine, request.variant);
  const { device, engine, profile, tasks, templates } = request;
  const steps = trainedOn(request.variant);
  const port = sources?.sampler ?? null;
  const sampler = ENGINE[steps].device === 'cpu' ? ofProcessor(port) : port;
  const meter = openMeter({ ...sources, sampler, device, engine: steps, profile }, () => undefined);
  const tuned = await context.tuned({
    ...request,
    files,
    tasks: tasks.map((task) => taskOf(task, templates)),
    tickets: request,
    calibration,
    meter,
    rates: ratesFor({ device, engine, profile }),
    pause: context.pause ?? new Pause(),
    onProgress: context.onProgress,
    signal: context.signal,
  });
  return { tuned, meter };
}

import FitWorker from '../../workers/fit/fit.worker?worker';
import type { FitApi } from '../../workers/fit/protocol';
import { single } from '../threads/workers';

export { keepKnown, knownDevice } from '../../store/known';
export type { RoutineResult } from '../../workers/fit/protocol';

/** Runs the fitting routine in a thread of its own; only the page "Device" and the command line load it. */
export const callFit = single<FitApi>(() => new FitWorker());

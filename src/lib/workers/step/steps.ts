import { graphsOn } from '../../step/open';
import type { TuneEngineName } from '../../tune/trainer';
import { openThreads, threadsHere } from '../gradient/threads';
import { ASSETS } from '../host/assets';

/** An engine of whole steps by its name; null = threads give gradients, and the trainer steps. */
const GRAPHS = {
  cpu: () => null,
  'ort-cpu': (here) => graphsOn('ort-cpu', { ...here, assets: ASSETS }),
  'ort-gpu': (here) => graphsOn('ort-gpu', { ...here, assets: ASSETS }),
} as const satisfies Record<
  TuneEngineName,
  (here: ReturnType<typeof threadsHere>) => ReturnType<typeof graphsOn> | null
>;

/** What computes the steps of a training in this browser: threads that are asked for (null = one a core), and by which engine. */
export const stepsHere = (asked: number | null, engine: TuneEngineName = 'cpu') => {
  const here = threadsHere(asked);
  return { ...here, openThreads, graphs: GRAPHS[engine](here) };
};

import type { StepEngineName } from '../../schema/engines';
import { graphsOn } from '../../step/open';
import type { TuneEngineName } from '../../tune/trainer';
import { openThreads, threadsHere } from '../gradient/threads';
import { ASSETS } from '../host/assets';

/** An engine of whole steps in this browser. */
export const graphsHere = (asked: number | null, engine: StepEngineName) =>
  graphsOn(engine, { ...threadsHere(asked), assets: ASSETS });

/**
 * What computes the steps of a training in this browser: threads that are asked for (null = one a core), and by which engine;
 * on `cpu` threads give gradients, and the trainer steps.
 */
export const stepsHere = (asked: number | null, engine: TuneEngineName = 'cpu') => ({
  ...threadsHere(asked),
  openThreads,
  graphs: engine === 'cpu' ? null : graphsHere(asked, engine),
});

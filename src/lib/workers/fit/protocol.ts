import type { Answered } from '../../fit/ask';
import type { RoutineName } from '../../fit/routine';
import type { Segment } from '../../fit/timeline';
import type { SegmentKind } from '../../schema/energy-model';
import type { KnownDevice } from '../../schema/known';
import type { SamplerAccess } from '../../schema/sampler';

export interface RoutineOptions {
  /** What computes. */
  hardware: 'cpu' | 'gpu';
  name: RoutineName;
  /** Null = as many as a run takes. */
  threads: number | null;
  /** Null = none is asked; a meter's readings may be told afterwards. */
  sampler: SamplerAccess | null;
}

/** Times are milliseconds since 1970, by this device's clock. */
export interface RoutineResult {
  hardware: 'cpu' | 'gpu';
  /** 1 on a GPU. */
  threads: number;
  segments: Segment[];
  /** By the sampler; null where none was asked, or it knew nothing. */
  answered: Answered | null;
}

export type FitApi = {
  /** Runs known kernels in turn, to fit the energy model of this device to. */
  routine: { args: RoutineOptions; event: { done: number; of: number; kind: SegmentKind }; result: RoutineResult };
  /** Keeps a fitted model, or the speed, in this browser; what is kept then. */
  keepKnown: { args: { hardware: 'cpu' | 'gpu' } & Partial<KnownDevice['cpu']>; event: never; result: KnownDevice };
};

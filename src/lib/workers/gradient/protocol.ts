import type { TrainedShape } from '../../block/layout';
import type { Arithmetic, Frozen, ModelShape } from '../../gradient/frozen';
import type { Pass, PassResult } from '../../gradient/pass';

/** A thread that computes losses and gradients of passes. */
export type GradientApi = {
  open: {
    args: { model: Frozen | ModelShape; shape: TrainedShape; arithmetic: Arithmetic };
    event: never;
    result: void;
  };
  /** Takes other numbers for what is trained. */
  numbers: { args: Float32Array<ArrayBuffer>; event: never; result: void };
  loss: { args: Pass; event: never; result: PassResult };
  step: {
    args: { pass: Pass; factor: number };
    event: never;
    result: { result: PassResult; gradient: Float32Array<ArrayBuffer> };
  };
};

import type { LoraShape } from '../../block/lora';
import type { Arithmetic, Frozen } from '../../gradient/frozen';
import type { Pass, PassResult } from '../../gradient/pass';

/** A thread that computes losses and gradients of passes. */
export type GradientApi = {
  open: { args: { frozen: Frozen; lora: LoraShape; arithmetic: Arithmetic }; event: never; result: void };
  /** Takes other numbers for the adapter. */
  adapter: { args: Float32Array<ArrayBuffer>; event: never; result: void };
  loss: { args: Pass; event: never; result: PassResult };
  step: {
    args: { pass: Pass; factor: number };
    event: never;
    result: { result: PassResult; gradient: Float32Array<ArrayBuffer> };
  };
};

import { LINEARS, type LinearName } from '../checkpoint/block';
import type { Matrix } from '../matrix/matrix';

/** What of the inputs of a pass's adapters is left out while they are trained (PEFT's `lora_dropout`). */
export interface Dropout {
  /** Share of the values that are put to 0, above 0 and below 1. */
  share: number;
  /** 32 bits. Which values they are is a function of it, of layer and linear layer, and of row and column. */
  key: number;
}

/** Far apart for small numbers: an odd multiple of each, mixed again where it is used (src/matrix/dropout.ts). */
const LAYER_STEP = 0x9e3779b1;
const LINEAR_STEP = 0x85ebca77;

/** y [rows, inputs] = x, or with `add` y += x, where it is kept, divided by 1 - share; float32 at addresses. */
export type Drop = (linear: LinearName, x: number, rows: number, inputs: number, y: number, add: boolean) => void;

/** Leaves out what the linear layers of one layer read: the same values each time, on the way there and on the way back. */
export function dropOf({ k }: Matrix, layer: number, { share, key }: Dropout): Drop {
  const least = Math.round(share * 2 ** 32);
  return (linear, x, rows, inputs, y, add) => {
    const own = key ^ Math.imul(layer + 1, LAYER_STEP) ^ Math.imul(LINEARS.indexOf(linear) + 1, LINEAR_STEP);
    k.dropout(x, rows, inputs, own, least, 1 / (1 - share), y, add);
  };
}

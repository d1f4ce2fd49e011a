import type { GroupName, LinearName, VectorName } from '../checkpoint/block';
import type { Float32Block, Taps } from './float32';

/** Gradients that a block's way back offers, one after the other; whoever trains takes those of what it trains. */
export interface BlockGradients {
  /** Whether anything of a linear layer is trained. */
  has(linear: LinearName): boolean;
  /** Takes what linear layers of a group read: float32 [rows, inputs] at address `x`, valid until the next call. */
  read(group: GroupName, x: number, inputs: number, rows: number): void;
  /**
   * Takes the gradient by a linear layer's output (with its bias): float32 [rows, outputs] at `d`; the room's `left` holds it
   * packed and may be overwritten. What this adds to the gradient by the input goes to `dx` [rows, inputs]; 0 wants none.
   */
  linear(linear: LinearName, d: number, dx: number, rows: number): void;
  /** Takes the gradient by a norm's output: `dy` [rows, n] of the norm of `x` [rows, n]. */
  norm?(name: VectorName, x: number, dy: number, rows: number, n: number): void;
}

/**
 * What is trained of one block, for one pass: a low-rank change (low-rank.ts) or its own weights (weights.ts). Made
 * within `m.within` of the pass, so that what it keeps on the way there is still there on the way back.
 */
export interface LayerTrainee {
  /** What changes outputs of linear layers on the way there; null = nothing does. */
  there: ((block: Float32Block) => Taps) | null;
  /** Who takes gradients on the way back, laid out within the block's `m.within`, of at most `rows` rows. */
  back(room: { left: number; rows: number }): BlockGradients;
}

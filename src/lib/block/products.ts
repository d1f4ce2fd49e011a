import type { LinearName } from '../checkpoint/block';
import type { Matrix } from '../matrix/matrix';

/** A linear layer's weights [out, in] where they are used. */
export interface LaidLinear {
  /** What kernels are told of them (matrix/matrix.ts: describe). */
  at: number;
  /** Whether they are multiplied in whole numbers (src/matrix/levels.ts), not in float32. */
  levels: boolean;
}

/** Products of rows with a block's frozen weights. */
export interface Products {
  /** Takes rows [tokens, depth] that are to be multiplied, in the forms that the weights want; float32 panels in `left`. */
  read(x: number, tokens: number, depth: number): void;
  /** y [tokens, out] = x W^T of what was read last, or `back` y [tokens, in] (+)= x W. */
  times(linear: LinearName, y: number, tokens: number, width: number, o?: { back: boolean; add: boolean }): void;
}

/** Room for at most `rows` rows of at most `widest` values; `left` has room for them in panels. */
export function openProducts(
  m: Matrix,
  weights: Readonly<Record<LinearName, LaidLinear>>,
  { left, rows, widest }: { left: number; rows: number; widest: number },
): Products {
  const { k, dot } = m;
  const some = Object.values(weights).some(({ levels }) => levels);
  const packed = some ? m.take(k.levelBytes(rows, widest, dot)) : 0;
  return {
    read(x, tokens, depth) {
      k.packA(x, depth, tokens, depth, left, 1);
      if (some) k.packLevels(x, depth, tokens, depth, dot, packed);
    },
    times(linear, y, tokens, width, { back, add } = { back: false, add: false }) {
      const { at, levels } = weights[linear];
      if (levels) k.timesLevels(at, packed, y, width, tokens, back, add, dot);
      else k.timesStored(at, left, y, width, tokens, back, add);
    },
  };
}

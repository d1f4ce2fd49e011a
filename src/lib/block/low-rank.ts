import { INPUT_GROUPS, LINEARS, type LinearName } from '../checkpoint/block';
import { packedA, packedB, type Matrix } from '../matrix/matrix';
import { dropOf, type Dropout } from './dropout';
import type { LoraLayout } from './lora';
import type { LayerTrainee } from './trained';

function times(m: Matrix, at: number, n: number, factor: number): void {
  const x = m.f32(at, n);
  for (let i = 0; i < n; i++) x[i] = (x[i] as number) * factor;
}

/**
 * Trains the low-rank changes of one block: y += factor B (A x), where `dropout` leaves out part of x, for each linear layer
 * another one, as PEFT does. `adapter` and `gradient` are addresses of vectors laid out as `lora`, gradients are added.
 * `traced`: whether the pass comes back.
 */
export function lowRank(
  m: Matrix,
  o: {
    layer: number;
    rows: number;
    lora: LoraLayout;
    adapter: number;
    gradient: number;
    traced: boolean;
    dropout: Dropout | null;
  },
): LayerTrainee {
  const { k } = m;
  const { lora, layer } = o;
  const { rank } = lora;
  const drop = o.dropout && dropOf(m, layer, o.dropout);
  const widest = lora.parts.reduce((n, { outputs, inputs }) => Math.max(n, outputs, inputs), 0);
  /** factor A x of each linear layer that has a low-rank change, [rows, rank]. */
  const kept: Partial<Record<LinearName, number>> = {};
  if (o.traced) for (const linear of LINEARS) if (lora.part(layer, linear)) kept[linear] = m.take(o.rows * rank * 4);
  return {
    there(block) {
      const panel = m.take(packedB(Math.max(widest, rank), rank) * 4 + packedB(rank, widest) * 4);
      const left = m.take(packedA(o.rows, rank) * 4);
      const own = m.take(o.rows * rank * 4);
      const some = drop && { x: m.take(o.rows * widest * 4), left: m.take(packedA(o.rows, widest) * 4) };
      let read = 0;
      /** Panels of what A reads. */
      const input = (linear: LinearName, tokens: number, inputs: number) => {
        if (!some) return block.left;
        drop(linear, read, tokens, inputs, some.x, false);
        k.packA(some.x, inputs, tokens, inputs, some.left, 1);
        return some.left;
      };
      const change = (linear: LinearName, y: number, tokens: number) => {
        const part = lora.part(layer, linear);
        if (!part) return;
        const low = kept[linear] ?? own;
        k.packBTransposed(o.adapter + part.a * 4, part.inputs, rank, part.inputs, panel);
        k.gemm(input(linear, tokens, part.inputs), panel, low, rank, tokens, rank, part.inputs, false, false);
        times(m, low, tokens * rank, lora.factor);
        k.packA(low, rank, tokens, rank, left, 1);
        k.packBTransposed(o.adapter + part.b * 4, rank, part.outputs, rank, panel);
        k.gemm(left, panel, y, part.outputs, tokens, part.outputs, rank, true, false);
      };
      return { onInput: (_group, x) => void (read = x), onOutput: change };
    },
    back({ left, rows: most }) {
      const thin = m.take(Math.max(packedB(widest, rank), packedB(rank, Math.max(most, widest))) * 4);
      const read = m.take(packedB(widest, most) * 4);
      const low = m.take(most * rank * 4);
      const wide = drop && m.take(most * widest * 4);
      let input = 0;
      return {
        has: (linear) => lora.part(layer, linear) !== null,
        read(group, x, inputs, rows) {
          input = x;
          // Packed for each linear layer anew where they read different parts of it.
          if (!drop && INPUT_GROUPS[group].some((linear) => lora.part(layer, linear)))
            k.packB(x, inputs, inputs, rows, read);
        },
        linear(linear, d, dx, rows) {
          const part = lora.part(layer, linear);
          if (!part) return;
          const { inputs, outputs, a, b } = part;
          const [A, B] = [o.adapter + a * 4, o.adapter + b * 4];
          // g = factor d B
          k.packB(B, rank, rank, outputs, thin);
          k.gemm(left, thin, low, rank, rows, rank, outputs, false, false);
          times(m, low, rows * rank, lora.factor);
          k.packATransposed(d, outputs, outputs, rows, left);
          k.packB(kept[linear] as number, rank, rank, rows, thin);
          k.gemm(left, thin, o.gradient + b * 4, rank, outputs, rank, rows, true, false);
          if (wide) {
            drop(linear, input, rows, inputs, wide, false);
            k.packB(wide, inputs, inputs, rows, read);
          }
          k.packATransposed(low, rank, rank, rows, left);
          k.gemm(left, read, o.gradient + a * 4, inputs, rank, inputs, rows, true, false);
          if (dx === 0) return;
          k.packA(low, rank, rows, rank, left, 1);
          k.packB(A, inputs, inputs, rank, thin);
          if (wide) {
            k.gemm(left, thin, wide, inputs, rows, inputs, rank, false, false);
            drop(linear, wide, rows, inputs, dx, true);
          } else k.gemm(left, thin, dx, inputs, rows, inputs, rank, true, false);
        },
      };
    },
  };
}

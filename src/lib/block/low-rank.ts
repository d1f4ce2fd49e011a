import { LINEARS, type LinearName } from '../checkpoint/block';
import { packedA, packedB, type Matrix } from '../matrix/matrix';
import type { LoraLayout } from './lora';
import type { LayerTrainee } from './trained';

function times(m: Matrix, at: number, n: number, factor: number): void {
  const x = m.f32(at, n);
  for (let i = 0; i < n; i++) x[i] = (x[i] as number) * factor;
}

/**
 * Trains the low-rank changes of one block: y += factor B (A x). `adapter` and `gradient` are addresses of vectors laid out
 * as `lora`, gradients are added. `traced`: whether the pass comes back.
 */
export function lowRank(
  m: Matrix,
  o: { layer: number; rows: number; lora: LoraLayout; adapter: number; gradient: number; traced: boolean },
): LayerTrainee {
  const { k } = m;
  const { lora, layer } = o;
  const { rank } = lora;
  const widest = lora.parts.reduce((n, { outputs, inputs }) => Math.max(n, outputs, inputs), 0);
  /** factor A x of each linear layer that has a low-rank change, [rows, rank]. */
  const kept: Partial<Record<LinearName, number>> = {};
  if (o.traced) for (const linear of LINEARS) if (lora.part(layer, linear)) kept[linear] = m.take(o.rows * rank * 4);
  return {
    there(block) {
      const panel = m.take(packedB(Math.max(widest, rank), rank) * 4 + packedB(rank, widest) * 4);
      const left = m.take(packedA(o.rows, rank) * 4);
      const own = m.take(o.rows * rank * 4);
      return (linear, y, tokens) => {
        const part = lora.part(layer, linear);
        if (!part) return;
        const low = kept[linear] ?? own;
        k.packBTransposed(o.adapter + part.a * 4, part.inputs, rank, part.inputs, panel);
        k.gemm(block.left, panel, low, rank, tokens, rank, part.inputs, false, false);
        times(m, low, tokens * rank, lora.factor);
        k.packA(low, rank, tokens, rank, left, 1);
        k.packBTransposed(o.adapter + part.b * 4, rank, part.outputs, rank, panel);
        k.gemm(left, panel, y, part.outputs, tokens, part.outputs, rank, true, false);
      };
    },
    back({ left, rows: most }) {
      const thin = m.take(Math.max(packedB(widest, rank), packedB(rank, Math.max(most, widest))) * 4);
      const read = m.take(packedB(widest, most) * 4);
      const low = m.take(most * rank * 4);
      const some = LINEARS.some((linear) => lora.part(layer, linear));
      return {
        has: (linear) => lora.part(layer, linear) !== null,
        read(x, inputs, rows) {
          if (some) k.packB(x, inputs, inputs, rows, read);
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
          k.packATransposed(low, rank, rank, rows, left);
          k.gemm(left, read, o.gradient + a * 4, inputs, rank, inputs, rows, true, false);
          if (dx === 0) return;
          k.packA(low, rank, rows, rank, left, 1);
          k.packB(A, inputs, inputs, rank, thin);
          k.gemm(left, thin, dx, inputs, rows, inputs, rank, true, false);
        },
      };
    },
  };
}

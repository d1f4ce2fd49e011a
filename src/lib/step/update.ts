import type { GraphBuilder } from '../graph/builder';
import type { AdamWOptions } from '../tune/optimizer';

/** Parts of one node, at most: on WebGPU a shader that binds more than about 10 buffers is refused when it runs. */
const FAN_OUT = 8;

/** Splits x [n] into parts of the sizes given, by a tree of nodes with few outputs each. */
export function splitTree(g: GraphBuilder, x: string, sizes: readonly number[]): string[] {
  if (sizes.length === 1) return [x];
  const each = Math.max(1, Math.ceil(sizes.length / FAN_OUT));
  const groups = Array.from({ length: Math.ceil(sizes.length / each) }, (_, i) =>
    sizes.slice(i * each, (i + 1) * each),
  );
  const outputs = groups.map(() => g.fresh('part'));
  g.node('Split', [x, g.constant(groups.map((some) => some.reduce((a, b) => a + b, 0)))], outputs, { axis: 0 });
  return groups.flatMap((some, i) => splitTree(g, outputs[i] as string, some));
}

/** The divisor of n nearest to its root, from below. */
export function divisorOf(n: number): number {
  let d = Math.floor(Math.sqrt(n));
  while (n % d !== 0) d--;
  return d;
}

/**
 * Adds AdamW's step, as `tune/optimizer.ts` takes it:
 *
 *     G_out = G + gradient, norm = |G_out|, g = G_out min(1, clip / (norm + 1e-6))
 *     M_out = beta1 M + (1 - beta1) g, V_out = beta2 V + (1 - beta2) g^2
 *     P_out = keep P - size M_out / (sqrt(V_out) / root + epsilon)
 *
 * with inputs of one number each that change from step to step: `size` = lr / (1 - beta1^t), `root` = sqrt(1 - beta2^t),
 * `keep` = 1 - lr decay, `clip` (3e38 where nothing is clipped).
 */
export function addUpdate(
  g: GraphBuilder,
  gradient: string,
  size: number,
  { beta1, beta2, epsilon }: Pick<AdamWOptions, 'beta1' | 'beta2' | 'epsilon'>,
): void {
  const f = (value: number) => g.constant(value, 'float32');
  for (const name of ['size', 'root', 'keep', 'clip']) g.input(name, 'float32', [1]);
  const total = g.op('Add', ['G', gradient], {}, 'G_out');
  // In two stages: one float32 sum over millions of squares loses the norm's third digit.
  const some = divisorOf(size);
  const squares = g.op('Reshape', [g.op('Mul', [total, total]), g.constant([some, size / some])]);
  const rows = g.op('ReduceSum', [squares, g.constant([1])], { keepdims: 0 });
  const norm = g.op('Sqrt', [g.op('ReduceSum', [rows, g.constant([0])], { keepdims: 1 })], {}, 'norm');
  const scale = g.op('Min', [g.op('Div', ['clip', g.op('Add', [norm, f(1e-6)])]), f(1)]);
  const clipped = g.op('Mul', [total, scale]);
  const mixed = (old: string, fresh: string, beta: number, output: string) =>
    g.op('Add', [g.op('Mul', [old, f(beta)]), g.op('Mul', [fresh, f(1 - beta)])], {}, output);
  const first = mixed('M', clipped, beta1, 'M_out');
  const second = mixed('V', g.op('Mul', [clipped, clipped]), beta2, 'V_out');
  const below = g.op('Add', [g.op('Div', [g.op('Sqrt', [second]), 'root']), f(epsilon)]);
  const change = g.op('Div', [g.op('Mul', [first, 'size']), below]);
  g.op('Sub', [g.op('Mul', ['P', 'keep']), change], {}, 'P_out');
  g.output({ name: 'norm', dtype: 'float32', shape: [1] });
  for (const name of ['P_out', 'M_out', 'V_out', 'G_out']) g.output({ name, dtype: 'float32', shape: [size] });
}

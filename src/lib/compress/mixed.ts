import { LINEARS, type LinearName } from '../checkpoint/families';
import { JoulewiseError } from '../core/errors';
import type { LinearReport } from './group';
import type { LinearRecipe } from './recipe';

/** What a budget may choose for a linear layer. All are stored in blocks of 32, so every engine computes them. */
export const MIXED_CANDIDATES: readonly LinearRecipe[] = [
  { precision: 'int8', quantizer: 'nearest', mask: null },
  { precision: 'int4', quantizer: 'gptq', mask: null },
];

/** One choice of a linear layer: what it costs and what it gains. */
interface Option {
  bytes: number;
  error: number;
  candidate: number;
}

/**
 * Chooses a recipe for each linear layer so that all weights fit `budget` bytes and the sum of relative output errors is
 * least: starts with the smallest option everywhere and spends what is left on the steps that remove most error per byte
 * (greedy on each layer's lower convex hull, which is the Lagrangian solution up to the last step).
 */
export function chooseMixed(options: readonly Option[][], bytes: number): number[] | null {
  const hulls = options.map(lowerHull);
  const at = hulls.map(() => 0);
  let left = bytes - hulls.reduce((sum, h) => sum + (h[0] as Option).bytes, 0);
  if (left < 0) return null;
  const steps = hulls
    .flatMap((hull, i) =>
      hull.slice(1).map((o, s) => {
        const from = hull[s] as Option;
        return { i, to: s + 1, bytes: o.bytes - from.bytes, rate: (from.error - o.error) / (o.bytes - from.bytes) };
      }),
    )
    .sort((a, b) => b.rate - a.rate);
  for (const step of steps)
    // A step that does not fit closes its layer's later ones, which build on it.
    if (at[step.i] === step.to - 1 && step.bytes <= left) {
      at[step.i] = step.to;
      left -= step.bytes;
    }
  return hulls.map((hull, i) => (hull[at[i] as number] as Option).candidate);
}

/** Options by rising bytes and falling error, without those that a mixture of their neighbours beats. */
function lowerHull(options: readonly Option[]): Option[] {
  const sorted = [...options].sort((a, b) => a.bytes - b.bytes || a.error - b.error);
  const hull: Option[] = [];
  for (const o of sorted) {
    const last = hull.at(-1);
    if (last && o.error >= last.error) continue;
    while (hull.length > 1) {
      const b = hull.at(-1) as Option;
      const a = hull.at(-2) as Option;
      if ((a.error - b.error) * (o.bytes - a.bytes) > (a.error - o.error) * (b.bytes - a.bytes)) break;
      hull.pop();
    }
    hull.push(o);
  }
  return hull;
}

/** Measures every candidate on every layer, and chooses. */
export async function planMixed(o: {
  budget: number;
  layers: number;
  /** Bytes of embedding, head and vectors. */
  outerBytes: number;
  measure(layer: number, candidate: LinearRecipe): Promise<LinearReport[]>;
}): Promise<Record<LinearName, LinearRecipe>[]> {
  const options: Option[][] = [];
  for (let layer = 0; layer < o.layers; layer++) {
    const own = LINEARS.map((): Option[] => []);
    for (const [candidate, recipe] of MIXED_CANDIDATES.entries())
      for (const r of await o.measure(layer, recipe))
        own[LINEARS.indexOf(r.linear)]?.push({ bytes: r.bytes, error: r.error ?? 0, candidate });
    options.push(...own);
  }
  const chosen = chooseMixed(options, o.budget - o.outerBytes);
  if (!chosen) {
    const least = options.reduce((sum, list) => sum + Math.min(...list.map((x) => x.bytes)), o.outerBytes);
    throw new JoulewiseError(
      'recipe.impossible',
      `No choice of precisions fits ${o.budget / 1e6} MB: this model takes at least ${Math.ceil(least / 1e5) / 10} MB. Raise the budget, or add layersN or neuronsN.`,
    );
  }
  return Array.from(
    { length: o.layers },
    (_, layer) =>
      Object.fromEntries(
        LINEARS.map((linear, i) => [linear, MIXED_CANDIDATES[chosen[layer * LINEARS.length + i] as number]]),
      ) as Record<LinearName, LinearRecipe>,
  );
}

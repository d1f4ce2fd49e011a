import { LINEARS, type LinearName } from '../checkpoint/block';
import { JoulewiseError } from '../core/errors';
import type { Prices } from './budget';
import type { MadeLayer } from './layer';
import { asks2of4, formatBudget, type Budget, type LinearRecipe } from './recipe';

/** What a budget may choose for a linear layer. All are stored in blocks of 32, so every engine computes them. */
export const MIXED_CANDIDATES: readonly LinearRecipe[] = [
  { precision: 'int8', quantizer: 'nearest', mask: null },
  { precision: 'int4', quantizer: 'gptq', mask: null },
  { precision: 'int8', quantizer: 'nearest', mask: { pruner: 'sparsegpt2:4', share: null } },
];

/** One choice of a linear layer: what it costs and what it gains. */
interface Option {
  cost: number;
  error: number;
  candidate: number;
}

/**
 * Chooses a recipe for each linear layer so that all together cost no more than `most` and the sum of relative output errors is
 * least: starts with the smallest option everywhere and spends what is left on the steps that remove most error for their cost
 * (greedy on each layer's lower convex hull, which is the Lagrangian solution up to the last step).
 */
export function chooseMixed(options: readonly Option[][], most: number): number[] | null {
  const hulls = options.map(lowerHull);
  const at = hulls.map(() => 0);
  let left = most - hulls.reduce((sum, h) => sum + (h[0] as Option).cost, 0);
  if (left < 0) return null;
  const steps = hulls
    .flatMap((hull, i) =>
      hull.slice(1).map((o, s) => {
        const from = hull[s] as Option;
        return { i, to: s + 1, cost: o.cost - from.cost, rate: (from.error - o.error) / (o.cost - from.cost) };
      }),
    )
    .sort((a, b) => b.rate - a.rate);
  for (const step of steps)
    // A step that does not fit closes its layer's later ones, which build on it.
    if (at[step.i] === step.to - 1 && step.cost <= left) {
      at[step.i] = step.to;
      left -= step.cost;
    }
  return hulls.map((hull, i) => (hull[at[i] as number] as Option).candidate);
}

/** Options by rising cost and falling error, without those that a mixture of their neighbours beats. */
function lowerHull(options: readonly Option[]): Option[] {
  const sorted = [...options].sort((a, b) => a.cost - b.cost || a.error - b.error);
  const hull: Option[] = [];
  for (const o of sorted) {
    const last = hull.at(-1);
    if (last && o.error >= last.error) continue;
    while (hull.length > 1) {
      const b = hull.at(-1) as Option;
      const a = hull.at(-2) as Option;
      if ((a.error - b.error) * (o.cost - a.cost) > (a.error - o.error) * (b.cost - a.cost)) break;
      hull.pop();
    }
    hull.push(o);
  }
  return hull;
}

/** Measures every candidate on every layer, and chooses. `sparse`: whether 2:4 is among them. */
export async function planMixed(o: {
  budget: Budget;
  layers: number;
  prices: Prices;
  sparse: boolean;
  make(layer: number, candidate: LinearRecipe): Promise<MadeLayer>;
}): Promise<Record<LinearName, LinearRecipe>[]> {
  const { prices, budget } = o;
  const candidates = MIXED_CANDIDATES.filter((c) => o.sparse || !asks2of4(c));
  const options: Option[][] = [];
  for (let layer = 0; layer < o.layers; layer++) {
    const own = LINEARS.map((): Option[] => []);
    for (const [candidate, recipe] of candidates.entries()) {
      const { tensors, reports } = await o.make(layer, recipe);
      for (const { linear, error } of reports)
        own[LINEARS.indexOf(linear)]?.push({ cost: prices.linear(tensors[linear]), error: error ?? 0, candidate });
    }
    options.push(...own);
  }
  const chosen = chooseMixed(options, budget.amount - prices.fixed);
  if (!chosen) {
    const amount = options.reduce((sum, list) => sum + Math.min(...list.map((x) => x.cost)), prices.fixed);
    throw new JoulewiseError(
      'recipe.impossible',
      `No choice of precisions fits ${formatBudget(budget)}${budget.unit === 'J' ? ' a ticket' : ''}: the least for this model is auto@${formatBudget({ ...budget, amount })}. Raise the budget, or add layersN or neuronsN.`,
    );
  }
  return Array.from(
    { length: o.layers },
    (_, layer) =>
      Object.fromEntries(
        LINEARS.map((linear, i) => [linear, candidates[chosen[layer * LINEARS.length + i] as number]]),
      ) as Record<LinearName, LinearRecipe>,
  );
}

import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError, quote } from '../core/errors';
import { PRUNERS } from './pruners';
import { formatRecipe, type Recipe } from './recipe';

/** The configuration that a recipe leaves of a model, its neurons and heads counted, and the FFN neurons of each layer. */
export function smallerShape(base: ModelConfig, recipe: Recipe): { config: ModelConfig; ffnSizes: number[] } {
  const config = { ...base };
  for (const { pruner, share } of recipe.prunings) {
    const row = PRUNERS[pruner];
    const nothing = (n: number) => new Float64Array(n);
    if (row.kind === 'layers') config.layers = row.keep(Array.from(nothing(base.layers)), share ?? 0).length;
    if (row.kind === 'neurons') config.intermediateSize = row.keep(nothing(base.intermediateSize), share ?? 0).length;
    if (row.kind === 'groups') {
      config.kvHeads = row.keep(nothing(base.kvHeads), share ?? 0).length;
      config.heads = (base.heads / base.kvHeads) * config.kvHeads;
    }
  }
  return { config, ffnSizes: Array.from({ length: config.layers }, () => config.intermediateSize) };
}

/** What structured pruners count, and what is said where a share is too small to remove any of it. */
const REMOVED = {
  layers: { of: (c: ModelConfig) => c.layers, nothing: (n: number) => `no layer of a model with ${n} layers` },
  neurons: { of: (c: ModelConfig) => c.intermediateSize, nothing: (n: number) => `no neuron of ${n}` },
  groups: { of: (c: ModelConfig) => c.kvHeads, nothing: (n: number) => `no key-value group of ${n}` },
} as const;

/** Refuses a recipe that asks to remove something and leaves everything. */
export function checkRemoves(base: ModelConfig, smaller: ModelConfig, recipe: Recipe): void {
  for (const [kind, { of, nothing }] of Object.entries(REMOVED))
    if (recipe.prunings.some((p) => PRUNERS[p.pruner].kind === kind) && of(base) === of(smaller))
      throw new JoulewiseError(
        'recipe.impossible',
        `Recipe ${quote(formatRecipe(recipe))} removes ${nothing(of(base))}; ask for a larger share.`,
      );
}

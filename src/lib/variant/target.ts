import type { Target } from '../compress/budget';
import type { Recipe } from '../compress/recipe';
import { bestBuild, byteDotOf } from '../cpu/module';
import { targetOf, type RatesOf } from './compress';
import { chooseKernel, featuresOf } from './kernels';

/** What a budget counts where weights are made for no engine in particular: our own kernels on this device. */
export async function cpuTarget(recipe: Recipe, rates: () => Promise<RatesOf>): Promise<Target | null> {
  const dot = byteDotOf(bestBuild());
  const { kernel } = chooseKernel('cpu', recipe, featuresOf(dot));
  return recipe.budget && targetOf(kernel, await rates(), dot);
}

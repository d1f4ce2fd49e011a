import { ENGINE } from '../../schema/engines';
import type { SharedRecipeRecord } from '../../schema/result';
import { listCheckpoints } from '../../store/opfs';
import { LOADED } from '../../texts/loaded';
import { countRuns, GENERATED } from '../choices/choices';
import { choicesOf } from '../choices/recipes';
import { device } from '../device/device.svelte';
import { experiment } from './experiment.svelte';
import { cancelImport } from './take-in.svelte';
import { storedTickets, withTickets } from './tickets.svelte';

/** Sets the cards to what a recipe link or a stored plan says; its tickets may not be here. */
export async function loadRecipe(recipe: Pick<SharedRecipeRecord, 'plan' | 'checkpoint' | 'withheld'>): Promise<void> {
  const { choices, lost } = choicesOf(recipe.plan);
  await device.load();
  const notes = lost.slice();
  // What comes with it is not overwritten by what was set up here before.
  experiment.restored = true;
  cancelImport();
  experiment.choices = choices;
  experiment.checkpoint = recipe.checkpoint;
  experiment.engineChoice = null;
  if (ENGINE[recipe.plan.engine].onPage) experiment.engineChoice = recipe.plan.engine;
  if (recipe.withheld?.length) notes.push(LOADED.withheld(recipe.withheld));
  if (experiment.engineChoice && device.lacks(experiment.engineChoice)) {
    experiment.engineChoice = null;
    notes.push(LOADED.noGpu);
  }
  const stored = await storedTickets(recipe.plan.dataset.hash).catch(() => null);
  experiment.useTickets(stored && { dataset: stored, report: null, held: null });
  if (!stored) {
    experiment.generated = { count: GENERATED.count, seed: GENERATED.seed };
    const hash = await withTickets(({ summary }) => Promise.resolve(summary.hash));
    if (hash !== recipe.plan.dataset.hash) notes.push(LOADED.noTickets(recipe.plan.dataset.name));
  }
  if (recipe.checkpoint.kind === 'stored') {
    const { hash, name } = recipe.checkpoint;
    const here = await listCheckpoints().catch(() => []);
    if (!here.some((c) => c.hash === hash)) {
      experiment.checkpoint = { kind: 'builtin' };
      notes.push(LOADED.noCheckpoint(name));
    }
  }
  experiment.notes = notes;
}

/** Runs that a recipe takes; null where nobody can say, since its variants cannot be read. */
export function runsOf({ plan }: Pick<SharedRecipeRecord, 'plan'>): number | null {
  try {
    return countRuns(choicesOf(plan).choices).runs;
  } catch {
    return null;
  }
}

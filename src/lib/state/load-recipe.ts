import { quote } from '../core/errors';
import { listed } from '../texts/format';
import type { SharedRecipeRecord } from '../schema/result';
import type { EngineName } from '../schema/run';
import { listCheckpoints } from '../store/opfs';
import { GENERATED } from './choices';
import { device } from './device.svelte';
import { experiment } from './experiment.svelte';
import { choicesOf } from './recipes';
import { records } from './records';

/** Engines that the page offers. */
const PAGE_ENGINES: readonly EngineName[] = ['cpu', 'ort-cpu', 'gpu', 'hub'];

/** Sets the cards to what a recipe link or a stored plan says; its tickets may not be here. */
export async function loadRecipe(recipe: Pick<SharedRecipeRecord, 'plan' | 'checkpoint' | 'withheld'>): Promise<void> {
  const { choices, lost } = choicesOf(recipe.plan);
  const notes = lost.slice();
  experiment.cancelImport();
  experiment.choices = choices;
  experiment.checkpoint = recipe.checkpoint;
  experiment.engineChoice = null;
  if (PAGE_ENGINES.includes(recipe.plan.engine)) experiment.engineChoice = recipe.plan.engine;
  if (recipe.withheld?.length)
    notes.push(
      `It asked ${listed(recipe.withheld)} with prompts of its own, which the sender left out of the link. Ask for them and write them under "Tickets"; until then the usual prompts are used.`,
    );
  await device.load();
  if (experiment.engineChoice === 'gpu' && !device.found?.gpu) {
    experiment.engineChoice = null;
    notes.push('It ran on a GPU; this browser has no WebGPU adapter, so WebAssembly is chosen.');
  }
  const stored = await (await records()).getDataset(recipe.plan.dataset.hash).catch(() => null);
  experiment.imported = stored ? { dataset: stored, report: null } : null;
  if (!stored) {
    experiment.generated = { count: GENERATED.count, seed: GENERATED.seed };
    const own = await experiment.dataset();
    if (own.hash !== recipe.plan.dataset.hash)
      notes.push(
        `It ran on the tickets ${quote(recipe.plan.dataset.name)}, which are not here; links carry no tickets. Choose your own under "Tickets"; until then generated ones are used.`,
      );
  }
  if (recipe.checkpoint.kind === 'stored') {
    const { hash, name } = recipe.checkpoint;
    const here = await listCheckpoints().catch(() => []);
    if (!here.some((c) => c.hash === hash)) {
      experiment.checkpoint = { kind: 'builtin' };
      notes.push(
        `It ran on the local checkpoint ${quote(name)}, which is not here; links carry no weights. Add the file under "Model"; until then the built-in model is used.`,
      );
    }
  }
  experiment.notes = notes;
}

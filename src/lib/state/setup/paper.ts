import { DEFAULT_CHOICES } from '../choices/choices';
import { tunedAs } from '../choices/recipes';
import { experiment } from './experiment.svelte';

/** Sets the cards to the paper's two stages. @param best the precision that the paper found best */
export function setUpPaper(best: string): void {
  const { tasks, precisions, prunings, twoStage, k, baseline } = structuredClone(DEFAULT_CHOICES);
  // The paper's winner runs whichever two are best: without it its claim could not be decided.
  const extra = [tunedAs(best)];
  const tuned = precisions;
  Object.assign(experiment.choices, {
    tasks,
    precisions,
    tuned,
    prunings,
    twoStage,
    k,
    baseline,
    extra,
    templates: {},
  });
}

import { JoulewiseError } from '../../core/errors';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { PlanRecord } from '../../schema/plan';
import { checkAnswers } from '../../session/threads/tickets';
import { RUN } from '../../texts/run';
import { buildPlan } from '../choices/build-plan';
import { experiment } from './experiment.svelte';
import { fetchModel } from './model';
import { keepTickets } from './tickets.svelte';

/**
 * From what the cards say to what Run runs: tickets and model are stored, the plan is made. Throws `input.empty` where a
 * task has no ticket, `network.failed` where the model does not come.
 */
export async function prepare(): Promise<{ plan: PlanRecord; dataset: DatasetSummaryRecord; name: string }> {
  const choices = $state.snapshot(experiment.choices);
  if (experiment.imported) checkAnswers(experiment.imported.dataset, choices.tasks, RUN.noAnswers);
  if (!(await fetchModel())) throw new JoulewiseError('network.failed', experiment.modelError ?? RUN.noModel);
  const dataset = await keepTickets();
  checkAnswers(dataset, choices.tasks, RUN.noAnswers);
  const plan = buildPlan(choices, dataset, experiment.checkpoint, experiment.engine, experiment);
  return { plan, dataset, name: `${dataset.name}, ${choices.tasks.join(' and ')}` };
}

import { JoulewiseError } from '../../core/errors';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { TaskName } from '../../schema/run';
import { RUN } from '../../texts/run';
import { localCheckpoint } from '../../session/threads/checkpoint';
import { buildPlan } from '../choices/build-plan';
import { stagesOf } from '../choices/choices';
import { cost } from '../cost/cost.svelte';
import { device } from '../device/device.svelte';
import { answerable } from '../../data/answerable';
import { experiment } from './experiment.svelte';
import type { Start } from '../live/live.svelte';
import { sentence } from '../../texts/sentence';
import { generateTickets, openTickets, type Tickets } from '../../session/threads/tickets';

/** From what the cards say to what can be run: tickets, model, plan. */

let download: AbortController | null = null;

/** Brings the chosen Hub repository here now, going on where an earlier try ended; what Run would do first. */
export async function fetchModel(): Promise<boolean> {
  const { checkpoint } = experiment;
  if (checkpoint.kind !== 'hub' || experiment.download) return checkpoint.kind !== 'hub';
  experiment.modelError = null;
  const abort = (download = new AbortController());
  try {
    const variants = stagesOf(experiment.choices).flatMap((s) => (s.kind === 'variants' ? s.variants : []));
    await localCheckpoint(checkpoint, experiment.engine, variants, {
      signal: abort.signal,
      onProgress: (progress) => (experiment.download = progress),
    });
    return true;
  } catch (error) {
    experiment.modelError = sentence(error);
    return false;
  } finally {
    experiment.download = null;
    download = null;
  }
}

export const stopDownload = () => download?.abort();

/** Works with the experiment's tickets, in the thread that imported them or in one for this work alone. */
export async function withTickets<T>(work: (tickets: Tickets) => Promise<T>): Promise<T> {
  const { imported } = experiment;
  if (imported?.held) return imported.held.use(work);
  const own = await (imported ? openTickets(imported.dataset) : generateTickets($state.snapshot(experiment.generated)));
  try {
    return await work(own);
  } finally {
    own.end();
  }
}

/** Stores the experiment's tickets, from where a run takes them. */
export async function keepTickets(): Promise<DatasetSummaryRecord> {
  const { imported } = experiment;
  if (imported && !imported.held) return imported.dataset;
  const dataset = await withTickets(async (tickets) => {
    await tickets.keep();
    return tickets.summary;
  });
  if (imported && experiment.imported === imported) experiment.useTickets({ ...imported, held: null });
  return dataset;
}

function checkAnswers(dataset: DatasetSummaryRecord, tasks: readonly TaskName[]): void {
  for (const task of tasks)
    if (answerable(dataset, task) === 0) throw new JoulewiseError('input.empty', RUN.noAnswers(dataset.name, task));
}

/** What Run runs. Throws `input.empty` where a task has no ticket, `network.failed` where the model does not come. */
export async function prepare(): Promise<Start> {
  await device.load();
  const choices = $state.snapshot(experiment.choices);
  if (experiment.imported) checkAnswers(experiment.imported.dataset, choices.tasks);
  if (!(await fetchModel())) throw new JoulewiseError('network.failed', experiment.modelError ?? RUN.noModel);
  const dataset = await keepTickets();
  checkAnswers(dataset, choices.tasks);
  const plan = buildPlan(choices, dataset, experiment.checkpoint, experiment.engine, cost);
  return { plan, dataset, name: `${dataset.name}, ${choices.tasks.join(' and ')}` };
}

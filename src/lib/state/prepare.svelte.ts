import { JoulewiseError, quote } from '../core/errors';
import type { DatasetRecord } from '../schema/dataset';
import { localCheckpoint } from './checkpoint';
import { buildPlan, stagesOf } from './choices';
import { device } from './device.svelte';
import { answerable, experiment } from './experiment.svelte';
import type { Start } from './live.svelte';
import { sentence } from './sentence';
import { callData } from './workers';

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

/** The tickets themselves; generated ones are made now, in a worker. */
export const datasetOf = async (): Promise<DatasetRecord> =>
  experiment.imported?.dataset ?? (await callData('generate', $state.snapshot(experiment.generated)));

/** What Run runs. Throws `input.empty` where a task has no ticket, `network.failed` where the model does not come. */
export async function prepare(): Promise<Start> {
  await device.load();
  const dataset = await datasetOf();
  const choices = $state.snapshot(experiment.choices);
  for (const task of choices.tasks)
    if (answerable(dataset, task) === 0)
      throw new JoulewiseError(
        'input.empty',
        `No test ticket of ${quote(dataset.name)} has an answer for the task ${task}. Open "Tickets" and drop it.`,
      );
  if (!(await fetchModel()))
    throw new JoulewiseError('network.failed', experiment.modelError ?? 'The model could not be downloaded.');
  const plan = buildPlan(choices, dataset, experiment.checkpoint, experiment.engine);
  return { plan, dataset, name: `${dataset.name}, ${choices.tasks.join(' and ')}` };
}

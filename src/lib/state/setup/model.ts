import { localCheckpoint } from '../../session/threads/checkpoint';
import { callData } from '../../session/threads/workers';
import { askToPersist } from '../../store/opfs';
import { sentence } from '../../texts/sentence';
import { experiment } from './experiment.svelte';

/** The chosen model on its way into this browser. */

/** Copies local files into this browser's own storage, so that they are there after a reload, and takes them as the model. */
export async function storeModel(name: string, files: readonly File[]): Promise<void> {
  experiment.modelError = null;
  void askToPersist();
  experiment.storing = { bytes: 0, of: files.reduce((n, f) => n + f.size, 0) };
  try {
    experiment.useLocal(
      await callData(
        'storeCheckpoint',
        { name, files: files.map((file) => ({ kind: 'blob', name: file.name, blob: file })) },
        { onEvent: (p) => (experiment.storing = p) },
      ),
    );
  } catch (error) {
    experiment.modelError = sentence(error);
  } finally {
    experiment.storing = null;
  }
}

let download: AbortController | null = null;

/** Brings the chosen Hub repository here now, going on where an earlier try ended; what Run would do first. */
export async function fetchModel(): Promise<boolean> {
  const { checkpoint } = experiment;
  if (checkpoint.kind !== 'hub' || experiment.download) return checkpoint.kind !== 'hub';
  experiment.modelError = null;
  const abort = (download = new AbortController());
  try {
    await localCheckpoint(checkpoint, experiment.engine, experiment.variants, {
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

/** The same where only the model is asked for, which shall stay. */
export function downloadModel(): Promise<boolean> {
  void askToPersist();
  return fetchModel();
}

export const stopDownload = () => download?.abort();

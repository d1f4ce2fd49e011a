import { askToPersist } from '../../session/run/awake';
import { experiment } from './experiment.svelte';
import { sentence } from '../../texts/sentence';
import { callData } from '../../session/threads/workers';

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

import { openCheckpoint } from '../../checkpoint/checkpoint';
import type { FileSet } from '../../checkpoint/source';
import { createTokenizer } from '../../checkpoint/tokenizer';
import { passesOf, labelsOf, type Example } from '../../tune/examples';
import { LORA } from '../../tune/lora';
import { TUNE } from '../../tune/trainer';
import { adamStep, clipScale, newAdamW, normOf } from '../../tune/optimizer';
import { undecayedOf } from '../../tune/trained';
import { parseRecipe } from '../../variant/compress';
import { examplesOf } from '../../tune/tickets';
import { openTraining, type TrainingHost, type TrainTickets } from '../training';

/** What is timed: steps on token ids as they are, or on tickets as a run asks them. */
export interface SpeedRequest {
  recipe: string;
  arithmetic: 'int8' | 'fp32' | null;
  /** Whether all weights are trained, not an adapter; the optimizer is timed too then. */
  full: boolean;
  /** Examples of each step. */
  batches: readonly (readonly Example[])[];
  /** Whether examples of a step that begin alike share their beginning; else each is computed by itself. */
  shared: boolean;
  /** Rows of a pass, at most, where they are computed together. */
  rows: number;
}

export interface TrainSpeed {
  arithmetic: 'int8' | 'fp32';
  threads: number;
  /** Milliseconds and computed tokens of each step. */
  steps: { ms: number; tokens: number }[];
}

/** Times the gradients of steps; an adapter's optimizer, a thousandth of a step, is left out, that of all weights is not. */
export async function timeTraining(
  files: FileSet,
  { recipe, arithmetic, full, batches, shared, rows }: SpeedRequest,
  host: TrainingHost,
): Promise<TrainSpeed> {
  const checkpoint = await openCheckpoint(files);
  const asked = { lora: full ? null : LORA, arithmetic, rows };
  const training = await openTraining(checkpoint, parseRecipe(recipe), asked, host);
  try {
    const numbers = training.begin(1);
    const optimizer = newAdamW(full ? numbers.length : 0);
    const steps: TrainSpeed['steps'] = [];
    for (const batch of batches) {
      const passes = shared ? passesOf(batch, rows) : batch.flatMap((example) => passesOf([example]));
      const labels = batch.reduce((n, example) => n + labelsOf(example), 0);
      const start = performance.now();
      const { gradient } = await training.engine.gradients(passes, 1 / labels, numbers);
      if (full) {
        const scale = clipScale(normOf(gradient), TUNE.clip);
        adamStep(optimizer, numbers, gradient, { ...TUNE, scale, undecayed: undecayedOf(training.layout) });
      }
      steps.push({ ms: performance.now() - start, tokens: passes.reduce((n, { ids }) => n + ids.length, 0) });
    }
    return { arithmetic: training.arithmetic, threads: training.threads, steps };
  } finally {
    training.engine.end();
  }
}

/** Tickets as training takes them: token ids and where answers begin. */
export async function lessonsFrom(files: FileSet, { tasks, train, causes }: TrainTickets): Promise<Example[]> {
  const { tokenizer, config } = await openCheckpoint(files);
  return examplesOf(createTokenizer(tokenizer), config.eosTokenIds, tasks, train, causes, config.maxPositions).examples;
}

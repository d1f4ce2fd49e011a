import type { Adapter } from '../checkpoint/adapter';
import { withAdapter, type Checkpoint } from '../checkpoint/checkpoint';
import { formatRecipe, parseRecipe, untuned, type Recipe } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import { PRECISIONS } from '../tensor/precisions';
import { HANDED } from './engines';
import type { EngineName } from '../schema/engines';
import type { TunedRecord } from '../schema/run';

/** An adapter that was trained over a recipe's weights. */
export interface Tuned {
  adapter: Adapter;
  /** Of its numbers. */
  hash: string;
  record: TunedRecord;
  /** As PEFT saves it: the two files by name; `base` names the model. */
  files: (base: string) => Record<string, Uint8Array<ArrayBuffer>>;
}

/** Numbers of a training with what is said of them, to be kept. */
export interface KeptNumbers<Head = unknown> {
  /** Plain data. */
  head: Head;
  numbers: Float32Array<ArrayBuffer>;
}

/** Adapters that were trained on one checkpoint, and trainings under way, under the hash of what makes them. */
export interface AdapterStore {
  /** Null where nothing whole is kept. */
  read(key: string): Promise<KeptNumbers | null>;
  /** May keep nothing where there is no room: it can be trained again. */
  write(key: string, kept: KeptNumbers): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Throws `recipe.impossible` where merging would make other weights than the adapter was trained beside. */
function checkMerges(recipe: Recipe): void {
  const plain = recipe.prunings.length === 0 && !recipe.smooth && recipe.budget === null;
  if (plain && PRECISIONS[recipe.precision].bits >= 16) return;
  throw new JoulewiseError(
    'recipe.impossible',
    `Only our own kernels keep an adapter beside the weights of ${quote(formatRecipe(untuned(recipe)))}: merged into them it would be rounded or cut away. Choose the engine "cpu", or fine-tune fp32 or fp16.`,
  );
}

/** Refuses, before anything is trained, what an engine could not answer with (`recipe.impossible`). */
export function checkTuned(engine: EngineName, variant: string): void {
  const recipe = parseRecipe(variant);
  if (recipe.tuning && !HANDED[engine].adapters) checkMerges(recipe);
}

/**
 * The checkpoint with the adapter merged in, and the recipe that is left, for engines that keep no adapter apart. Throws
 * `recipe.impossible` for what is rounded or pruned.
 */
export function mergedWith(
  checkpoint: Checkpoint,
  recipe: Recipe,
  tuned: Tuned | null,
): { checkpoint: Checkpoint; recipe: Recipe } {
  if (!tuned) return { checkpoint, recipe };
  checkMerges(recipe);
  return { checkpoint: withAdapter(checkpoint, tuned.adapter), recipe: untuned(recipe) };
}

import type { ModelConfig } from '../checkpoint/config';
import type { Adapter } from '../checkpoint/adapter';
import { withAdapter, type Checkpoint } from '../checkpoint/checkpoint';
import { formatRecipe, untuned, type Recipe } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import type { TunedRecord } from '../schema/run';

/** An adapter that was trained over a recipe's weights. */
export interface Tuned {
  adapter: Adapter;
  /** Of its numbers. */
  hash: string;
  record: TunedRecord;
}

/** An adapter as training left it, to be kept. */
export interface KeptAdapter {
  numbers: Float32Array<ArrayBuffer>;
  record: TunedRecord;
  /** Of the model that it stands beside, which pruning may have made smaller. */
  shape: { config: ModelConfig; ffnSizes: readonly number[] };
}

/** Adapters that were trained on one checkpoint, under the hash of what made them. */
export interface AdapterStore {
  /** Of the checkpoint's files. */
  checkpointHash: string;
  /** Null where nothing whole is kept. */
  read(key: string): Promise<KeptAdapter | null>;
  /** May keep nothing where there is no room: it can be trained again. */
  write(key: string, kept: KeptAdapter): Promise<void>;
}

/**
 * The checkpoint with the adapter merged in, and the recipe that is left, for engines that keep no adapter apart. Throws
 * `recipe.impossible` where merging would make other weights than the adapter was trained beside: what is rounded or pruned.
 */
export function mergedWith(
  checkpoint: Checkpoint,
  recipe: Recipe,
  tuned: Tuned | null,
): { checkpoint: Checkpoint; recipe: Recipe } {
  if (!tuned) return { checkpoint, recipe };
  const plain = recipe.prunings.length === 0 && !recipe.smooth && recipe.budget === null;
  if (!plain || !['fp32', 'fp16'].includes(recipe.precision))
    throw new JoulewiseError(
      'recipe.impossible',
      `Only our own kernels keep an adapter beside the weights of ${quote(formatRecipe(untuned(recipe)))}: merged into them it would be rounded or cut away. Choose the engine "cpu", or fine-tune fp32 or fp16.`,
    );
  return { checkpoint: withAdapter(checkpoint, tuned.adapter), recipe: untuned(recipe) };
}

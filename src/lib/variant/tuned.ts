import type { Adapter } from '../checkpoint/adapter';
import { withAdapter, type Checkpoint } from '../checkpoint/checkpoint';
import { PRUNERS } from '../compress/pruners';
import { calibrationLevel, formatRecipe, parseRecipe, untuned, type Recipe } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import { PRECISIONS } from '../tensor/precisions';
import { HANDED } from './engines';
import { ENGINES, STEP_ENGINES, type EngineName } from '../schema/engines';
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

/** Whether an adapter that is merged into the weights of a recipe stays what it was: they are neither rounded nor pruned. */
const merges = ({ precision, prunings, smooth, budget }: Recipe): boolean =>
  prunings.length === 0 && !smooth && budget === null && PRECISIONS[precision].bits >= 16;

/** Throws `recipe.impossible` where merging would make other weights than the adapter was trained beside. */
function checkMerges(recipe: Recipe): void {
  if (merges(recipe)) return;
  const apart = ENGINES.filter((name) => HANDED[name].adapters);
  throw new JoulewiseError(
    'recipe.impossible',
    `This engine keeps no adapter beside the weights of ${quote(formatRecipe(untuned(recipe)))}, and merged into them it would be rounded or cut away. Choose the engine ${apart.map((name) => `"${name}"`).join(' or ')}, or fine-tune fp32 or fp16.`,
  );
}

/** Refuses, before anything is trained, what an engine could not answer with (`recipe.impossible`). */
export function checkTuned(engine: EngineName, variant: string): void {
  const recipe = parseRecipe(variant);
  const trains = recipe.tuning?.engine;
  // One thread holds one build of ONNX Runtime, and a variant is trained in the thread that answers with it.
  if (trains && STEP_ENGINES.some((name) => name === engine) && engine !== trains)
    throw new JoulewiseError(
      'recipe.impossible',
      `${quote(variant)} is trained on ${quote(trains)}, which cannot take turns with the engine ${quote(engine)}. Choose the engine "cpu" or ${quote(trains)}, or leave .${trains} away.`,
    );
  if (recipe.tuning && !HANDED[engine].adapters) checkMerges(recipe);
}

/** Weights to be made, and the adapter that stands beside them (null = none does). */
export interface Beside {
  checkpoint: Checkpoint;
  recipe: Recipe;
  adapter: Adapter | null;
}

/** Whether a recipe leaves every linear layer's inputs and outputs as an adapter knows them, so that it can stay beside them. */
export const staysApart = (recipe: Recipe): boolean =>
  calibrationLevel(recipe) === null &&
  recipe.prunings.every((p) => ['mask', 'columns'].includes(PRUNERS[p.pruner].kind));

/** What is said where an adapter does not stay apart. */
export const adapterMerged = ({ adapted }: Checkpoint): string[] =>
  adapted ? ['The adapter was merged into the weights before they were compressed.'] : [];

/** The adapter that was trained for a recipe, else the checkpoint's own one where it can stay beside such weights. */
export function besideWeights(checkpoint: Checkpoint, recipe: Recipe, tuned: Tuned | null): Beside {
  if (tuned) return { checkpoint, recipe: untuned(recipe), adapter: tuned.adapter };
  const { adapted } = checkpoint;
  if (adapted && staysApart(recipe)) return { checkpoint: adapted.base, recipe, adapter: adapted.adapter };
  return { checkpoint, recipe, adapter: null };
}

/** The adapter merged into weights that are neither rounded nor pruned, which costs a pass nothing; else beside them. */
export function mergedOrBeside(checkpoint: Checkpoint, recipe: Recipe, tuned: Tuned | null): Beside {
  if (!merges(recipe)) return besideWeights(checkpoint, recipe, tuned);
  return { ...mergedWith(checkpoint, recipe, tuned), adapter: null };
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

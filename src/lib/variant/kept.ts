import type { ModelConfig } from '../checkpoint/config';
import { formatRecipe, weightsOf, type Recipe } from '../compress/recipe';
import type { Target } from '../compress/budget';
import { contentHash } from '../core/canonical';
import type { TimedForm } from '../cpu/choice';
import { MODEL_VERSION, type ModelImage } from '../cpu/model';
import type { ByteDot } from '../core/dot';
import type { Compression } from '../schema/run';

/** Raise when a reader, pruner or quantizer gives other weights than before; what was kept is then made anew. */
export const WEIGHTS_VERSION = 2;

/** A compressed and packed model, all but the bytes of its memory. */
export interface KeptHeader {
  config: ModelConfig;
  ffnSizes: number[];
  compression: Compression;
  image: ModelImage;
}

/** Packed models of one checkpoint, under the hash of what made them. */
export interface PackedStore {
  /** Of the checkpoint's files, an adapter among them. */
  checkpointHash: string;
  /** Null where nothing whole is kept. */
  read(key: string): Promise<{ header: KeptHeader; pieces: AsyncIterable<Uint8Array> } | null>;
  /** May keep nothing where there is no room: all of it can be made again. */
  write(key: string, header: KeptHeader, pieces: Iterable<Uint8Array<ArrayBuffer>>): Promise<void>;
}

/** Where timings of kernels are kept in this browser. */
export interface TimingStore {
  /** What was kept under the key; null where there is nothing. */
  read(key: string): Promise<unknown>;
  /** May keep nothing: it can be timed again. */
  write(key: string, timed: readonly TimedForm[]): Promise<void>;
}

/**
 * Name of what packing leaves. How keys and values are kept changes no weight. `tuned`: hash of an adapter that was trained
 * beside them, else null; `prompts` are those of a calibrated recipe, else null; a budget counts with the costs of `target`;
 * how bytes lie depends on the device's `dot`.
 */
export const packedKey = (
  checkpointHash: string,
  recipe: Recipe,
  prompts: readonly (readonly number[])[] | null,
  target: Target | null,
  dot: ByteDot,
  tuned: string | null = null,
): Promise<string> =>
  contentHash({
    checkpoint: checkpointHash,
    recipe: formatRecipe(weightsOf(recipe)),
    ...(tuned === null ? {} : { tuned }),
    prompts,
    rates: recipe.budget === null ? null : (target?.rates ?? null),
    dot,
    versions: [WEIGHTS_VERSION, MODEL_VERSION],
  });

import { calibrate, memoryStore, type StatisticsStore } from '../calibrate/calibrate';
import type { Share } from '../calibrate/forward';
import type { Checkpoint } from '../checkpoint/checkpoint';
import { createTokenizer, type Tokenizer } from '../checkpoint/tokenizer';
import { compressCheckpoint, type CompressedModel, type LayerCache } from '../compress/compress';
import type { LinearReport, Solver } from '../compress/group';
import { calibrationLevel, formatRecipe, type Recipe } from '../compress/recipe';
import type { Level } from '../compress/statistics';
import { contentHash } from '../core/canonical';
import { JoulewiseError, quote } from '../core/errors';
import type { Phase } from '../schema/run';

/** Threads and places that calibrated recipes work with; opened only where a recipe needs them. */
export interface CalibrationHost {
  openShares: (states: Float32Array<ArrayBuffer>[], level: Level) => Promise<Share[]>;
  solver: Solver;
  /** Null keeps nothing beyond this run. */
  statistics: StatisticsStore | null;
  /** Finished layers by the hash of what made them. */
  layers: ((hash: string) => LayerCache) | null;
  /** Null for checkpoints that have no hash. */
  checkpointHash: string | null;
  /** Ends the threads. */
  close: () => void;
}

/** What a calibrated recipe is calibrated on, and with. */
export interface Calibration {
  /** Sequences of token ids, each a multiple of 4 long (calibrate/prompts.ts). */
  prompts(tokenizer: Tokenizer): number[][];
  open(): Promise<CalibrationHost>;
}

export interface CompressVariantOptions {
  inPhase: <T>(phase: Phase, work: () => Promise<T>) => Promise<T>;
  calibration?: Calibration | null;
  onCalibrated?: (done: number, of: number) => void;
  onLinear?: (report: LinearReport & { layer: number }) => void;
  signal?: AbortSignal | undefined;
}

/**
 * What every engine calls to get a compressed model: calibrates first where the recipe needs it. `close` ends the
 * calibration's threads; call it when the last layer has been made.
 */
export async function compressVariant(
  checkpoint: Checkpoint,
  recipe: Recipe,
  o: CompressVariantOptions,
): Promise<{ model: CompressedModel; close: () => void }> {
  const level = calibrationLevel(recipe);
  if (level === null)
    return { model: await o.inPhase('compress', () => compressCheckpoint(checkpoint, recipe)), close: () => undefined };
  if (!o.calibration)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} needs calibration text: give --calib FILE, or tickets with a training split.`,
    );
  const prompts = o.calibration.prompts(createTokenizer(checkpoint.tokenizer));
  const host = await o.calibration.open();
  try {
    const statistics = await o.inPhase('calibrate', () =>
      calibrate(checkpoint, prompts, {
        level,
        checkpointHash: host.checkpointHash,
        openShares: host.openShares,
        store: host.statistics ?? memoryStore(),
        ...(o.onCalibrated ? { onProgress: o.onCalibrated } : {}),
        signal: o.signal,
      }),
    );
    const hash = await contentHash({ recipe: formatRecipe(recipe), statistics: statistics.hash });
    const model = await o.inPhase('compress', () =>
      compressCheckpoint(checkpoint, recipe, {
        statistics,
        solver: host.solver,
        cache: host.layers?.(hash) ?? null,
        ...(o.onLinear ? { onLinear: o.onLinear } : {}),
        signal: o.signal,
      }),
    );
    return { model, close: host.close };
  } catch (error) {
    host.close();
    throw error;
  }
}

import type { Checkpoint } from '../checkpoint/checkpoint';
import { calibrationLevel, parseRecipe } from '../compress/recipe';
import { createRandom } from '../core/random';
import { stopwatch } from '../core/stopwatch';
import { compressVariant, type CalibrationHost } from '../variant/compress';

/** One calibrated compression of a whole model, nothing taken from a store. */
export interface CalibrateSpeed {
  calibrateMs: number;
  compressMs: number;
  tokens: number;
  threads: number;
  /** Multiplications and additions of the calibration's linear layers, attention and x^T x. */
  calibrateFlops: number;
}

/** Calibrates on random token ids and compresses every layer. */
export async function timeCalibration(
  checkpoint: Checkpoint,
  named: string,
  o: {
    sequences: number;
    length: number;
    /** As many as `host` opens. */
    threads: number;
    host: () => CalibrationHost;
    signal: AbortSignal;
    onProgress: (phase: 'calibrate' | 'compress', done: number, of: number) => void;
  },
): Promise<CalibrateSpeed> {
  const recipe = parseRecipe(named);
  const { config } = checkpoint;
  const random = createRandom(1);
  const prompts = Array.from({ length: o.sequences }, () =>
    Array.from({ length: o.length }, () => random.int(config.vocabSize)),
  );
  const { ms, inPhase } = stopwatch('calibrate', 'compress');
  const { model, close } = await compressVariant(checkpoint, recipe, {
    signal: o.signal,
    calibration: {
      prompts: () => prompts,
      open: () => Promise.resolve(o.host()),
    },
    onCalibrated: (done, of) => o.onProgress('calibrate', done, of),
    inPhase,
  });
  const start = performance.now();
  try {
    for (let layer = 0; layer < model.config.layers; layer++) {
      await model.layer(layer);
      o.onProgress('compress', layer + 1, model.config.layers);
    }
  } finally {
    close();
  }
  const { hiddenSize: h, intermediateSize: f, heads, kvHeads, headDim, layers } = config;
  const q = heads * headDim;
  const linear = 2 * (h * (2 * q + 2 * kvHeads * headDim) + 3 * h * f);
  const gram = calibrationLevel(recipe) === 'gram' ? 2 * h * h + q * q + f * f : 0;
  const tokens = o.sequences * o.length;
  const forward = linear + 4 * q * o.length;
  // Behind compressed layers, each is passed once more as it was compressed.
  const passes = recipe.seq ? 2 : 1;
  return {
    calibrateMs: ms.calibrate,
    compressMs: ms.compress + performance.now() - start,
    tokens,
    threads: o.threads,
    calibrateFlops: tokens * layers * (passes * forward + gram),
  };
}

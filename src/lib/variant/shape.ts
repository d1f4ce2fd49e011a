import type { CountedEngine } from '../schema/engines';
import { HANDED } from './engines';
import type { ModelConfig } from '../checkpoint/config';
import { PRECISIONS } from '../tensor/precisions';
import { smallerShape } from '../compress/shape';
import { asks2of4, calibrationLevel, linearRecipe, parseRecipe } from '../compress/recipe';
import { layoutsOf } from '../cpu/formats';
import { cachedBytes, expectedMatrices, RESERVE_BYTES } from '../cpu/size';
import { MAX_BYTES } from '../cpu/memory';
import { passWork } from '../cpu/work';
import { buildDecoder } from '../decoder/decoder';
import { decoderCost, weightBytes as graphBytes } from '../decoder/work';
import { addWork, type Arithmetic, type Work } from '../core/cost';
import { BYTE_DOT, chooseKernel } from './kernels';
import { graphOf, MAX_CONTEXT } from './prepare';

/** What is known of a variant before a weight is read: from the configuration alone. */
export interface VariantShape {
  /** As the engine reads them. */
  weightBytes: number;
  /** Most bytes of memory that hold it; more than this engine has = it will not run. */
  memoryBytes: number;
  /** What this engine has; null where nobody knows. */
  limitBytes: number | null;
  fits: boolean;
  arithmetic: Arithmetic;
  /** Calibration comes on top of what passes cost. */
  calibrates: boolean;
  /** Work of one pass over `fresh` tokens behind `past` ones. */
  cost(fresh: number, past: number, logits: number): Work;
}

/**
 * The shape that a recipe gives a model: the layers and neurons that stay, and what each pass over it costs, counted as
 * the engine counts it. A recipe under a budget counts as 8-bit. Throws what the recipe parser and the kernel table throw.
 */
export function variantShape(
  base: ModelConfig,
  text: string,
  engine: CountedEngine,
  features: readonly string[],
): VariantShape {
  const recipe = parseRecipe(text);
  const { kernel } = chooseKernel(engine, recipe, features);
  const { config, ffnSizes } = smallerShape(base, recipe);
  const shared = { arithmetic: kernel.arithmetic, calibrates: calibrationLevel(recipe) !== null };

  if (kernel.engine === 'cpu') {
    // Bytes lie alike whether the device takes them signed or not.
    const dot = features.includes(BYTE_DOT) ? 'signed' : null;
    const { dense, sparse } = layoutsOf(recipe.precision, dot);
    const inner = (asks2of4(linearRecipe(recipe)) ? sparse : null) ?? dense;
    const outer = layoutsOf(PRECISIONS[recipe.precision].outer, dot).dense;
    const matrices = expectedMatrices(config, ffnSizes, inner, outer);
    const weightBytes = [...matrices.values()].reduce((n, m) => n + m.bytes, 0);
    const cached = cachedBytes(recipe.kv8 ? 'int8' : 'f32', config.headDim);
    const memoryBytes = weightBytes + RESERVE_BYTES;
    return {
      ...shared,
      weightBytes,
      memoryBytes,
      limitBytes: MAX_BYTES,
      fits: memoryBytes <= MAX_BYTES,
      cost: (fresh, past, logits) =>
        Object.values(passWork(config, matrices, cached, fresh, past, logits)).reduce(addWork),
    };
  }
  const graph = buildDecoder({
    config,
    ffnSizes,
    form: kernel.form,
    outerForm: kernel.outerForm,
    formOf: null,
    use: 'engine',
    ...graphOf(kernel.engine, 'engine'),
    maxPositions: Math.min(config.maxPositions, MAX_CONTEXT),
  });
  const weightBytes = graphBytes(graph);
  // ONNX Runtime holds the weights it was handed beside those it packed.
  const memoryBytes = 2 * weightBytes + RESERVE_BYTES;
  const limitBytes = HANDED[kernel.engine].inWasm ? MAX_BYTES : null;
  return {
    ...shared,
    weightBytes,
    memoryBytes,
    limitBytes,
    fits: limitBytes === null || memoryBytes <= limitBytes,
    cost: (fresh, past, logits) => decoderCost(graph, fresh, past, logits),
  };
}

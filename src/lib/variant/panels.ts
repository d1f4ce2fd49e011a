import type { Adapter } from '../checkpoint/adapter';
import { LINEARS, vectorNames } from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { ModelConfig } from '../checkpoint/config';
import { createTokenizer } from '../checkpoint/tokenizer';
import type { Target } from '../compress/budget';
import type { CompressedModel } from '../compress/compress';
import { calibrationLevel, formatRecipe, type Recipe } from '../compress/recipe';
import { JoulewiseError, quote } from '../core/errors';
import { layoutsOf } from '../cpu/formats';
import { CpuModel } from '../cpu/model';
import type { ByteDot } from '../core/dot';
import { checkFits } from '../cpu/size';
import type { Compression } from '../schema/run';
import { PRECISIONS } from '../tensor/precisions';
import { withCompressed, type Calibration } from './compress';
import { packedKey, type PackedStore } from './kept';
import { MAX_CONTEXT, type InPhase } from './prepare';
import { adapterMerged, besideWeights, staysApart, type Tuned } from './tuned';

export interface PackOptions {
  inPhase: InPhase;
  calibration?: Calibration | null;
  target?: Target | null;
  /** Where packed models are kept; null or none = nowhere. */
  keeping?: PackedStore | null;
  /** The adapter that was trained for this recipe; null or none = none was. */
  tuned?: Tuned | null;
  /** Of calibration, before compression begins. */
  onCalibrated?: (done: number, of: number) => void;
  onProgress?: (done: number, of: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Checkpoint + recipe -> weights in the memory of our own kernels, not started, and what is to be said of them. Each layer
 * is compressed, packed and forgotten, so that no more than one layer is held twice.
 */
export async function packVariant(
  given: Checkpoint,
  recipe: Recipe,
  dot: ByteDot,
  o: PackOptions,
): Promise<PackedModel & { notes: string[] }> {
  const { named } = given;
  if (Object.keys(named).length > 0) checkNamed(given, recipe, Object.keys(named));
  const checkpoint = { ...given, named: {} };
  const beside = besideWeights(checkpoint, recipe, o.tuned ?? null);
  const { model, compression, kept } = await keptOr(checkpoint, recipe, dot, o, () =>
    withCompressed(beside.checkpoint, beside.recipe, o, (compressed) =>
      packModel(compressed, recipe, beside.adapter, dot, o),
    ),
  );
  for (const [name, adapter] of Object.entries(named)) await o.inPhase('load', () => place(model, name, adapter));
  return {
    model,
    compression: { ...compression, recipe: formatRecipe(recipe) },
    notes: [
      ...adapterMerged(beside.checkpoint),
      ...(kept ? ['The weights were compressed and packed in an earlier run and kept; this run read them.'] : []),
    ],
  };
}

/** Lays a named adapter beside the weights that it changes. */
async function place(model: CpuModel, name: string, adapter: Adapter): Promise<void> {
  for (let layer = 0; layer < model.config.layers; layer++)
    for (const linear of LINEARS) {
      const low = await adapter.read(layer, linear);
      if (low) model.addAdapter(name, layer, linear, low);
    }
}

/** Throws `recipe.impossible` where several adapters cannot take turns beside these weights. */
function checkNamed(checkpoint: Checkpoint, recipe: Recipe, names: readonly string[]): void {
  const of = names.join(', ');
  if (recipe.tuning || checkpoint.adapted)
    throw new JoulewiseError(
      'recipe.impossible',
      `The adapters of ${of} take turns beside the weights, and one more would be at work beside each of them. Give one adapter a task alone, or one for all.`,
    );
  if (!staysApart(recipe))
    throw new JoulewiseError(
      'recipe.impossible',
      `The adapters of ${of} cannot stay beside the weights of ${quote(formatRecipe(recipe))}, which calibrates or changes shapes. Choose a precision, alone or with a mask by magnitude (int8, int4+2:4).`,
    );
}

/** The model that an earlier run kept; else what `make` makes, kept for the next time. */
async function keptOr(
  checkpoint: Checkpoint,
  recipe: Recipe,
  dot: ByteDot,
  { keeping, calibration, target, tuned, inPhase }: PackOptions,
  make: () => Promise<PackedModel>,
): Promise<PackedModel & { kept: boolean }> {
  if (!keeping) return { ...(await make()), kept: false };
  const prompts =
    calibrationLevel(recipe) === null ? null : calibration?.prompts(createTokenizer(checkpoint.tokenizer));
  const key = await packedKey(
    keeping.checkpointHash,
    recipe,
    prompts ?? null,
    target ?? null,
    dot,
    tuned?.hash ?? null,
  );
  const found = await keeping.read(key);
  if (found) {
    const { config, ffnSizes, compression, image } = found.header;
    const model = modelOf(config, ffnSizes, dot);
    await inPhase('load', () => model.restore(image, found.pieces));
    return { model, compression, kept: true };
  }
  const { model, compression } = await make();
  const { image, pieces } = model.image();
  await keeping.write(key, { config: model.config, ffnSizes: [...model.ffnSizes], compression, image }, pieces);
  return { model, compression, kept: false };
}

const modelOf = (config: ModelConfig, ffnSizes: readonly number[], dot: ByteDot) =>
  new CpuModel(config, ffnSizes, Math.min(config.maxPositions, MAX_CONTEXT), dot);

/** Weights in the kernels' memory, not started. */
interface PackedModel {
  model: CpuModel;
  compression: Compression;
}

async function packModel(
  compressed: CompressedModel,
  recipe: Recipe,
  adapter: Adapter | null,
  dot: ByteDot,
  o: PackOptions,
): Promise<PackedModel> {
  const { config, ffnSizes } = compressed;
  const { dense, sparse } = layoutsOf(recipe.precision, dot);
  checkFits(
    config,
    ffnSizes,
    formatRecipe(recipe),
    (recipe.prunings.some((p) => p.pruner.includes('2:4')) ? sparse : null) ?? dense,
    layoutsOf(PRECISIONS[recipe.precision].outer, dot).dense,
  );
  const model = modelOf(config, ffnSizes, dot);
  const steps = config.layers + 2;
  let done = 0;
  const step = async (pack: () => void) => {
    if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'Stopped while preparing the variant.');
    await o.inPhase('load', () => Promise.resolve(pack()));
    o.onProgress?.(++done, steps);
  };
  for (let layer = 0; layer < config.layers; layer++) {
    const stored = await o.inPhase('compress', () => compressed.layer(layer));
    await step(() => model.setLayer(layer, stored));
    for (const linear of LINEARS) {
      const low = await adapter?.read(layer, linear);
      if (low) model.setAdapter(layer, linear, low);
    }
  }
  const embedding = await o.inPhase('compress', () => compressed.embedding());
  const head = await o.inPhase('compress', () => compressed.head());
  await step(() => model.setOuter(embedding, head));
  for (const name of vectorNames(config)) model.setVector(name, await compressed.vector(name));
  await step(() => undefined);
  return { model, compression: { ...compressed.counted(), computedBytes: model.weightBytes } };
}

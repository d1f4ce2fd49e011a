import { HANDED } from './engines';
import { calibrateBehind } from '../calibrate/behind';
import { calibrate, memoryLayers, memoryStore } from '../calibrate/calibrate';
import type { Calibration, CalibrationHost } from '../calibrate/host';
import type { Checkpoint } from '../checkpoint/checkpoint';
import { createTokenizer } from '../checkpoint/tokenizer';
import { compressCheckpoint, type CompressedModel } from '../compress/compress';
import type { LayerReport } from '../compress/books';
import type { Footprint, Target } from '../compress/budget';
import { storedBytes, type StoredTensor } from '../tensor/stored';
import { calibrationLevel, formatRecipe, parseRecipe, untuned, weightsOf, type Recipe } from '../compress/recipe';
import { contentHash } from '../core/canonical';
import { JoulewiseError, quote } from '../core/errors';
import { FORMATS, formatOf, packedBytes } from '../cpu/formats';
import type { ByteDot } from '../core/dot';
import { bestBuild, byteDotOf } from '../cpu/module';
import type { Arithmetic } from '../core/cost';
import type { Phase } from '../schema/run';
import { WEIGHTS_VERSION } from './kept';
import type { KernelRow } from './kernels';

/** What variants are named by and made of, for those who open them. */
export { formatRecipe, parseRecipe, untuned, weightsOf };
export type { Calibration, CalibrationHost, CompressedModel, Recipe };

export interface CompressVariantOptions {
  inPhase: <T>(phase: Phase, work: () => Promise<T>) => Promise<T>;
  calibration?: Calibration | null;
  onCalibrated?: (done: number, of: number) => void;
  onLinear?: (report: LayerReport) => void;
  footprint?: (t: StoredTensor) => Footprint;
  target?: Target | null;
  signal?: AbortSignal | undefined;
}

/** What the engine `cpu` makes of a stored tensor on this device. */
export const footprintHere = () => cpuFootprint(byteDotOf(bestBuild()));

/** What the engine `cpu` makes of a stored tensor on a device with this byte dot. */
export const cpuFootprint =
  (dot: ByteDot) =>
  (t: StoredTensor): Footprint => {
    const format = formatOf(t, dot);
    const { title, density } = FORMATS[format];
    return { title, density, bytes: packedBytes(format, t.rows, t.columns) };
  };

/** Joules of a byte and of an operation on this device, by its power profile. */
export type RatesOf = (arithmetic: Arithmetic) => Target['rates'];

/** What a budget counts on an engine; null where its kernels compute every choice alike. */
export function targetOf(
  kernel: Pick<KernelRow, 'engine' | 'arithmetic'>,
  ratesOf: RatesOf,
  dot: ByteDot = null,
): Target | null {
  const { engine } = kernel;
  const rates = ratesOf(kernel.arithmetic);
  const { budget } = HANDED[engine];
  switch (budget) {
    case 'panels':
      return { engine, footprint: cpuFootprint(dot), sparse: true, rates };
    case 'blocks':
      return { engine, footprint: storedFootprint, sparse: false, rates };
    case null:
      return null;
    default:
      return budget satisfies never;
  }
}

/** MatMulNBits multiplies blocks as stored. */
const storedFootprint = (t: StoredTensor): Footprint => ({
  title: 'blocks as stored',
  bytes: storedBytes(t),
  density: 1,
});

/**
 * What every engine calls to get a compressed model: calibrates first where the recipe needs it, and makes all layers on the
 * way where each is calibrated behind those before it. `close` ends the calibration's threads; call it when the last layer
 * has been made.
 */
export async function compressVariant(
  checkpoint: Checkpoint,
  recipe: Recipe,
  o: CompressVariantOptions,
): Promise<{ model: CompressedModel; close: () => void }> {
  if (recipe.tuning)
    throw new JoulewiseError(
      'recipe.impossible',
      `${quote(formatRecipe(recipe))} is trained on a plan's tickets first: run it with tickets, or train an adapter with "tune" and give it with --adapter.`,
    );
  const named = Object.keys(checkpoint.named);
  if (named.length > 0)
    throw new JoulewiseError(
      'recipe.impossible',
      `This checkpoint comes with an adapter for each of ${named.join(', ')}, which take turns beside its weights; only our own kernels do that, in runs and in the assistant. Choose the engine "cpu", or give one adapter for all.`,
    );
  const level = calibrationLevel(recipe);
  const reporting = {
    ...(o.onLinear ? { onLinear: o.onLinear } : {}),
    ...(o.footprint ? { packed: o.footprint } : {}),
  };
  const target = recipe.budget === null ? null : (o.target ?? null);
  if (level === null)
    return {
      model: await o.inPhase('compress', () => compressCheckpoint(checkpoint, recipe, reporting)),
      close: () => undefined,
    };
  if (!o.calibration)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} needs calibration text: give --calib FILE, or tickets with a training split.`,
    );
  const prompts = o.calibration.prompts(createTokenizer(checkpoint.tokenizer));
  const host = await o.calibration.open();
  const calibrating = {
    level,
    checkpointHash: host.checkpointHash,
    openPortions: host.openPortions,
    store: host.statistics ?? memoryStore(),
    ...(o.onCalibrated ? { onProgress: o.onCalibrated } : {}),
    signal: o.signal,
  };
  // How keys and values are kept, and what causes are mixed with, changes no weight.
  const made = { recipe: formatRecipe(weightsOf(recipe)), version: WEIGHTS_VERSION };
  try {
    const behind = recipe.seq
      ? await calibrateBehind(checkpoint, prompts, { ...calibrating, made, inPhase: o.inPhase })
      : null;
    const statistics =
      behind?.statistics ?? (await o.inPhase('calibrate', () => calibrate(checkpoint, prompts, calibrating)));
    const from = { ...made, statistics: statistics.hash };
    // What a budget buys depends on what things cost.
    const hash = await contentHash(target ? { ...from, engine: target.engine, rates: target.rates } : from);
    const layers = host.layers?.(hash) ?? (behind ? memoryLayers() : null);
    const model = await o.inPhase('compress', () =>
      compressCheckpoint(checkpoint, recipe, {
        statistics,
        solver: host.solver,
        cache: layers,
        ...reporting,
        target,
        signal: o.signal,
      }),
    );
    if (behind && layers) await behind.makeAll(model, layers);
    return { model, close: host.close };
  } catch (error) {
    host.close();
    throw error;
  }
}

/** What `work` makes of a compressed variant, whose calibration threads end with it. */
export async function withCompressed<T>(
  checkpoint: Checkpoint,
  recipe: Recipe,
  o: CompressVariantOptions,
  use: (model: CompressedModel) => Promise<T>,
): Promise<T> {
  const { model, close } = await compressVariant(checkpoint, recipe, o);
  try {
    return await use(model);
  } finally {
    close();
  }
}

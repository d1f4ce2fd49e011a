import { LINEARS, names, placeOf, type LinearName } from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError, quote } from '../core/errors';
import type { Compression } from '../schema/run';
import { PRECISIONS } from '../tensor/precisions';
import { countZeros, storedBytes, type StoredTensor } from '../tensor/stored';
import { Books, type LayerReport } from './books';
import { pricesOf, type Footprint, type Target } from './budget';
import { compressGroup, type Solver } from './group';
import { LayerMaker, pruningOf, type Choice, type MadeLayer } from './layer';
import { planMixed } from './mixed';
import { PRUNERS } from './pruners';
import { calibrationLevel, formatRecipe, linearRecipe, type LinearRecipe, type Recipe } from './recipe';
import { checkRemoves, smallerShape } from './shape';
import type { Statistics } from './statistics';

/** A checkpoint under a recipe: the same model, smaller shapes, stored tensors; made layer by layer on demand. */
export interface CompressedModel {
  recipe: Recipe;
  /** The checkpoint's config with the layers that remain. */
  config: ModelConfig;
  /** FFN neurons of each remaining layer. */
  ffnSizes: readonly number[];
  /** The remaining layers' numbers in the checkpoint. */
  kept: readonly number[];
  /** What was, or will be, done to one linear layer: differs by layer under a budget. */
  recipeOf(index: number, linear: LinearName): LinearRecipe;
  /** Per linear layer, of what has been made so far. */
  reports(): readonly LayerReport[];
  /** Makes one remaining layer, or finds it where it was kept, and neither counts nor reports it: for who is ahead of its reader. */
  make(index: number): Promise<MadeLayer>;
  /** All linear weights of one remaining layer. */
  layer(index: number): Promise<Record<LinearName, StoredTensor>>;
  embedding(): Promise<StoredTensor>;
  /** Null where the output projection shares the embedding. */
  head(): Promise<StoredTensor | null>;
  /** Norm weights and biases, by their name in the renumbered model; they stay float32. */
  vector(name: string): Promise<Float32Array>;
  /** Counted over what has been made so far; complete after every layer, embedding and head. */
  counted(): Omit<Compression, 'computedBytes'>;
}

/** What became of a matrix outside of the layers. */
export interface OuterReport {
  matrix: 'embedding' | 'head';
  /** As stored. */
  bytes: number;
  /** Share of weights that are 0. */
  sparsity: number;
}

export const outerReport = (matrix: OuterReport['matrix'], t: StoredTensor): OuterReport => ({
  matrix,
  bytes: storedBytes(t),
  sparsity: countZeros(t) / (t.rows * t.columns),
});

/** What calibrated recipes work with; recipes that need no statistics need none of it. */
export interface CompressOptions {
  /** Null where the recipe needs none (`calibrationLevel`). */
  statistics: Statistics | null;
  solver: Solver;
  /** Finished layers from an earlier try. */
  cache?: LayerCache | null;
  onLinear?: (report: LayerReport) => void;
  /** The engine whose costs a budget counts; none = any that takes blocks of 32. */
  target?: Target | null;
  /** What an engine makes of a stored tensor, for the reports. */
  footprint?: (t: StoredTensor) => Footprint;
  signal?: AbortSignal | undefined;
}

/** Finished layers, kept under what they were made from, so that a cut-off compression goes on where it stopped. */
export interface LayerCache {
  read(layer: number): Promise<MadeLayer | null>;
  write(layer: number, made: MadeLayer): Promise<void>;
}

/** Compresses on this thread, without the column loop's kernels. */
const PLAIN: CompressOptions = {
  statistics: null,
  solver: { run: (job) => Promise.resolve(compressGroup(null, job)) },
};

/** Decides structure (which layers, how many neurons) now; weights are read, pruned and stored when asked for. */
export async function compressCheckpoint(
  checkpoint: Checkpoint,
  recipe: Recipe,
  given: Partial<CompressOptions> = {},
): Promise<CompressedModel> {
  const o = { ...PLAIN, ...given };
  const { config } = checkpoint;
  const { statistics } = o;
  if (calibrationLevel(recipe) !== null && !statistics)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} needs calibration text: give --calib FILE, or tickets with a training split.`,
    );
  const sized = smallerShape(config, recipe);
  checkRemoves(config, sized.config, recipe);
  // Neurons of a layer stand in `ffnSizes`.
  const smaller = { ...sized.config, intermediateSize: config.intermediateSize };
  const kept = await keptLayers(checkpoint, recipe, statistics);
  const maker = new LayerMaker(checkpoint, recipe, kept, o);
  const choice = await chooseRecipes(recipe, maker, smaller, vectorValues(checkpoint, kept), o.target ?? null);
  const outer = PRECISIONS[PRECISIONS[recipe.precision].outer];
  const books = new Books();
  const outerMatrix = async (name: string) => {
    const [rows, columns] = checkpoint.tensors.get(name)?.shape as readonly [number, number];
    return books.matrix(name, outer.store(await checkpoint.read(name), rows, columns), false);
  };
  // What is calibrated behind a layer is not known before that layer is made.
  const readAhead = statistics !== null && !recipe.seq;
  const make = async (index: number): Promise<MadeLayer> => {
    const cached = (await o.cache?.read(index)) ?? null;
    const made = cached ?? (await maker.make(index, choice, readAhead));
    if (!cached) await o.cache?.write(index, made);
    return made;
  };

  return {
    recipe,
    config: smaller,
    ffnSizes: sized.ffnSizes,
    kept,
    reports: () => books.reports,
    recipeOf: (index, linear) => choice(index)(linear),
    make,
    async layer(index) {
      const made = await make(index);
      for (const linear of LINEARS) books.matrix(names.linear(index, linear), made.tensors[linear], true);
      for (const report of made.reports) {
        const line = { layer: index, ...report, footprint: o.footprint?.(made.tensors[report.linear]) ?? null };
        books.report(line);
        o.onLinear?.(line);
      }
      return made.tensors;
    },
    embedding: () => outerMatrix(names.embedding),
    head: async () => (config.tiedEmbeddings ? null : outerMatrix(names.head)),
    async vector(name) {
      const data = await maker.vector(name);
      books.vector(name, data);
      return data;
    },
    counted: () => ({
      recipe: formatRecipe(recipe),
      ...books.count,
      removedNeurons: (config.intermediateSize - sized.config.intermediateSize) * kept.length,
      removedLayers: config.layers - kept.length,
      removedGroups: (config.kvHeads - smaller.kvHeads) * kept.length,
    }),
  };
}

/** Layers of the checkpoint that stay. */
async function keptLayers(checkpoint: Checkpoint, recipe: Recipe, statistics: Statistics | null): Promise<number[]> {
  const pruning = pruningOf(recipe, 'layers');
  if (!pruning) return Array.from({ length: checkpoint.config.layers }, (_, i) => i);
  const row = PRUNERS[pruning.pruner];
  if (row.kind !== 'layers') throw new JoulewiseError('internal', `${pruning.pruner} removes no layers.`);
  const influence = row.needs && statistics ? statistics.cosines.map((c) => 1 - c) : await layerInfluence(checkpoint);
  return row.keep(influence, pruning.share ?? 0);
}

/** What is done to each linear layer: one recipe for all, or what a budget chooses. */
async function chooseRecipes(
  recipe: Recipe,
  maker: LayerMaker,
  config: ModelConfig,
  vectorValues: number,
  target: Target | null,
): Promise<Choice> {
  const uniform = linearRecipe(recipe);
  if (recipe.budget === null) return () => () => uniform;
  const plan = await planMixed({
    budget: recipe.budget,
    layers: config.layers,
    prices: pricesOf(recipe, target, { config, vectorValues }),
    sparse: target?.sparse ?? false,
    make: (layer, candidate) => maker.make(layer, () => () => candidate, false),
  });
  return (index) => (linear) => plan[index]?.[linear] ?? uniform;
}

/**
 * How much a layer can add to the residual stream: the Frobenius norms of the two matrices that write to it. A
 * magnitude criterion; the calibrated one (cosine of block input and output) needs data.
 */
async function layerInfluence(checkpoint: Checkpoint): Promise<number[]> {
  const norm = async (name: string) => {
    let s = 0;
    for (const v of await checkpoint.read(name)) s += v * v;
    return Math.sqrt(s);
  };
  const out: number[] = [];
  for (let layer = 0; layer < checkpoint.config.layers; layer++)
    out.push((await norm(names.linear(layer, 'o_proj'))) + (await norm(names.linear(layer, 'down_proj'))));
  return out;
}

/** Values in the norms and biases of what is kept. */
function vectorValues(checkpoint: Checkpoint, kept: readonly number[]): number {
  let total = 0;
  for (const [name, { shape }] of checkpoint.tensors) {
    const { layer } = placeOf(name);
    if (shape.length === 1 && (layer === null || kept.includes(layer))) total += shape[0] as number;
  }
  return total;
}

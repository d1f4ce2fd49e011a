import type { Checkpoint } from '../checkpoint/checkpoint';
import type { ModelConfig } from '../checkpoint/config';
import { GROUPS, inLayer, INPUT_GROUPS, type LinearName, LINEARS, names, placeOf, VECTORS } from '../checkpoint/block';
import { JoulewiseError, quote } from '../core/errors';
import type { Compression } from '../schema/run';
import { pricesOf, type PackedForm, type Target } from './budget';
import { compressGroup, type GroupJob, type GroupResult, type LinearReport, type Solver } from './group';
import { planMixed } from './mixed';
import { countZeros, storedBytes, type StoredTensor } from '../tensor/stored';
import { PRECISIONS } from '../tensor/precisions';
import { activationScores, groupScores, keepGroups, keepLayers, keepNeurons, neuronScores, PRUNERS } from './pruners';
import { calibrationLevel, formatLinear, formatRecipe, linearRecipe, type LinearRecipe, type Recipe } from './recipe';
import { MIGRATIONS, smoothLayer, smoothStatistics, type Matrix2d, type SmoothScales } from './smooth';
import { groupFeatures, removeGroups, removeNeurons } from './structure';
import { selectInputs, type Statistics } from './statistics';

/** A checkpoint under a recipe: the same model, smaller shapes, stored tensors; made layer by layer on demand. */
export interface CompressedModel {
  recipe: Recipe;
  /** The checkpoint's config with the layers that remain. */
  config: ModelConfig;
  /** FFN neurons of each remaining layer. */
  ffnSizes: readonly number[];
  /** What was, or will be, done to one linear layer: differs by layer under a budget. */
  recipeOf(index: number, linear: LinearName): LinearRecipe;
  /** Per linear layer, of what has been made so far. */
  reports(): readonly LayerReport[];
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

/** What became of one linear layer, and where it is. */
export interface LayerReport extends LinearReport {
  layer: number;
  /** The form that an engine makes of it, and its bytes; null where none was asked about. */
  packed: PackedForm | null;
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
  packed?: (t: StoredTensor) => PackedForm;
  signal?: AbortSignal | undefined;
}

/** Finished layers, kept under what they were made from, so that a cut-off compression goes on where it stopped. */
export interface LayerCache {
  read(layer: number): Promise<MadeLayer | null>;
  write(layer: number, made: MadeLayer): Promise<void>;
}

export interface MadeLayer {
  tensors: Record<LinearName, StoredTensor>;
  reports: LinearReport[];
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
  const pruning = (kind: 'layers' | 'neurons' | 'groups') =>
    recipe.prunings.find((p) => PRUNERS[p.pruner].kind === kind) ?? null;
  const layersShare = pruning('layers')?.share ?? null;
  const influence = () =>
    pruning('layers')?.pruner === 'blocks'
      ? Promise.resolve((statistics as Statistics).cosines.map((c) => 1 - c))
      : layerInfluence(checkpoint);
  const kept =
    layersShare === null
      ? Array.from({ length: config.layers }, (_, i) => i)
      : keepLayers(await influence(), layersShare);
  if (layersShare !== null && kept.length === config.layers)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} removes no layer of a model with ${config.layers}; ask for a larger share.`,
    );
  const neurons = pruning('neurons');
  const neuronShare = neurons?.share ?? null;
  const keptNeurons =
    neuronShare === null
      ? config.intermediateSize
      : keepNeurons(new Float64Array(config.intermediateSize), neuronShare).length;
  if (neuronShare !== null && keptNeurons === config.intermediateSize)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} removes no neuron of ${config.intermediateSize}; ask for a larger share.`,
    );
  const groups = pruning('groups');
  const keptGroups = groups ? keepGroups(new Float64Array(config.kvHeads), groups.share ?? 0).length : config.kvHeads;
  if (groups && keptGroups === config.kvHeads)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} removes no key-value group of ${config.kvHeads}; ask for a larger share.`,
    );
  const smaller: ModelConfig = {
    ...config,
    layers: kept.length,
    kvHeads: keptGroups,
    heads: (config.heads / config.kvHeads) * keptGroups,
  };
  /** Which groups of a remaining layer stay; null where all do. */
  const groupsOf = async (index: number): Promise<Int32Array | null> => {
    if (!groups) return null;
    const source = kept[index] as number;
    const name = names.linear(source, 'o_proj');
    const { inputs } = await (statistics as Statistics).layer(source);
    const [hidden] = shapeOf(name);
    return keepGroups(
      groupScores(await checkpoint.read(name), inputs.output.squares, hidden, config.kvHeads),
      groups.share ?? 0,
    );
  };
  const outer = PRECISIONS[PRECISIONS[recipe.precision].outer];

  const count = { parameters: 0, zeros: 0, linearParameters: 0, storedBytes: 0 };
  const made = new Set<string>();
  const counted = (name: string, t: StoredTensor, linear: boolean): StoredTensor => {
    if (!made.has(name)) {
      made.add(name);
      count.parameters += t.rows * t.columns;
      count.storedBytes += storedBytes(t);
      if (linear) {
        count.linearParameters += t.rows * t.columns;
        count.zeros += countZeros(t);
      }
    }
    return t;
  };
  const reports: LayerReport[] = [];
  const shapeOf = (name: string) => checkpoint.tensors.get(name)?.shape as readonly [number, number];

  const smoothed = new Map<number, SmoothScales>();
  /** The jobs of one remaining layer, each recipe chosen by `choose`. */
  const jobsOf = async (index: number, choose: (linear: LinearName) => LinearRecipe): Promise<GroupJob[]> => {
    const source = kept[index] as number;
    const weights = {} as Record<LinearName, Matrix2d>;
    for (const linear of LINEARS) {
      const name = names.linear(source, linear);
      const [rows, columns] = shapeOf(name);
      weights[linear] = { data: await checkpoint.read(name), rows, columns };
    }
    const own = statistics ? await statistics.layer(source) : null;
    const inputs = own ? { ...own.inputs } : null;
    const staying = await groupsOf(index);
    if (staying) {
      const heads = removeGroups(weights, staying, config);
      if (inputs) inputs.output = selectInputs(inputs.output, heads);
    }
    if (neurons) {
      const row = PRUNERS[neurons.pruner];
      const { gate_proj: gate, up_proj: up, down_proj: down } = weights;
      const scores =
        row.needs && inputs
          ? activationScores(down.data, inputs.down.squares, down.rows)
          : neuronScores(gate.data, up.data, down.data, gate.rows, gate.columns);
      const keep = keepNeurons(scores, neuronShare ?? 0);
      removeNeurons(weights, keep);
      if (inputs) inputs.down = selectInputs(inputs.down, keep);
    }
    if (recipe.smooth && inputs) {
      const by = smoothLayer(weights, inputs);
      smoothed.set(index, by);
      for (const { input } of MIGRATIONS) inputs[input] = smoothStatistics(inputs[input], by[input]);
    }
    return GROUPS.map((group) => {
      const linears: readonly LinearName[] = INPUT_GROUPS[group];
      return {
        matrices: linears.map((linear) => ({ linear, data: weights[linear].data, rows: weights[linear].rows })),
        columns: weights[linears[0] as LinearName].columns,
        recipes: linears.map(choose),
        statistics: inputs?.[group] ?? null,
        // Smoothing divides what `up` gives, and with outputs left out their sum is another.
        outputSquares: own
          ? linears.map((l) =>
              (recipe.smooth && l === 'up_proj') || weights[l].rows !== shapeOf(names.linear(source, l))[0]
                ? null
                : own.outputSquares[l],
            )
          : null,
      };
    });
  };
  /** A norm's weight, divided by what its readers were multiplied by. */
  const smoothNorm = async (name: string, data: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> => {
    for (let index = 0; index < kept.length; index++)
      for (const { input, from } of MIGRATIONS)
        if (from !== 'up_proj' && names[from](index) === name) {
          // A layer from the cache was not smoothed here: its factors are found again.
          if (!smoothed.has(index)) await jobsOf(index, choiceOf(index));
          const by = smoothed.get(index)?.[input];
          return data.map((v, i) => v / (by?.[i] ?? 1));
        }
    return data;
  };
  /** A bias of queries, keys or values without the groups that its layer lost; other vectors as they are. */
  const keptBias = async (name: string, data: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> => {
    const { layer, vector } = placeOf(name);
    const staying = layer !== null && vector && VECTORS[vector].kind === 'bias' ? await groupsOf(layer) : null;
    if (!staying) return data;
    const features = groupFeatures(staying, data.length / config.kvHeads);
    return Float32Array.from(features, (i) => data[i] as number);
  };
  const uniform = linearRecipe(recipe);
  let choiceOf = (_index: number) => (_linear: LinearName) => uniform;
  let ahead: { index: number; jobs: Promise<GroupJob[]> } | null = null;
  const make = async (
    index: number,
    choose: (linear: LinearName) => LinearRecipe,
    readAhead: boolean,
  ): Promise<MadeLayer> => {
    const jobs = await (ahead?.index === index ? ahead.jobs : jobsOf(index, choose));
    ahead = null;
    if (o.signal?.aborted)
      throw new JoulewiseError('cancelled', 'Stopped while compressing. Finished layers are kept.');
    const running = Promise.all(jobs.map((job) => o.solver.run(job)));
    // The next layer is read while this one is solved elsewhere: two layers in float32, not one.
    if (readAhead && index + 1 < kept.length) {
      ahead = { index: index + 1, jobs: jobsOf(index + 1, choiceOf(index + 1)) };
      ahead.jobs.catch(() => undefined);
    }
    const results = await running;
    const tensors = {} as Record<LinearName, StoredTensor>;
    const made: LinearReport[] = [];
    for (const result of results)
      result.tensors.forEach((t, i) => {
        const report = result.reports[i] as GroupResult['reports'][number];
        tensors[report.linear] = t;
        made.push({ ...report, recipe: formatLinear(choose(report.linear)) });
      });
    return { tensors, reports: made };
  };
  const plan =
    recipe.budget === null
      ? null
      : await planMixed({
          budget: recipe.budget,
          layers: kept.length,
          prices: pricesOf(recipe, o.target ?? null, {
            config: smaller,
            vectorValues: vectorValues(checkpoint, kept),
          }),
          sparse: o.target?.sparse ?? false,
          make: (layer, candidate) => make(layer, () => candidate, false),
        });
  choiceOf = (index: number) => (linear: LinearName) => plan?.[index]?.[linear] ?? uniform;

  return {
    recipe,
    config: smaller,
    ffnSizes: kept.map(() => keptNeurons),
    reports: () => reports,
    recipeOf: (index, linear) => choiceOf(index)(linear),
    async layer(index) {
      const cached = (await o.cache?.read(index)) ?? null;
      const made = cached ?? (await make(index, choiceOf(index), statistics !== null));
      if (!cached) await o.cache?.write(index, made);
      for (const linear of LINEARS) counted(names.linear(index, linear), made.tensors[linear], true);
      for (const report of made.reports) {
        const line = { layer: index, ...report, packed: o.packed?.(made.tensors[report.linear]) ?? null };
        if (!reports.some((r) => r.layer === index && r.linear === report.linear)) reports.push(line);
        o.onLinear?.(line);
      }
      return made.tensors;
    },
    async embedding() {
      const [rows, columns] = shapeOf(names.embedding);
      return counted(names.embedding, outer.store(await checkpoint.read(names.embedding), rows, columns), false);
    },
    async head() {
      if (config.tiedEmbeddings) return null;
      const [rows, columns] = shapeOf(names.head);
      return counted(names.head, outer.store(await checkpoint.read(names.head), rows, columns), false);
    },
    async vector(name) {
      const whole = await checkpoint.read(inLayer(name, (layer) => kept[layer] as number));
      const data = await keptBias(name, whole);
      if (!made.has(name)) {
        made.add(name);
        count.parameters += data.length;
        count.storedBytes += data.byteLength;
      }
      return recipe.smooth ? smoothNorm(name, data) : data;
    },
    counted: () => ({
      recipe: formatRecipe(recipe),
      ...count,
      removedNeurons: (config.intermediateSize - keptNeurons) * kept.length,
      removedLayers: config.layers - kept.length,
      removedGroups: (config.kvHeads - keptGroups) * kept.length,
    }),
  };
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

import type { Checkpoint } from '../checkpoint/checkpoint';
import type { ModelConfig } from '../checkpoint/config';
import { LINEARS, names, type LinearName } from '../checkpoint/families';
import { JoulewiseError, quote } from '../core/errors';
import type { Compression } from '../schema/run';
import { countZeros, PRECISIONS, storedBytes, type StoredTensor } from './precisions';
import { keepNeurons, neuronScores, PRUNERS } from './pruners';
import { formatRecipe, type Recipe } from './recipe';

/** A checkpoint under a recipe: the same model, smaller shapes, stored tensors; made layer by layer on demand. */
export interface CompressedModel {
  recipe: Recipe;
  /** The checkpoint's config with the layers that remain. */
  config: ModelConfig;
  /** FFN neurons of each remaining layer. */
  ffnSizes: readonly number[];
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

/** Decides structure (which layers, how many neurons) now; weights are read, pruned and stored when asked for. */
export async function compressCheckpoint(checkpoint: Checkpoint, recipe: Recipe): Promise<CompressedModel> {
  const { config } = checkpoint;
  const share = (kind: 'layers' | 'neurons') =>
    recipe.prunings.find((p) => PRUNERS[p.pruner].kind === kind)?.share ?? null;
  const layersShare = share('layers');
  const kept =
    layersShare === null
      ? Array.from({ length: config.layers }, (_, i) => i)
      : keptLayers(await layerInfluence(checkpoint), layersShare);
  if (layersShare !== null && kept.length === config.layers)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} removes no layer of a model with ${config.layers}; ask for a larger share.`,
    );
  const neuronShare = share('neurons');
  const keptNeurons =
    neuronShare === null
      ? config.intermediateSize
      : keepNeurons(new Float64Array(config.intermediateSize), neuronShare).length;
  if (neuronShare !== null && keptNeurons === config.intermediateSize)
    throw new JoulewiseError(
      'recipe.impossible',
      `Recipe ${quote(formatRecipe(recipe))} removes no neuron of ${config.intermediateSize}; ask for a larger share.`,
    );
  const mask = recipe.prunings
    .map((p) => ({ row: PRUNERS[p.pruner], share: p.share }))
    .find((p) => p.row.kind === 'mask');
  const precision = PRECISIONS[recipe.precision];
  const outer = PRECISIONS[precision.outer];

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
  const shapeOf = (name: string) => checkpoint.tensors.get(name)?.shape as readonly [number, number];

  return {
    recipe,
    config: { ...config, layers: kept.length },
    ffnSizes: kept.map(() => keptNeurons),
    async layer(index) {
      const source = kept[index] as number;
      const weights = {} as Record<LinearName, { data: Float32Array; rows: number; columns: number }>;
      for (const linear of LINEARS) {
        const name = names.linear(source, linear);
        const [rows, columns] = shapeOf(name);
        weights[linear] = { data: await checkpoint.read(name), rows, columns };
      }
      if (neuronShare !== null) removeNeurons(weights, neuronShare);
      const out = {} as Record<LinearName, StoredTensor>;
      for (const linear of LINEARS) {
        const { data, rows, columns } = weights[linear];
        if (mask?.row.kind === 'mask') mask.row.apply(data, rows, columns, mask.share);
        out[linear] = counted(names.linear(index, linear), precision.store(data, rows, columns), true);
      }
      return out;
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
      const data = await checkpoint.read(
        name.replace(/^model\.layers\.(\d+)\./, (_, i: string) => `model.layers.${kept[Number(i)]}.`),
      );
      if (!made.has(name)) {
        made.add(name);
        count.parameters += data.length;
        count.storedBytes += data.byteLength;
      }
      return data;
    },
    counted: () => ({
      recipe: formatRecipe(recipe),
      ...count,
      removedNeurons: (config.intermediateSize - keptNeurons) * kept.length,
      removedLayers: config.layers - kept.length,
    }),
  };
}

function keptLayers(influence: readonly number[], share: number): number[] {
  const row = PRUNERS.layers;
  return row.kind === 'layers' ? row.keep(influence, share) : [];
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

/** Drops the same neurons from gate, up (rows) and down (columns). */
function removeNeurons(
  weights: Record<LinearName, { data: Float32Array; rows: number; columns: number }>,
  share: number,
): void {
  const { gate_proj: gate, up_proj: up, down_proj: down } = weights;
  const row = PRUNERS.ffn;
  if (row.kind !== 'neurons') return;
  const keep = row.keep(neuronScores(gate.data, up.data, down.data, gate.rows, gate.columns), share);
  for (const w of [gate, up]) {
    const data = new Float32Array(keep.length * w.columns);
    keep.forEach((from, to) => data.set(w.data.subarray(from * w.columns, (from + 1) * w.columns), to * w.columns));
    w.data = data;
    w.rows = keep.length;
  }
  const data = new Float32Array(down.rows * keep.length);
  for (let r = 0; r < down.rows; r++)
    for (let i = 0; i < keep.length; i++)
      data[r * keep.length + i] = down.data[r * down.columns + (keep[i] as number)] as number;
  down.data = data;
  down.columns = keep.length;
}

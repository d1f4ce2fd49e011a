import type { BlockWeights } from '../block/float32';
import { LINEARS, names, readVectors, type BlockVectors, type LinearName } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { bytesOf, dequantize, sliceRows, type StoredTensor } from '../tensor/stored';

/** A model whose weights stay as they are: as a recipe stores them, made float32 where they are used. */
export interface Frozen {
  config: ModelConfig;
  /** FFN neurons of each layer. */
  ffnSizes: readonly number[];
  layers: readonly { linear: Readonly<Record<LinearName, StoredTensor>>; vectors: BlockVectors }[];
  /** [vocabulary, hidden]. */
  embedding: StoredTensor;
  /** The output projection; null where it is the embedding. */
  head: StoredTensor | null;
  finalNorm: Float32Array<ArrayBuffer>;
}

/** What compression makes, as far as a frozen model is read from it (compress/compress.ts: CompressedModel). */
interface Made {
  config: ModelConfig;
  ffnSizes: readonly number[];
  layer(index: number): Promise<Record<LinearName, StoredTensor>>;
  embedding(): Promise<StoredTensor>;
  head(): Promise<StoredTensor | null>;
  vector(name: string): Promise<Float32Array>;
}

const alone = (x: Float32Array) => new Float32Array(x);

/** Reads all of a model, layer by layer. */
export async function freeze(made: Made, onLayer?: (done: number, of: number) => void): Promise<Frozen> {
  const { config, ffnSizes } = made;
  const layers: Frozen['layers'][number][] = [];
  for (let i = 0; i < config.layers; i++) {
    layers.push({
      linear: await made.layer(i),
      vectors: await readVectors(config, i, async (n) => alone(await made.vector(n))),
    });
    onLayer?.(i + 1, config.layers);
  }
  return {
    config,
    ffnSizes,
    layers,
    embedding: await made.embedding(),
    head: await made.head(),
    finalNorm: alone(await made.vector(names.finalNorm)),
  };
}

/** Weights of one block in float32, exactly the numbers that kernels compute with. */
export function blockOf({ layers }: Pick<Frozen, 'layers'>, layer: number): BlockWeights {
  const { linear, vectors } = layers[layer] as Frozen['layers'][number];
  const made = {} as Record<LinearName, Float32Array<ArrayBuffer>>;
  for (const name of LINEARS) made[name] = dequantize(linear[name]) as Float32Array<ArrayBuffer>;
  return { linear: made, vectors };
}

/** Rows of a stored matrix in float32, [rows, columns]. */
export const rowsAt = (t: StoredTensor, from: number, to: number) =>
  dequantize(sliceRows(t, from, to)) as Float32Array<ArrayBuffer>;

/** Bytes of the weights as they are held. */
export function frozenBytes({ layers, embedding, head }: Pick<Frozen, 'layers' | 'embedding' | 'head'>): number {
  const of = (t: StoredTensor) => bytesOf(t.data).byteLength + (t.format === 'blocks' ? t.scales.byteLength : 0);
  const blocks = layers.reduce((n, { linear }) => n + LINEARS.reduce((m, l) => m + of(linear[l]), 0), 0);
  return blocks + of(embedding) + (head ? of(head) : 0);
}

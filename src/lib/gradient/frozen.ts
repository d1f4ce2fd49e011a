import { putVectors, type BlockSource } from '../block/float32';
import type { LaidLinear } from '../block/products';
import { LINEARS, names, readVectors, type BlockVectors, type LinearName } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { describe, type Matrix, type Stored } from '../matrix/matrix';
import { BLOCK, type StoredTensor } from '../tensor/stored';

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

/** Copies a stored matrix as it is: a thread keeps the bytes that inference keeps. */
export const lay = (m: Matrix, t: StoredTensor): Stored => ({
  form: t.format === 'blocks' ? (t.bits === 8 ? 'int8' : 'int4') : t.format,
  rows: t.rows,
  columns: t.columns,
  data: m.put(t.data),
  scales: t.format === 'blocks' ? m.put(t.scales) : 0,
});

/** Rows from..to of a stored matrix, without copying weights. */
export function rowsOfStored(t: Stored, from: number, to: number): Stored {
  const { form, columns } = t;
  const blocks = Math.ceil(columns / BLOCK);
  const rowBytes = { fp32: columns * 4, fp16: columns * 2, int8: blocks * BLOCK, int4: (blocks * BLOCK) / 2 }[form];
  return {
    ...t,
    rows: to - from,
    data: t.data + from * rowBytes,
    scales: t.scales && t.scales + from * blocks * 4,
  };
}

/** Rows from..to in float32, exactly the numbers that kernels compute with: an address, in fresh memory unless they are stored so. */
export function unpack(m: Matrix, t: Stored, from = 0, to = t.rows): number {
  const { form, rows, columns, data, scales } = rowsOfStored(t, from, to);
  if (form === 'fp32') return data;
  const out = m.take(rows * columns * 4);
  if (form === 'fp16') m.k.unpackHalves(data, rows * columns, out);
  else m.k[form === 'int8' ? 'unpackBytes' : 'unpackNibbles'](data, scales, rows, columns, out);
  return out;
}

/**
 * How products with frozen weights are computed: in float32, or those of weights in blocks of 8 and 4 bits in whole numbers
 * (src/matrix/levels.ts), activations and gradients rounded to 8 bits in blocks of 32. All else is float32 either way.
 */
export type Arithmetic = 'int8' | 'fp32';

/** The faster arithmetic for a model: int8 where linear layers are stored in blocks. */
export const arithmeticOf = ({ layers }: Pick<Frozen, 'layers'>): Arithmetic =>
  layers.some(({ linear }) => LINEARS.some((l) => linear[l].format === 'blocks')) ? 'int8' : 'fp32';

/** What a model is, without its weights. */
export type ModelShape = Pick<Frozen, 'config' | 'ffnSizes'>;

/** A model in a matrix's memory. */
export interface LaidModel {
  blocks: readonly BlockSource[];
  embedding: Stored;
  head: Stored;
  /** Address of the last norm's weight, float32. */
  finalNorm: number;
}

export function layModel(m: Matrix, { layers, embedding, head, finalNorm }: Frozen, arithmetic: Arithmetic): LaidModel {
  const put = (t: StoredTensor): LaidLinear => ({
    at: describe(m, lay(m, t)),
    levels: arithmetic === 'int8' && t.format === 'blocks',
  });
  const blocks = layers.map(({ linear, vectors }) => ({
    linear: Object.fromEntries(LINEARS.map((l) => [l, put(linear[l])])) as Record<LinearName, LaidLinear>,
    vectors: putVectors(m, vectors),
  }));
  const own = lay(m, embedding);
  return { blocks, embedding: own, head: head ? lay(m, head) : own, finalNorm: m.put(finalNorm) };
}

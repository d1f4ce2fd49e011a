import type { Checkpoint } from '../checkpoint/checkpoint';
import {
  type LinearName,
  LINEARS,
  linearShapes,
  names,
  ropeFrequencies,
  rotatedHeads,
  vectorSize,
  vectorsOf,
} from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { FAMILIES, type Family } from '../checkpoint/families';
import { ggufName, ROPE_FACTORS } from '../checkpoint/gguf';
import { ggufHeader, openGgufWriter, type GgufField, type GgufTensorPlan } from '../checkpoint/gguf-write';
import { ropeToGguf } from '../checkpoint/rope';
import { STORAGE, type StorageType } from '../checkpoint/storage';
import { tokenizerToGguf } from '../checkpoint/tokenizer-to-gguf';
import { BLOCK, bytesOf, dequantize, type StoredTensor } from '../tensor/stored';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { formatRecipe, type Recipe } from '../compress/recipe';
import { halfTable, toHalf } from '../core/half';
import { JoulewiseError, quote } from '../core/errors';
import type { Compression } from '../schema/run';
import { withCompressed, type CompressVariantOptions } from '../variant/compress';
import type { ExportTarget } from './onnx';
import { smallerShape } from '../compress/shape';

/** The storage type of each precision, and what `general.file_type` calls a file of it (llama.h: llama_ftype). */
const TYPES: Readonly<Record<PrecisionName, { storage: StorageType; fileType: number }>> = {
  fp32: { storage: 'F32', fileType: 0 },
  fp16: { storage: 'F16', fileType: 1 },
  int8: { storage: 'Q8_0', fileType: 7 },
  int4: { storage: 'Q4_0', fileType: 2 },
};

export interface GgufReport {
  compression: Omit<Compression, 'computedBytes'>;
  /** Name of the file, and its length in bytes. */
  file: string;
  bytes: number;
  /** What the file says differently than the variant, in sentences; none = weights read back are equal. */
  notes: readonly string[];
}

/** A variant's shapes and types, before a weight is read. */
export interface GgufShape {
  config: ModelConfig;
  /** FFN neurons of each layer. */
  ffnSizes: readonly number[];
  precisionOf: (layer: number, linear: LinearName) => PrecisionName;
  outer: PrecisionName;
}

/** Rows must be made of whole blocks; those that are not stay whole numbers of float32, which lose nothing. */
const storageOf = (precision: PrecisionName, columns: number): StorageType => {
  const { storage } = TYPES[precision];
  return columns % STORAGE[storage].block === 0 ? storage : 'F32';
};

/** Every tensor of the file, in the order in which they are written: a layer's linear weights, then its vectors. */
export function ggufTensors({ config, ffnSizes, precisionOf, outer }: GgufShape): GgufTensorPlan[] {
  const { vocabSize, hiddenSize } = config;
  const vectors = vectorsOf(config);
  const plan = (name: string, shape: readonly number[], storage: StorageType) => ({
    name: ggufName(name),
    shape,
    storage,
  });
  const vector = (name: string, size: number) => plan(name, [size], 'F32');
  const matrix = (name: string) => plan(name, [vocabSize, hiddenSize], storageOf(outer, hiddenSize));
  const out: GgufTensorPlan[] = [matrix(names.embedding)];
  for (let layer = 0; layer < config.layers; layer++) {
    const shapes = linearShapes(config, ffnSizes[layer] as number);
    for (const linear of LINEARS)
      out.push(
        plan(names.linear(layer, linear), shapes[linear], storageOf(precisionOf(layer, linear), shapes[linear][1])),
      );
    for (const v of vectors) out.push(vector(names.vector(layer, v), vectorSize(v, config)));
  }
  out.push(vector(names.finalNorm, hiddenSize));
  if (!config.tiedEmbeddings) out.push(matrix(names.head));
  if (ropeToGguf(config.ropeScaling)?.factors)
    out.push({ name: ROPE_FACTORS, shape: [config.headDim / 2], storage: 'F32' });
  return out;
}

/** All metadata of the file; `fileType` by what most weights are. Throws, in a sentence, where GGUF cannot hold the model. */
export function ggufMetadata(
  { config, ffnSizes, outer }: GgufShape,
  o: { name: string; recipe: string; precision: PrecisionName; tokenizer: ReadonlyMap<string, GgufField> },
): Map<string, GgufField> {
  const family = FAMILIES.find((f) => f.name === config.family) as Family;
  // Families without a name of their own go by Llama's, whose graph they share.
  const architecture = family.gguf ?? 'llama';
  const ffn = ffnSizes[0] ?? config.intermediateSize;
  if (ffnSizes.some((n) => n !== ffn))
    throw new JoulewiseError(
      'recipe.impossible',
      'GGUF holds one feed-forward size for all layers, and the layers of this variant differ. Export it as ONNX.',
    );
  const rope = ropeToGguf(config.ropeScaling);
  if (!rope)
    throw new JoulewiseError(
      'recipe.impossible',
      'GGUF has no way to say how this model scales its rope. Export it as ONNX.',
    );
  if (rope.factors && architecture !== 'llama')
    throw new JoulewiseError(
      'recipe.impossible',
      `GGUF holds scaled rope frequencies for Llama models only, and this is a ${family.name} model. Export it as ONNX.`,
    );
  const u32 = (value: number): GgufField => ({ type: 'u32', value });
  const f32 = (value: number): GgufField => ({ type: 'f32', value });
  const text = (value: string): GgufField => ({ type: 'string', value });
  const own: Record<string, GgufField> = {
    block_count: u32(config.layers),
    context_length: u32(config.maxPositions),
    embedding_length: u32(config.hiddenSize),
    feed_forward_length: u32(ffn),
    'attention.head_count': u32(config.heads),
    'attention.head_count_kv': u32(config.kvHeads),
    'attention.key_length': u32(config.headDim),
    'attention.value_length': u32(config.headDim),
    'attention.layer_norm_rms_epsilon': f32(config.normEpsilon),
    'rope.dimension_count': u32(config.headDim),
    'rope.freq_base': f32(config.ropeTheta),
    ...Object.fromEntries(
      Object.entries(rope.keys).map(([key, value]) => [
        key,
        typeof value === 'string' ? text(value) : key.endsWith('_length') ? u32(value) : f32(value),
      ]),
    ),
    vocab_size: u32(config.vocabSize),
  };
  return new Map<string, GgufField>([
    ['general.architecture', text(architecture)],
    ['general.type', text('model')],
    ['general.name', text(o.name)],
    ['general.description', text(`${o.name}, ${o.recipe}, by Joulewise`)],
    ['general.file_type', u32(TYPES[o.precision].fileType)],
    ...(TYPES[outer].storage === 'Q8_0' ? [['general.quantization_version', u32(2)] as const] : []),
    ['joulewise.recipe', text(o.recipe)],
    ...Object.entries(own).map(([key, field]) => [`${architecture}.${key}`, field] as const),
    ...o.tokenizer,
  ]);
}

/** What a file's tokenizer fields are, and what they cannot say: as they were where the source has them. */
export async function ggufTokenizerOf(checkpoint: Checkpoint) {
  const { config } = checkpoint;
  return checkpoint.ggufTokenizer
    ? { fields: await checkpoint.ggufTokenizer(), notes: [] }
    : tokenizerToGguf(checkpoint.tokenizer, config.vocabSize, { bos: config.bosTokenId, eos: config.eosTokenIds });
}

/**
 * Length of the whole file in bytes, before a weight is read. What a budget chose is known by the bytes that it stored
 * when it was measured (`storedBytes`); without them its linear layers count as 8 bits.
 */
export async function ggufBytes(
  checkpoint: Checkpoint,
  recipe: Recipe,
  storedBytes: number | null = null,
): Promise<number> {
  const shape = shapeBefore(checkpoint, recipe);
  const metadata = ggufMetadata(shape, {
    name: checkpoint.name,
    recipe: formatRecipe(recipe),
    precision: recipe.precision,
    tokenizer: (await ggufTokenizerOf(checkpoint)).fields,
  });
  return ggufHeader(metadata, ggufTensors(shape)).byteLength - savedByBudget(checkpoint, recipe, storedBytes);
}

const shapeBefore = (checkpoint: Checkpoint, recipe: Recipe): GgufShape => ({
  ...smallerShape(checkpoint.config, recipe),
  precisionOf: () => recipe.precision,
  outer: PRECISIONS[recipe.precision].outer,
});

/** Bytes that a budget's 4-bit layers take less than 8 bits would: half of a block's weights, in every format alike. */
export function savedByBudget(checkpoint: Checkpoint, recipe: Recipe, storedBytes: number | null): number {
  if (recipe.budget === null || storedBytes === null) return 0;
  const scale = 4;
  const at8Bits = ggufTensors(shapeBefore(checkpoint, recipe)).reduce((sum, { name, shape }) => {
    const [rows, columns] = shape as readonly [number, number?];
    if (name === ROPE_FACTORS) return sum;
    return sum + (columns === undefined ? 4 * rows : rows * Math.ceil(columns / BLOCK) * (BLOCK + scale));
  }, 0);
  return at8Bits - storedBytes;
}

/** Writes a variant as one GGUF file, `<id>.gguf`, streamed layer by layer. */
export async function exportGguf(
  checkpoint: Checkpoint,
  recipe: Recipe,
  target: ExportTarget,
  o: CompressVariantOptions & { id: string; onProgress?: (done: number, of: number) => void },
): Promise<GgufReport> {
  return withCompressed(checkpoint, recipe, o, async (model) => {
    const { config } = model;
    const tokenizer = await ggufTokenizerOf(checkpoint);
    const shape: GgufShape = {
      config,
      ffnSizes: model.ffnSizes,
      precisionOf: (layer, linear) => model.recipeOf(layer, linear).precision,
      outer: PRECISIONS[recipe.precision].outer,
    };
    const tensors = ggufTensors(shape);
    const metadata = ggufMetadata(shape, {
      name: checkpoint.name,
      recipe: formatRecipe(recipe),
      precision: recipe.precision,
      tokenizer: tokenizer.fields,
    });
    const storage = new Map(tensors.map((t) => [t.name, t.storage]));
    const file = `${o.id}.gguf`;
    const writer = await openGgufWriter(await target.open(file), metadata, tensors);
    const rounding: Rounding = { scales: 0, of: 0, moved: 0 };
    const matrix = async (name: string, t: StoredTensor) => {
      const gguf = ggufName(name);
      await writer.tensor(
        gguf,
        encodeTensor(name, t, storage.get(gguf) as StorageType, rowOrder(config, name), rounding),
      );
    };
    const vector = async (name: string) => {
      const data = await model.vector(name);
      await writer.tensor(ggufName(name), bytesOf(orderRows(data, data.length, 1, rowOrder(config, name))));
    };
    const steps = config.layers + 2;
    let done = 0;
    const step = () => {
      if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'Stopped while writing the file.');
      o.onProgress?.(++done, steps);
    };
    await matrix(names.embedding, await model.embedding());
    step();
    const vectors = vectorsOf(config);
    for (let layer = 0; layer < config.layers; layer++) {
      const stored = await o.inPhase('compress', () => model.layer(layer));
      for (const linear of LINEARS) await matrix(names.linear(layer, linear), stored[linear]);
      for (const v of vectors) await vector(names.vector(layer, v));
      step();
    }
    await vector(names.finalNorm);
    const head = await model.head();
    if (head) await matrix(names.head, head);
    if (ropeToGguf(config.ropeScaling)?.factors) await writer.tensor(ROPE_FACTORS, bytesOf(ropeFactors(config)));
    await writer.close();
    step();
    return {
      compression: model.counted(),
      file,
      bytes: writer.byteLength,
      notes: [...tokenizer.notes, ...notesOf(recipe, tensors, shape, rounding)],
    };
  });
}

/** Scales of blocks that half precision does not hold exactly: how many, of how many, and what that does to weights. */
interface Rounding {
  scales: number;
  of: number;
  /** Largest change of a weight, as a share of its matrix's largest. */
  moved: number;
}

/** The smallest number that half precision holds with all its digits. */
const SMALLEST_NORMAL = 2 ** -14;

/** Half-precision bits of a block's scale. Small ones are rounded away from zero, so that no level runs out of its bits. */
function halfScale(scale: number): number {
  const half = toHalf(scale);
  const kept = halfTable()[half] as number;
  return Math.abs(scale) < SMALLEST_NORMAL && Math.abs(kept) < Math.abs(scale) ? half + 1 : half;
}

function notesOf(recipe: Recipe, tensors: readonly GgufTensorPlan[], shape: GgufShape, r: Rounding): string[] {
  const notes: string[] = [];
  if (r.scales > 0)
    notes.push(
      `GGUF keeps the scale of a block of ${BLOCK} weights in half precision: ${r.scales} of ${r.of} scales were rounded, and no weight moved by more than ${(r.moved * 100).toPrecision(2)} % of its matrix's largest.`,
    );
  const blocks = TYPES[shape.outer].storage === 'Q8_0';
  const whole = tensors.filter((t) => t.shape.length === 2 && t.storage === 'F32').length;
  if (blocks && whole > 0)
    notes.push(`${whole} matrices whose rows are not made of whole blocks of ${BLOCK} are stored as F32.`);
  if (recipe.kv8)
    notes.push(
      'GGUF says nothing of the cache: start llama.cpp with -ctk q8_0 -ctv q8_0 for keys and values in 8 bits.',
    );
  return notes;
}

/** Divisors of rope's frequencies, [headDim / 2]. */
function ropeFactors(config: ModelConfig): Float32Array<ArrayBuffer> {
  const plain = ropeFrequencies({ ...config, ropeScaling: null });
  return Float32Array.from(ropeFrequencies(config), (f, i) => (plain[i] as number) / f);
}

/** Heads whose rows llama.cpp interleaves for its rope (tensors.ts undoes it), or null where rows stay in place. */
function rowOrder(config: ModelConfig, name: string): number | null {
  const family = FAMILIES.find((f) => f.name === config.family);
  return family?.ggufPermutesQK ? rotatedHeads(name, config) : null;
}

/** The row of ours that lies at `row` of the file: row (head, pair i, half t) there is (head, half t, pair i) here. */
function sourceRow(row: number, rows: number, heads: number | null): number {
  if (heads === null) return row;
  const dim = rows / heads;
  const at = row % dim;
  return row - at + (at % 2) * (dim / 2) + (at >> 1);
}

/** A stored tensor as the bytes of its storage type, rows in the file's order. */
export function encodeTensor(
  name: string,
  t: StoredTensor,
  storage: StorageType,
  heads: number | null,
  rounding: Rounding,
): Uint8Array<ArrayBuffer> {
  if (t.format !== 'blocks' || storage === 'F32') {
    const data = storage === 'F32' ? dequantize(t) : t.format === 'fp16' ? t.data : null;
    if (!data) throw new JoulewiseError('internal', `Tensor ${quote(name)} is ${t.format}, not ${storage}.`);
    return bytesOf(orderRows(data, t.rows, t.columns, heads));
  }
  const { rows, columns, data, scales, bits } = t;
  const { bytes } = STORAGE[storage];
  const blocks = columns / BLOCK;
  const table = halfTable();
  const out = new Uint8Array(rows * blocks * bytes);
  const zero = 1 << (bits - 1);
  const from = new Int16Array(BLOCK);
  let largest = 0;
  let moved = 0;
  for (let row = 0, at = 0; row < rows; row++) {
    const source = sourceRow(row, rows, heads) * blocks;
    for (let b = source; b < source + blocks; b++, at += bytes) {
      for (let i = 0; i < BLOCK; i++) {
        const byte = data[bits === 8 ? b * BLOCK + i : b * (BLOCK / 2) + (i >> 1)] as number;
        from[i] = (bits === 8 ? byte : i & 1 ? byte >> 4 : byte & 15) - zero;
      }
      const scale = scales[b] as number;
      const half = halfScale(scale);
      const kept = table[half] as number;
      if (!Number.isFinite(kept))
        throw new JoulewiseError(
          'recipe.impossible',
          `Weights of ${quote(name)} are larger than GGUF's 8 and 4 bits hold. Export fp32, or ONNX.`,
        );
      rounding.of++;
      largest = Math.max(largest, Math.abs(scale) * zero);
      if (kept !== scale) {
        rounding.scales++;
        // Levels move only where a scale is so small that half precision holds few digits of it.
        for (let i = 0; i < BLOCK; i++) {
          const was = (from[i] as number) * scale;
          const level = Math.max(-zero, Math.min(zero - 1, Math.round(was / kept)));
          moved = Math.max(moved, Math.abs(level * kept - was));
          from[i] = level;
        }
      }
      out[at] = half & 255;
      out[at + 1] = half >> 8;
      if (bits === 8) for (let i = 0; i < BLOCK; i++) out[at + 2 + i] = from[i] as number;
      else
        for (let i = 0; i < BLOCK / 2; i++)
          out[at + 2 + i] = ((from[i] as number) + zero) | (((from[i + BLOCK / 2] as number) + zero) << 4);
    }
  }
  if (moved > 0) rounding.moved = Math.max(rounding.moved, moved / largest);
  return out;
}

/** Rows in the file's order; the same array where none moves. */
function orderRows<T extends Float32Array | Uint16Array>(
  data: T,
  rows: number,
  columns: number,
  heads: number | null,
): T {
  if (heads === null) return data;
  const out = data.slice() as T;
  for (let row = 0; row < rows; row++) {
    const from = sourceRow(row, rows, heads) * columns;
    out.set(data.subarray(from, from + columns), row * columns);
  }
  return out;
}

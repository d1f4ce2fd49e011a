import { LINEARS, linearShapes } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError, quote } from '../core/errors';
import { byteSize, type Graph } from '../graph/graph';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { BLOCK } from '../tensor/stored';
import type { LoraOptions } from '../tune/lora';

/** What WebAssembly holds, and what the runtime itself takes of it, bytes. */
const MOST_BYTES = 2 ** 32;
const BESIDE_BYTES = 128 * 2 ** 20;
/** Share of a device's memory that a training may take, and memory where a device does not say. */
const MEMORY_SHARE = 0.5;
const UNKNOWN_MEMORY_BYTES = 8 * 2 ** 30;

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Bytes of a weight in the graph: 16 bits are computed as 32, blocks stay as they are stored, with scales and zero points. */
const bytesOf = (precision: PrecisionName) => {
  const { bits } = PRECISIONS[precision];
  return bits >= 16 ? 4 : bits / 8 + (4 + bits / 8) / BLOCK;
};

/**
 * Bytes that a step in a graph holds, about: weights, what is kept for the way back of `rows` rows (outputs of products,
 * their norms and turned copies, scores of every row by every other), logits three times, the adapter with its moments.
 */
export function stepBytes(config: ModelConfig, precision: PrecisionName, rows: number, rank: number): number {
  const { hiddenSize: hidden, layers, heads, vocabSize, tiedEmbeddings } = config;
  const shapes = linearShapes(config, config.intermediateSize);
  const linear = LINEARS.reduce((n, l) => n + shapes[l][0] * shapes[l][1], 0);
  const outer = (tiedEmbeddings ? 1 : 2) * vocabSize * hidden;
  const weights = layers * linear * bytesOf(precision) + outer * bytesOf(PRECISIONS[precision].outer);
  // Head and gradient in float32 at once, where they are stored in blocks.
  const unpacked = PRECISIONS[precision].bits < 16 ? 2 * 4 * vocabSize * hidden : 0;
  const attention = 3 * (shapes.q_proj[0] + 2 * shapes.k_proj[0]) + 2 * heads * rows;
  const kept = layers * rows * (8 * hidden + attention + 5 * config.intermediateSize) * 4;
  const thin = LINEARS.reduce((n, l) => n + shapes[l][0] + shapes[l][1], 0);
  return weights + unpacked + kept + 3 * rows * vocabSize * 4 + 10 * 4 * layers * rank * thin + BESIDE_BYTES;
}

/** What is asked of a training, as far as an engine of graphs may refuse it. */
export interface AskedStep {
  lora: LoraOptions | null;
  arithmetic?: string | null;
  rows: number;
}

/**
 * Throws for what is not trained in a graph, before a weight is read: `recipe.impossible` for all weights and for int8
 * arithmetic; `engine.memory` where `memoryGiB` (as the browser tells it; null where it does not, or it is a GPU's) or
 * WebAssembly is too small.
 */
export function checkAsked(
  engine: string,
  config: ModelConfig,
  { precision }: { precision: PrecisionName },
  { lora, arithmetic = null, rows }: AskedStep,
  memoryGiB: number | null,
): void {
  if (lora === null)
    throw new JoulewiseError(
      'recipe.impossible',
      `The engine ${quote(engine)} trains adapters alone. Train all weights on the engine "cpu" (--engine cpu), or leave --full away.`,
    );
  if (arithmetic === 'int8')
    throw new JoulewiseError(
      'recipe.impossible',
      `The engine ${quote(engine)} computes in float32 alone. Leave --arithmetic int8 away, or train on the engine "cpu".`,
    );
  const all = Math.min(MOST_BYTES, memoryGiB === null ? UNKNOWN_MEMORY_BYTES : MEMORY_SHARE * memoryGiB * 2 ** 30);
  const need = (name: PrecisionName) => stepBytes(config, name, rows, lora.rank);
  // A GPU's buffers are checked one by one where they are known; its files pass through this memory too.
  if (need(precision) <= all) return;
  const fits = (Object.keys(PRECISIONS) as PrecisionName[]).filter((name) => need(name) <= all);
  throw new JoulewiseError(
    'engine.memory',
    `A training step over ${quote(precision)} on ${quote(engine)} takes about ${gib(need(precision))}, and ${gib(all)} can be had here. ${
      fits.length
        ? `What would fit: ${fits.map((name) => `${name} (${gib(need(name))})`).join(', ')}, or the engine "cpu".`
        : 'Choose the engine "cpu", or a smaller model.'
    }`,
  );
}

/** Throws `engine.memory` where a single buffer is larger than the GPU binds. */
function checkBuffer(what: string, bytes: number, { maxBufferSize, maxStorageBufferBindingSize }: BufferLimits): void {
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (bytes > most)
    throw new JoulewiseError(
      'engine.memory',
      `${what} takes ${gib(bytes)} in one piece, and this GPU binds ${gib(most)} at most. Choose the engine "cpu", a smaller model, or fewer answers a step (--batch).`,
    );
}

export type BufferLimits = Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;

/** Checks the buffers that a graph always takes: weights as they are declared, matrices in float32, and the state. */
export function checkWeights(graph: Graph, limits: BufferLimits): void {
  for (const i of graph.initializers) {
    const packed = i.dtype === 'uint8' || i.dtype === 'uint4';
    const bytes = packed && i.name.endsWith('.q') ? byteSize({ ...i, dtype: 'float32' }) : byteSize(i);
    checkBuffer(`The matrix ${quote(i.name)}`, bytes, limits);
  }
  for (const { name, dtype, shape } of graph.inputs)
    if (shape.every((d) => typeof d === 'number'))
      checkBuffer(`The adapter's ${name}`, byteSize({ dtype, shape }), limits);
}

/** Checks the largest buffers of a pass: logits, and scores of all rows by all. */
export function checkPass(
  { vocabSize, heads }: Pick<ModelConfig, 'vocabSize' | 'heads'>,
  { rows, labelled }: { rows: number; labelled: number },
  limits: BufferLimits,
): void {
  checkBuffer(`The table of ${labelled} answer tokens by ${vocabSize} tokens`, 4 * labelled * vocabSize, limits);
  checkBuffer(`The attention of ${rows} tokens to each other`, 4 * heads * rows * rows, limits);
}

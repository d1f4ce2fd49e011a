import { LINEARS, linearShapes } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError, quote } from '../core/errors';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { BLOCK } from '../tensor/stored';

/** What WebAssembly holds, bytes. */
const MOST_BYTES = 2 ** 32;
/** Rows of logits, tables, panels, and what the thread itself takes. */
const BESIDE_BYTES = 128 * 2 ** 20;
/** Share of a device's memory that all threads of a training may take together. */
const MEMORY_SHARE = 0.5;
/** Where a device does not say what it has. */
const UNKNOWN_MEMORY_BYTES = 4 * 2 ** 30;

const bytesOf = (precision: PrecisionName) => {
  const { bits } = PRECISIONS[precision];
  return bits / 8 + (bits < 16 ? 4 / BLOCK : 0);
};

/** Weights of linear layers, and of embedding and head, before anything is pruned; norms and biases are next to nothing. */
function countsOf(config: ModelConfig): { linear: number; outer: number } {
  const shapes = linearShapes(config, config.intermediateSize);
  return {
    linear: config.layers * LINEARS.reduce((n, l) => n + shapes[l][0] * shapes[l][1], 0),
    outer: (config.tiedEmbeddings ? 1 : 2) * config.vocabSize * config.hiddenSize,
  };
}

/** Bytes of the weights as they are stored. */
function weightBytes(config: ModelConfig, precision: PrecisionName): number {
  const { linear, outer } = countsOf(config);
  return linear * bytesOf(precision) + outer * bytesOf(PRECISIONS[precision].outer);
}

/** Bytes that a pass keeps for its way back: outputs of products and what goes from block to block. */
function keptBytes(config: ModelConfig, rows: number, bytes: number): number {
  const shapes = linearShapes(config, config.intermediateSize);
  const outputs = LINEARS.reduce((n, l) => n + shapes[l][0], 0);
  return config.layers * rows * (outputs + 3 * config.hiddenSize) * bytes;
}

/**
 * Bytes that each thread of a training holds: the weights as they are stored, what a pass keeps for its way back (16 bits a
 * value over weights of 8 and 4 bits, else 32), the adapter with its gradient.
 *
 * @param rows of a pass, at most
 * @param rank of the adapter
 */
export function threadBytes(config: ModelConfig, precision: PrecisionName, rows: number, rank: number): number {
  const shapes = linearShapes(config, config.intermediateSize);
  const thin = LINEARS.reduce((n, l) => n + shapes[l][0] + shapes[l][1], 0);
  const kept = keptBytes(config, rows, PRECISIONS[precision].bits < 16 ? 2 : 4);
  const adapter = 2 * 4 * config.layers * rank * thin;
  return weightBytes(config, precision) + kept + adapter + BESIDE_BYTES;
}

/**
 * Bytes of training all weights in float32: in each thread the weights, their gradient, and what a pass of `rows` rows keeps;
 * once in the thread that steps: weights, gradient, both moments, the best weights, and a copy on its way.
 */
export function fullBytes(config: ModelConfig, rows: number): { thread: number; once: number } {
  const { linear, outer } = countsOf(config);
  const weights = 4 * (linear + outer);
  return { thread: 2 * weights + keptBytes(config, rows, 4) + BESIDE_BYTES, once: 6 * weights };
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Memory that all threads of a training may take together, bytes; `memoryGiB` as the browser tells it, null where it does not. */
const allOf = (memoryGiB: number | null) =>
  memoryGiB === null ? UNKNOWN_MEMORY_BYTES : MEMORY_SHARE * memoryGiB * 2 ** 30;

/**
 * Threads that a device's memory holds, at most `asked`. Throws `engine.memory`, with what would fit, where it holds none.
 *
 * @param memoryGiB as the browser tells it; null where it does not
 */
export function threadsThatFit(
  asked: number,
  config: ModelConfig,
  precision: PrecisionName,
  o: { rows: number; rank: number; memoryGiB: number | null },
): number {
  const need = (name: PrecisionName) => threadBytes(config, name, o.rows, o.rank);
  const all = allOf(o.memoryGiB);
  const most = Math.min(MOST_BYTES, all);
  if (need(precision) > most) {
    const fits = (Object.keys(PRECISIONS) as PrecisionName[]).filter((name) => need(name) <= most);
    throw new JoulewiseError(
      'engine.memory',
      `Training over ${quote(precision)} takes ${gib(need(precision))} in each thread, and ${gib(most)} can be had here. ${
        fits.length
          ? `What would fit: ${fits.map((name) => `${name} (${gib(need(name))})`).join(', ')}.`
          : 'No precision of it would fit; choose a smaller model.'
      }`,
    );
  }
  return Math.max(1, Math.min(asked, Math.floor(all / need(precision))));
}

/**
 * The same for training all weights. Throws `engine.memory` where one thread would not hold weights and gradients, or all
 * memory not these and two moments; it says up to how many weights would fit, and what an adapter would take.
 */
export function fullThreadsThatFit(
  asked: number,
  config: ModelConfig,
  o: { rows: number; rank: number; memoryGiB: number | null },
): number {
  const { thread, once } = fullBytes(config, o.rows);
  const all = allOf(o.memoryGiB);
  if (thread <= MOST_BYTES && thread + once <= all)
    return Math.max(1, Math.min(asked, Math.floor((all - once) / thread)));
  const { linear, outer } = countsOf(config);
  const beside = keptBytes(config, o.rows, 4) + BESIDE_BYTES;
  const fits = Math.max(0, Math.min((all - beside) / (8 * 4), (MOST_BYTES - beside) / (2 * 4)));
  const adapter = (['fp32', 'int8', 'int4'] as const).find(
    (name) => threadBytes(config, name, o.rows, o.rank) <= Math.min(all, MOST_BYTES),
  );
  const millions = (n: number) => `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} million`;
  throw new JoulewiseError(
    'engine.memory',
    `Training all ${millions(linear + outer)} weights takes ${gib(thread + once)} with their gradients and two moments, and ${gib(all)} can be had here. What would fit: a model of up to ${millions(fits)} weights${
      adapter
        ? `, or an adapter over ${adapter} of this one (${gib(threadBytes(config, adapter, o.rows, o.rank))}, without --full)`
        : ''
    }.`,
  );
}

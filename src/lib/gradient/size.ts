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

/** Bytes of the weights as they are stored, before anything is pruned. */
function weightBytes(config: ModelConfig, precision: PrecisionName): number {
  const shapes = linearShapes(config, config.intermediateSize);
  const linear = config.layers * LINEARS.reduce((n, l) => n + shapes[l][0] * shapes[l][1], 0);
  const outer = (config.tiedEmbeddings ? 1 : 2) * config.vocabSize * config.hiddenSize;
  return linear * bytesOf(precision) + outer * bytesOf(PRECISIONS[precision].outer);
}

/**
 * Bytes that each thread of a training holds: the weights as they are stored, what a pass keeps for its way back (outputs of
 * products and what goes from block to block, 16 bits each over weights of 8 and 4 bits, else 32), the adapter with its
 * gradient.
 *
 * @param rows of a pass, at most
 * @param rank of the adapter
 */
export function threadBytes(config: ModelConfig, precision: PrecisionName, rows: number, rank: number): number {
  const shapes = linearShapes(config, config.intermediateSize);
  const outputs = LINEARS.reduce((n, l) => n + shapes[l][0], 0);
  const thin = LINEARS.reduce((n, l) => n + shapes[l][0] + shapes[l][1], 0);
  const kept = config.layers * rows * (outputs + 3 * config.hiddenSize) * (PRECISIONS[precision].bits < 16 ? 2 : 4);
  const adapter = 2 * 4 * config.layers * rank * thin;
  return weightBytes(config, precision) + kept + adapter + BESIDE_BYTES;
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

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
  const all = o.memoryGiB === null ? UNKNOWN_MEMORY_BYTES : MEMORY_SHARE * o.memoryGiB * 2 ** 30;
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

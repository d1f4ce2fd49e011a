import * as L from '../../kernels/layout';
import { LINEARS, linearShapes, names } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError } from '../core/errors';
import { packedBytes, type FormatName } from './formats';
import { gib, MAX_BYTES } from './memory';

/** What a model takes in the kernels' memory, before any of it is there. */

/** How keys and values are kept. */
export type CacheFormat = 'f32' | 'int8';

/** Bytes of one layer's key-value head in a chunk; drawn in src/kernels/attention.ts and cache8.ts. */
export const CACHE_BYTES: Readonly<Record<CacheFormat, (headDim: number) => number>> = {
  f32: (headDim) => 2 * L.CHUNK * headDim * 4,
  int8: (headDim) => L.CHUNK * (headDim + Math.ceil(headDim / L.PANEL) * L.PANEL + 2 * 4),
};

/** A matrix as it lies in memory. */
export interface PackedMatrix {
  format: FormatName;
  rows: number;
  columns: number;
  bytes: number;
}

/** Every matrix of a model that is all of one format, embedding and output projection apart, before it is packed. */
export function expectedMatrices(
  config: ModelConfig,
  ffnSizes: readonly number[],
  inner: FormatName,
  outer: FormatName,
): Map<string, PackedMatrix> {
  const { hiddenSize, vocabSize } = config;
  const matrix = (format: FormatName, rows: number, columns: number): PackedMatrix => ({
    format,
    rows,
    columns,
    bytes: packedBytes(format, rows, columns),
  });
  const matrices = new Map([[names.embedding, matrix(outer, vocabSize, hiddenSize)]]);
  if (!config.tiedEmbeddings) matrices.set(names.head, matrix(outer, vocabSize, hiddenSize));
  ffnSizes.forEach((ffn, layer) => {
    const shapes = linearShapes(config, ffn);
    for (const linear of LINEARS) matrices.set(names.linear(layer, linear), matrix(inner, ...shapes[linear]));
  });
  return matrices;
}

/** What a model would take, dense formats assumed. */
export const modelBytes = (...model: Parameters<typeof expectedMatrices>) =>
  [...expectedMatrices(...model).values()].reduce((n, m) => n + m.bytes, 0);

/** Formats that a refusal offers instead, largest first. */
const OFFERS: readonly (readonly [recipe: string, inner: FormatName, outer: FormatName])[] = [
  ['fp16', 'f16', 'f16'],
  ['int8', 'int8', 'int8'],
  ['int4', 'int4', 'int8'],
];
/** Part of the 4 GiB that activations, tables and a first piece of cache need. */
export const RESERVE_BYTES = 128 * 2 ** 20;

/** Refuses a model that 4 GiB cannot hold, with what would fit. */
export function checkFits(
  config: ModelConfig,
  ffnSizes: readonly number[],
  recipe: string,
  inner: FormatName,
  outer: FormatName,
): void {
  const need = modelBytes(config, ffnSizes, inner, outer) + RESERVE_BYTES;
  if (need <= MAX_BYTES) return;
  const fits = OFFERS.map(([name, i, o]) => ({ name, bytes: modelBytes(config, ffnSizes, i, o) + RESERVE_BYTES }))
    .filter((o) => o.bytes <= MAX_BYTES && o.bytes < need)
    .map((o) => `${o.name} (${gib(o.bytes)})`);
  throw new JoulewiseError(
    'engine.memory',
    `As ${recipe} this model needs ${gib(need)}, and WebAssembly holds 4 GiB. ${
      fits.length ? `What would fit: ${fits.join(', ')}.` : 'No precision of it would fit; choose a smaller model.'
    }`,
  );
}

/** Bytes of one cached number, its part of the scales included. */
export const cachedBytes = (cache: CacheFormat, headDim: number): number =>
  CACHE_BYTES[cache](headDim) / (2 * L.CHUNK * headDim);

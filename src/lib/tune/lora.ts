import { layoutOf, type LoraLayout } from '../block/lora';
import type { Adapter } from '../checkpoint/adapter';
import { LINEARS, type LinearName } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError } from '../core/errors';
import { createRandom } from '../core/random';

export type { LoraLayout };

/** What of LoRA can be chosen. */
export interface LoraOptions {
  rank: number;
  alpha: number;
  /** alpha / sqrt(rank) instead of alpha / rank (rsLoRA). */
  stabilised: boolean;
  targets: readonly LinearName[];
  /** Null = all layers. */
  layers: readonly number[] | null;
}

export const LORA: LoraOptions = { rank: 8, alpha: 16, stabilised: false, targets: LINEARS, layers: null };

/** Layers from the first to the last, both of them among it. */
export const rangeOf = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

export const factorOf = ({ rank, alpha, stabilised }: Pick<LoraOptions, 'rank' | 'alpha' | 'stabilised'>) =>
  alpha / (stabilised ? Math.sqrt(rank) : rank);

/** Where the adapter's numbers stand. Throws `option.invalid` for what cannot be. */
export function loraLayout(config: ModelConfig, ffnSizes: readonly number[], o: LoraOptions): LoraLayout {
  const wrong = (what: string) => new JoulewiseError('option.invalid', what);
  if (!Number.isInteger(o.rank) || o.rank < 1 || o.rank > config.hiddenSize)
    throw wrong(
      `The rank of an adapter is a whole number from 1 to ${config.hiddenSize}, the model's width; it is ${o.rank}.`,
    );
  if (!(o.alpha > 0)) throw wrong(`The factor alpha of an adapter is above 0; it is ${o.alpha}.`);
  if (o.targets.length === 0)
    throw wrong(`An adapter changes at least one kind of linear layer: ${LINEARS.join(', ')}.`);
  const layers = o.layers ?? Array.from({ length: config.layers }, (_, i) => i);
  const strange = layers.find((l) => !Number.isInteger(l) || l < 0 || l >= config.layers);
  if (layers.length === 0 || strange !== undefined)
    throw wrong(`Layers of an adapter are from 0 to ${config.layers - 1}; ${strange ?? 'none'} is given.`);
  return layoutOf(config, ffnSizes, {
    rank: o.rank,
    factor: factorOf(o),
    targets: o.targets,
    layers: [...new Set(layers)].sort((a, b) => a - b),
  });
}

/** A new adapter, as PEFT begins: A uniform in +-1/sqrt(inputs), B 0, so that the model is unchanged. */
export function newAdapter(lora: LoraLayout, seed: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(lora.size);
  const random = createRandom(seed).fork('adapter');
  for (const { a, b, inputs } of lora.parts) {
    const bound = 1 / Math.sqrt(inputs);
    for (let i = a; i < b; i++) out[i] = (2 * random.next() - 1) * bound;
  }
  return out;
}

/** The adapter as inference reads it: its factor multiplied in. */
export const adapterOf = (lora: LoraLayout, numbers: Float32Array<ArrayBuffer>): Adapter => ({
  rank: lora.rank,
  count: lora.parts.length,
  read(layer, linear) {
    const part = lora.part(layer, linear);
    if (!part) return Promise.resolve(null);
    const { a, b, outputs } = part;
    return Promise.resolve({
      rank: lora.rank,
      a: numbers.slice(a, b),
      b: numbers.slice(b, b + outputs * lora.rank).map((x) => x * lora.factor),
    });
  },
});

import { undecayedOf, parametersOf, type TrainedLayout } from '../block/layout';
import { fullLayout } from '../block/weights';
import type { ModelConfig } from '../checkpoint/config';
import type { Frozen } from '../gradient/frozen';
import { newWeights, weightsOf } from '../gradient/full';
import { loraLayout, newAdapter, type LoraOptions } from './lora';

export { newWeights, parametersOf, undecayedOf, type TrainedLayout };

/** The layout of what is asked for: an adapter's numbers, or (null) every weight. Throws `option.invalid` for what cannot be. */
export const layoutOfAsked = (
  config: ModelConfig,
  ffnSizes: readonly number[],
  lora: LoraOptions | null,
): TrainedLayout => (lora ? loraLayout(config, ffnSizes, lora) : fullLayout(config, ffnSizes));

/** What a training begins with: a new adapter, which the seed gives, or the model's own weights. */
export const beginning = (model: Frozen, layout: TrainedLayout, seed: number): Float32Array<ArrayBuffer> =>
  layout.kind === 'full' ? weightsOf(model, layout) : newAdapter(layout, seed);

import type { LoraLayout } from '../block/lora';
import { arithmeticOf, type Frozen } from '../gradient/frozen';
import { openGradients } from '../gradient/pass';
import { nodeMatrix } from '../matrix/testing';
import type { TuneEngine } from './trainer';

/** One thread of the processor, in Node. */
export async function oneThread(
  frozen: Frozen,
  lora: LoraLayout,
  arithmetic = arithmeticOf(frozen),
): Promise<TuneEngine> {
  const gradients = openGradients(await nodeMatrix(), frozen, lora, arithmetic);
  return {
    losses: (passes, adapter) => {
      gradients.setAdapter(adapter);
      return Promise.resolve(passes.map((pass) => gradients.loss(pass)));
    },
    gradients: (passes, factor, adapter) => {
      gradients.setAdapter(adapter);
      const results = passes.map((pass) => gradients.step(pass, factor));
      return Promise.resolve({ results, gradient: gradients.takeGradient() });
    },
  };
}

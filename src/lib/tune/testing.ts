import type { TrainedLayout } from '../block/layout';
import { arithmeticOf, type Frozen, type ModelShape } from '../gradient/frozen';
import { openGradients } from '../gradient/pass';
import { nodeMatrix } from '../matrix/testing';
import type { TuneEngine } from './trainer';

/** One thread of the processor, in Node. */
export async function oneThread(
  model: Frozen | ModelShape,
  layout: TrainedLayout,
  arithmetic = 'layers' in model ? arithmeticOf(model) : 'fp32',
): Promise<TuneEngine> {
  const gradients = openGradients(await nodeMatrix(), model, layout, arithmetic);
  return {
    losses: (passes, numbers) => {
      gradients.setNumbers(numbers);
      return Promise.resolve(passes.map((pass) => gradients.loss(pass)));
    },
    gradients: (passes, factor, numbers) => {
      gradients.setNumbers(numbers);
      const results = passes.map((pass) => gradients.step(pass, factor));
      return Promise.resolve({ results, gradient: gradients.takeGradient() });
    },
  };
}

import { layoutFor } from '../../block/layout';
import { JoulewiseError } from '../../core/errors';
import { openGradients, type Gradients } from '../../gradient/pass';
import { openKernels } from '../../matrix/served';
import { serve } from '../../core/rpc';
import type { GradientApi } from './protocol';

/** One thread of a training: passes in, losses and gradients out. */
let gradients: Gradients | null = null;

function opened(): Gradients {
  if (!gradients) throw new JoulewiseError('internal', 'This thread has no model to train.');
  return gradients;
}

serve<GradientApi>({
  async open({ model, shape, arithmetic }) {
    const layout = layoutFor(model.config, model.ffnSizes, shape);
    gradients = openGradients(await openKernels(), model, layout, arithmetic);
  },
  numbers(given) {
    opened().setNumbers(given);
    return Promise.resolve();
  },
  loss: (pass) => Promise.resolve(opened().loss(pass)),
  step({ pass, factor }, { transfer }) {
    const result = opened().step(pass, factor);
    const gradient = opened().takeGradient();
    transfer([gradient.buffer]);
    return Promise.resolve({ result, gradient });
  },
});

import { layoutOf } from '../../block/lora';
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
  async open({ frozen, lora, arithmetic }) {
    gradients = openGradients(await openKernels(), frozen, layoutOf(frozen.config, frozen.ffnSizes, lora), arithmetic);
  },
  adapter(numbers) {
    opened().setAdapter(numbers);
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

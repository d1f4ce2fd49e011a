import type { TrainedLayout } from '../block/layout';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError } from '../core/errors';
import type { Frozen } from '../gradient/frozen';
import type { PrecisionName } from '../tensor/precisions';
import type { AdamWOptions } from '../tune/optimizer';
import { openStep, type StepOptions, type StepSession } from './session';
import { checkAsked, type AskedStep } from './size';

/** An engine that takes the steps of a training in ONNX Runtime, as `train` wants one. */
export const graphsOn = (
  name: 'ort-cpu' | 'ort-gpu',
  { memoryGiB, ...o }: Omit<StepOptions, 'gpu'> & { memoryGiB: number | null },
) => ({
  check: (config: ModelConfig, recipe: { precision: PrecisionName }, asked: AskedStep) =>
    checkAsked(name, config, recipe, asked, memoryGiB),
  open(model: Frozen, layout: TrainedLayout, adamw: AdamWOptions): Promise<StepSession> {
    if (layout.kind === 'full') throw new JoulewiseError('internal', 'All weights are not trained in a graph.');
    return openStep(model, layout, adamw, { ...o, gpu: name === 'ort-gpu' });
  },
});

import type { UnitContext } from '../../measure/unit';
import { tunedVariant } from '../../train/tuned';
import { adaptersOf } from '../../store/checkpoints';
import { openThreads } from './threads';

/** Trains the adapter of a plan's variant in this browser's threads, or brings it from OPFS. */
export const tunedHere: UnitContext['tuned'] = ({ tasks, tickets, onProgress, ...o }) => {
  const { train, validation, causes } = tickets;
  return tunedVariant(
    { recipe: o.variant, seed: o.seed },
    { tasks, train: [...train], validation: [...validation], causes },
    {
      files: o.files,
      keeping: adaptersOf(o.checkpoint),
      meter: o.meter,
      calibration: o.calibration,
      rates: o.rates,
      openThreads: (frozen, lora) => openThreads(frozen, lora, o.threads),
      emit: (event) => {
        if ('step' in event) onProgress({ phase: 'train', done: event.step.step, of: event.of, loss: event.step.loss });
        else if ('phase' in event) onProgress(event);
      },
      signal: o.signal,
    },
  );
};

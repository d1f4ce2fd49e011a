import type { UnitContext } from '../../measure/unit';
import { tunedVariant } from '../../train/tuned';
import { adaptersOf } from '../../store/checkpoints';
import { graphsHere, stepsHere } from '../step/steps';

const NO_STEP = { loss: null, tokensPerSecond: null, joules: null, joulesPerThousand: null };

/** Trains the adapter of a plan's variant in this browser, by threads or as its recipe says, or brings it from OPFS. */
export const tunedHere: UnitContext['tuned'] = ({ tasks, tickets, onProgress, ...o }) => {
  const { train, validation, causes } = tickets;
  let [done, steps] = [0, 0];
  let read = 0;
  return tunedVariant(
    { recipe: o.variant, seed: o.seed },
    { tasks, train: [...train], validation: [...validation], causes },
    {
      files: o.files,
      keeping: adaptersOf(o.checkpoint),
      meter: o.meter,
      calibration: o.calibration,
      rates: o.rates,
      ...stepsHere(o.threads),
      graphsOf: (engine) => graphsHere(o.threads, engine),
      emit: (event) => {
        if ('phase' in event) onProgress(event);
        else if ('step' in event) {
          const { step, loss, tokens, ms, joules } = event.step;
          [done, steps] = [step, event.of];
          read += tokens;
          const training = {
            loss,
            validation: null,
            tokensPerSecond: (1000 * tokens) / ms,
            joules,
            joulesPerThousand: joules === null ? null : (1000 * joules) / read,
          };
          onProgress({ phase: 'train', done: step, of: steps, training });
        } else {
          const { step, loss } = event.evaluation;
          onProgress({ phase: 'train', done: step, of: steps, training: { ...NO_STEP, validation: loss } });
        }
      },
      async gate() {
        if (!o.pause.on) return;
        onProgress({ phase: 'train', done, of: steps, paused: true });
        await o.pause.over(o.signal);
      },
      signal: o.signal,
    },
  );
};

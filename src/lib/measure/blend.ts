import { JoulewiseError } from '../core/errors';
import { bytes, operations } from '../core/units';
import { readBy, type Task } from '../data/tasks';
import type { Given } from '../data/give';
import type { Meter, WindowWork } from '../meter/meter';
import type { Phase } from '../schema/run';
import { predict, scoresOf, trainBaseline, type BaselineWork } from '../score/baseline';
import { blended, fitBlend, type Blend } from '../score/blend';
import type { WriteOutput } from './answer';
import { targetOf } from './calibration';

/** What a step of the classical baseline computed, for a meter. */
export const workOf = (work: BaselineWork): WindowWork => ({
  bytes: bytes(work.bytes),
  operations: operations(work.operations),
  tokens: null,
});

/** Validation tickets that a weight is fitted on, at most. */
const FITTED_ON = 100;

/** A model's causes mixed with those of the classical baseline, by one weight that validation tickets chose. */
export interface OpenBlend extends Blend {
  /** The mixture of a ticket's scores, with what the baseline took booked in the phase. */
  mix(text: string, scores: readonly number[], meter: Meter, phase: Phase): Promise<number[]>;
}

/**
 * Trains the baseline, asks both for the validation tickets' causes, and fits the weight. All of it is booked as training.
 * Throws `recipe.impossible` where there are too few tickets to learn from.
 *
 * @param answer of the model alone; what it is asked here is booked as warming up
 */
export async function openBlend(
  task: Task,
  { train, validation, causes }: Pick<Given, 'train' | 'validation' | 'causes'>,
  answer: WriteOutput,
  meter: Meter,
  o: { signal: AbortSignal; onProgress: (done: number, of: number) => void },
): Promise<OpenBlend> {
  const usable = train.filter((ticket) => task.target(ticket) !== null);
  const judges = validation.filter((ticket) => task.target(ticket) !== null).slice(0, FITTED_ON);
  if (usable.length < 2 || judges.length === 0)
    throw new JoulewiseError(
      'recipe.impossible',
      'A blend needs at least two training tickets with causes, and validation tickets to weigh both by. Import more tickets, or leave out "blend".',
    );
  const baseline = await meter.window(
    'train',
    (m) => workOf(m.work),
    () =>
      trainBaseline({
        task: task.name,
        texts: usable.map(({ text }) => readBy(task.name, text)),
        targets: usable.map((ticket) => targetOf(task, ticket)),
      }),
  );
  if (baseline.task !== 'rca') throw new JoulewiseError('internal', 'Only causes can be blended.');
  const classical = (text: string, own: Meter, phase: Phase) =>
    own.window(
      phase,
      (p) => workOf(p.work),
      () => predict(baseline, readBy(task.name, text)),
    );
  const causesOf = async (text: string, own: Meter, phase: Phase) => {
    const { scores } = await classical(text, own, phase);
    return scoresOf(baseline, scores ?? [], causes);
  };
  const rows = [];
  for (const [i, ticket] of judges.entries()) {
    if (o.signal.aborted) throw new JoulewiseError('cancelled', 'Stopped. Finished runs are kept.');
    const { scores } = await answer(ticket, { kind: 'warm-up', limit: 1, signal: o.signal });
    rows.push({
      model: scores ?? [],
      baseline: await causesOf(ticket.text, meter, 'train'),
      truth: causes.indexOf(targetOf(task, ticket)),
    });
    o.onProgress(i + 1, judges.length);
  }
  const found = fitBlend(rows);
  if (!found)
    throw new JoulewiseError(
      'recipe.impossible',
      'No validation ticket has one of the allowed causes, so nothing tells how to blend. Import more tickets, or leave out "blend".',
    );
  return {
    ...found,
    mix: async (text, scores, own, phase) =>
      blended({ model: scores, baseline: await causesOf(text, own, phase) }, found.weight),
  };
}

const two = (x: number) => x.toFixed(2);

/** What a record says of a blend: its weight, and whether mixing was better than either alone where it was fitted. */
export function blendNote({ weight, tickets, nll }: Blend): string {
  const better =
    nll.blend < Math.min(nll.model, nll.baseline) - 0.005
      ? 'less than either alone'
      : 'no less than the better of the two alone, so mixing gains nothing there';
  return `Its causes are ${two(weight)} parts the model's and ${two(1 - weight)} parts the classical baseline's log-probabilities; on the ${tickets} validation tickets that chose this, the right cause cost ${two(nll.blend)} nats (the model alone ${two(nll.model)}, the baseline alone ${two(nll.baseline)}): ${better}.`;
}

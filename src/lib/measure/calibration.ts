import type { Calibration } from '../calibrate/host';
import { fillSequences } from '../calibrate/prompts';
import { JoulewiseError } from '../core/errors';
import { taskOf, type Task } from '../data/tasks';
import type { CalibrationHost, Tokenizer } from '../engine/open';
import type { Ticket } from '../schema/dataset';
import type { Templates } from '../schema/plan';
import type { TaskName } from '../schema/run';

/** What recipes are calibrated on: texts as they are, or training tickets of tasks. */
export type CalibrationText =
  | { texts: readonly string[] }
  | { tasks: readonly TaskName[]; templates?: Templates | undefined; train: readonly Ticket[]; causes: string[] };

/** Calibration on a text; threads are opened once a recipe needs them. */
export const calibrationOn = (text: CalibrationText, open: () => CalibrationHost): Calibration => ({
  prompts: (tokenizer) =>
    'texts' in text
      ? fillSequences(text.texts, (t) => tokenizer.encode(t), null)
      : trainingPrompts(
          tokenizer,
          text.tasks.map((task) => taskOf(task, text.templates)),
          text.train,
          text.causes,
        ),
  open: () => Promise.resolve(open()),
});

/** What a ticket's task is answered by in the dataset. */
export const targetOf = (task: Task, ticket: Ticket): string => {
  const target = task.target(ticket);
  if (target === null) throw new JoulewiseError('internal', `Ticket ${ticket.id} has no target for ${task.name}.`);
  return target;
};

/**
 * Calibration text of a plan: training tickets as the model meets them, with their answers, the tasks in turn, so that
 * one set of weights serves all tasks and is calibrated once. Never test tickets: what is measured must not have chosen
 * the weights.
 */
function trainingPrompts(
  tokenizer: Tokenizer,
  tasks: readonly Task[],
  train: readonly Ticket[],
  causes: string[],
): number[][] {
  const turns = train.map((ticket, i) => {
    const own = tasks.filter((task) => task.target(ticket) !== null);
    return { ticket, task: own[i % Math.max(1, own.length)] };
  });
  return fillSequences(
    turns.filter(({ task }) => task !== undefined),
    ({ ticket, task }) => [
      ...tokenizer.chat((task as Task).messages(ticket, causes)),
      ...tokenizer.piece(targetOf(task as Task, ticket)),
    ],
    null,
  );
}

import { JoulewiseError } from '../core/errors';
import type { DatasetRecord, Ticket } from '../schema/dataset';
import type { TaskName } from '../schema/run';
import { stratify } from './stratify';
import { TASK_TABLE } from './tasks';

/**
 * Where a thread finds tickets that a data thread put there (`give`): they go from one to the other, past the page, which
 * would stutter under 100,000 of them.
 */
export type TicketsPort = MessagePort;

/** Which tickets of a dataset a thread wants. */
export interface Wanted {
  tasks: readonly TaskName[];
  /** Test tickets of each task, stratified by cause in an order that the seed gives. */
  limit: number;
  seed: number;
  /** Validation tickets with a cause, at most; absent = none. */
  validation?: number;
  /** Of those with an answer for one of the tasks instead. */
  answered?: boolean;
  /** Whether the training tickets too; a number: so many of them, stratified by cause in an order that the seed gives. */
  train: boolean | number;
}

/** What a data thread gives to an engine's. */
export interface Given {
  /** Test tickets that have a target, by task, in the order of the plan's slices. */
  tickets: Readonly<Partial<Record<TaskName, Ticket[]>>>;
  /** Validation tickets with a cause, on which confidence is calibrated. */
  validation: Ticket[];
  /** Training tickets: for the classical baseline, and for recipes that calibrate. */
  train: Ticket[];
  causes: string[];
}

/** Test tickets with an answer for the task, `limit` of them, stratified by cause from the first on. */
function testTickets({ tickets, split, causes }: DatasetRecord, task: TaskName, limit: number, seed: number) {
  const row = TASK_TABLE[task];
  const own = tickets.filter((ticket, i) => split[i] === 'test' && row.target(ticket) !== null);
  const allowed = new Set(causes);
  return stratify(own, ({ cause }) => (cause !== null && allowed.has(cause) ? cause : ''), seed).slice(0, limit);
}

function trainingTickets({ tickets, split }: DatasetRecord, train: true | number, seed: number) {
  const own = tickets.filter((_, i) => split[i] === 'train');
  return train === true ? own : stratify(own, ({ cause }) => cause ?? '', seed).slice(0, train);
}

export const pick = (
  dataset: DatasetRecord,
  { tasks, limit, seed, train, validation = 0, answered = false }: Wanted,
): Given => ({
  tickets: Object.fromEntries(tasks.map((task) => [task, testTickets(dataset, task, limit, seed)])),
  validation:
    validation > 0
      ? stratify(
          dataset.tickets.filter(
            (t, i) =>
              dataset.split[i] === 'validation' &&
              (answered ? tasks.some((task) => TASK_TABLE[task].target(t) !== null) : t.cause !== null),
          ),
          ({ cause }) => cause ?? '',
          seed,
        ).slice(0, validation)
      : [],
  train: train === false ? [] : trainingTickets(dataset, train, seed),
  causes: dataset.causes,
});

/** Takes what lies in the port, or comes into it. */
export const take = (port: TicketsPort): Promise<Given> =>
  new Promise((resolve, reject) => {
    port.onmessage = ({ data }: MessageEvent<Given>) => {
      port.close();
      resolve(data);
    };
    port.onmessageerror = () =>
      reject(new JoulewiseError('internal', 'The tickets did not arrive. Reload the page and try again.'));
  });

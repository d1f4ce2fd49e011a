import { JoulewiseError } from '../core/errors';
import { TASK_TABLE } from '../data/tasks';
import type { DatasetRecord } from '../schema/dataset';
import type { TaskName } from '../schema/run';
import { stratify } from '../data/stratify';
import type { OpenRequest } from '../measure/unit';
import type { TicketsPort, Wanted } from './protocol';

/** What a data thread gives to an engine's. */
export type Given = Pick<OpenRequest, 'tickets' | 'validation' | 'train' | 'causes'>;

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

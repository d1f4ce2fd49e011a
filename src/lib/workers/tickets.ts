import { JoulewiseError } from '../core/errors';
import { TASK_TABLE } from '../data/tasks';
import type { DatasetRecord } from '../schema/dataset';
import type { TaskName } from '../schema/run';
import type { UnitRequest } from '../plan/unit';
import type { TicketsPort, Wanted } from './protocol';

/** What a data thread gives to an engine's. */
export type Given = Pick<UnitRequest, 'tickets' | 'train' | 'causes'>;

/** Test tickets with an answer for the task, the first `limit` in the dataset's own (shuffled by split) order. */
function testTickets({ tickets, split }: DatasetRecord, task: TaskName, limit: number) {
  const row = TASK_TABLE[task];
  const found: DatasetRecord['tickets'] = [];
  for (const [i, ticket] of tickets.entries()) {
    if (found.length >= limit) break;
    if (split[i] === 'test' && row.target(ticket) !== null) found.push(ticket);
  }
  return found;
}

export const pick = (dataset: DatasetRecord, { task, limit, train }: Wanted): Given => ({
  tickets: testTickets(dataset, task, limit),
  train: train ? dataset.tickets.filter((_, i) => dataset.split[i] === 'train') : [],
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

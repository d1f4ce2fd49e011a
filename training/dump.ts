/**
 * Writes the training stream of the built-in checkpoint: one JSON object per line, `{id, task, messages, answer, causes, split}`,
 * made by the app's own generator and task table, so that prompts are exactly the app's.
 *
 *     npx tsx training/dump.ts OUT.jsonl --count 40000 --seed 1000
 *
 * The stream comes in networks of 500 tickets, seeds S, S+1, ...; the app's demo uses seed 1, which never comes here
 * for training. `split` is the split that the app would make; training ignores it, the held-out test uses it.
 */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createRandom } from '../src/lib/core/random';
import { generateDataset } from '../src/lib/data/generator';
import { TASK_TABLE } from '../src/lib/data/tasks';

const PER_NETWORK = 500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '40000' },
    seed: { type: 'string', default: '1000' },
    /** Causes in a new order for every ticket, so that the model does not learn their places. */
    shuffle: { type: 'boolean', default: false },
    /** Tickets per network; the demo is one network. */
    network: { type: 'string', default: String(PER_NETWORK) },
  },
});
const path = positionals[0];
const [count, seed, network] = [values.count, values.seed, values.network].map(Number);
if (!path || !count || seed === undefined || !network)
  throw new Error('Usage: dump.ts OUT.jsonl --count N --seed S [--shuffle]');

const out = createWriteStream(path);
for (let done = 0, part = 0; done < count; done += network, part++) {
  const dataset = await generateDataset({ count: Math.min(network, count - done), seed: seed + part });
  const random = createRandom(seed + part).fork('order of causes');
  dataset.tickets.forEach((ticket, i) => {
    const causes = values.shuffle ? random.shuffle(dataset.causes) : dataset.causes;
    for (const task of Object.values(TASK_TABLE)) {
      const answer = task.target(ticket);
      if (answer === null) continue;
      const messages = task.messages(ticket, causes);
      const row = { id: ticket.id, task: task.name, messages, answer, causes, split: dataset.split[i] };
      out.write(`${JSON.stringify(row)}\n`);
    }
  });
}
out.end();
await finished(out);

import { expect, it } from 'vitest';
import { generateDataset } from '../data/generator';
import { pick, take } from './tickets';

it('picks the first test tickets that have an answer, and the training tickets where they are wanted', async () => {
  const made = await generateDataset({ count: 80, seed: 5 });
  const dataset = { ...made, tickets: made.tickets.map((t, i) => (i % 3 ? t : { ...t, response: null })) };
  const parts = (part: string) => dataset.tickets.filter((_, i) => dataset.split[i] === part);
  const rca = pick(dataset, { task: 'rca', limit: 5, train: true });
  expect(rca).toEqual({ tickets: parts('test').slice(0, 5), train: parts('train'), causes: dataset.causes });
  const response = pick(dataset, { task: 'response', limit: 1000, train: false });
  expect(response.tickets).toEqual(parts('test').filter((t) => t.response !== null));
  expect(response.train).toEqual([]);
});

it('finds in the port what was put there before', async () => {
  const { port1, port2 } = new MessageChannel();
  const given = { tickets: [], train: [], causes: ['power'] };
  port1.postMessage(given);
  expect(await take(port2)).toEqual(given);
});

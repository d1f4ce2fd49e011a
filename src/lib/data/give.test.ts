import { expect, it } from 'vitest';
import { generateDataset } from './generator';
import { pick, take } from './give';

it('picks test tickets that have an answer, stratified by cause, and the training tickets where they are wanted', async () => {
  const made = await generateDataset({ count: 80, seed: 5 });
  const dataset = { ...made, tickets: made.tickets.map((t, i) => (i % 3 ? t : { ...t, response: null })) };
  const parts = (part: string) => dataset.tickets.filter((_, i) => dataset.split[i] === part);
  const { tickets, train, causes } = pick(dataset, { tasks: ['rca'], limit: 5, seed: 1, train: true });
  expect([tickets.rca?.length, train, causes]).toEqual([5, parts('train'), dataset.causes]);
  expect(parts('test')).toEqual(expect.arrayContaining(tickets.rca ?? []));
  const all = pick(dataset, { tasks: ['rca', 'response'], limit: 1000, seed: 1, train: false });
  const byId = (list: readonly { id: string }[] = []) => list.map(({ id }) => id).sort();
  expect(byId(all.tickets.response)).toEqual(byId(parts('test').filter((t) => t.response !== null)));
  expect(all.train).toEqual([]);
  // A larger sample begins as the smaller one.
  expect(all.tickets.rca?.slice(0, 5)).toEqual(tickets.rca);
});

it('finds in the port what was put there before', async () => {
  const { port1, port2 } = new MessageChannel();
  const given = { tickets: {}, validation: [], train: [], causes: ['power'] };
  port1.postMessage(given);
  expect(await take(port2)).toEqual(given);
});

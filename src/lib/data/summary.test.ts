import { expect, test } from 'vitest';
import type { DatasetRecord, Ticket } from '../schema/dataset';
import { summaryOf } from './summary';

const ticket = (cause: string | null, response: string | null): Ticket => ({
  id: 'x',
  text: 'text',
  cause,
  response,
  group: null,
  time: null,
});
const counts = { rows: 4, kept: 4, emptyText: 0, exactDuplicates: 0, nearDuplicates: 0, redactions: null };
const datasetOf = (tickets: Ticket[], split: DatasetRecord['split'], causes: string[]): DatasetRecord => ({
  v: 1,
  hash: 'h',
  name: 'n',
  source: { kind: 'csv', origin: 'n.csv', licence: null },
  mapping: null,
  seed: 1,
  tickets,
  split,
  causes,
  counts,
});

test('counts parts, classes and what can be tested, also of causes with odd names', () => {
  const tickets = [ticket('__proto__', null), ticket('power', 'a'), ticket('power', null), ticket(null, 'b')];
  expect(summaryOf(datasetOf(tickets, ['train', 'test', 'test', 'validation'], ['power', '__proto__']))).toEqual({
    v: 1,
    hash: 'h',
    name: 'n',
    tickets: 4,
    splits: { train: 1, validation: 1, test: 2 },
    testable: { cause: 2, response: 1 },
    causes: 2,
    causeCharacters: 'power; __proto__'.length,
    classes: [
      ['power', 2],
      ['__proto__', 1],
    ],
    classCount: 2,
    labelled: 3,
    textCharacters: 16,
    counts,
  });
});

test('stays small where every ticket has a cause and a text of its own', () => {
  const causes = Array.from({ length: 5000 }, (_, i) => `cause ${i} `.repeat(50));
  const tickets = causes.map((cause) => ({ ...ticket(cause, null), text: cause.repeat(9) }));
  const summary = summaryOf(
    datasetOf(
      tickets,
      tickets.map(() => 'train'),
      causes,
    ),
  );
  expect([summary.classCount, summary.causes, summary.labelled]).toEqual([5000, 5000, 5000]);
  expect(JSON.stringify(summary).length).toBeLessThan(40_000);
});

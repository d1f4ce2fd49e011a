import { expect, test } from 'vitest';
import type { DatasetRecord, Ticket } from '../schema/dataset';
import { factsOf } from './facts';

const ticket = (cause: string | null, response: string | null): Ticket => ({
  id: 'x',
  text: 'text',
  cause,
  response,
  group: null,
  time: null,
});

test('counts parts, classes and what can be tested, also of causes with odd names', () => {
  const dataset = {
    tickets: [ticket('__proto__', null), ticket('power', 'a'), ticket('power', null), ticket(null, 'b')],
    split: ['train', 'test', 'test', 'validation'],
  } as unknown as DatasetRecord;
  expect(factsOf(dataset)).toEqual({
    splits: { train: 1, validation: 1, test: 2 },
    classes: [
      ['power', 2],
      ['__proto__', 1],
    ],
    testable: { cause: 2, response: 1 },
  });
  expect(factsOf(dataset)).toBe(factsOf(dataset));
});

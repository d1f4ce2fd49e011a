import { expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { fitConfidence } from './fitted';

const CAUSES = ['a', 'b', 'c'];
const random = createRandom(8);

/** Tickets of a classifier that is right as often as its softmax says at the given temperature. */
const tickets = (n: number, temperature: number, prefix: string) =>
  Array.from({ length: n }, (_, i) => {
    const honest = CAUSES.map(() => 2 * random.normal());
    const weights = honest.map(Math.exp);
    let left = random.next() * weights.reduce((a, x) => a + x, 0);
    const truth = weights.findIndex((w) => (left -= w) < 0);
    const scores = honest.map((x) => x * temperature);
    return {
      id: `${prefix}${i}`,
      promptTokens: 1,
      newTokens: 0,
      prefillMs: 1,
      decodeMs: 0,
      output: CAUSES[scores.indexOf(Math.max(...scores))] ?? '',
      reference: CAUSES[truth] ?? 'a',
      scores,
      referenceLogProb: null,
      referenceTokens: null,
    };
  });
const run = (part: 'test' | 'validation', list: ReturnType<typeof tickets>) => ({
  tickets: list,
  causes: CAUSES,
  task: 'rca' as const,
  part,
  anchor: false,
  variant: 'int8',
});

it('finds the temperature of an overconfident classifier on validation tickets, and is honest about test tickets', () => {
  const found = fitConfidence([run('validation', tickets(2000, 3, 'v')), run('test', tickets(2000, 3, 't'))]);
  expect(found?.temperature).toBeGreaterThan(2.5);
  expect(found?.temperature).toBeLessThan(3.5);
  expect(found?.ece).toBeLessThan(0.04);
  expect(found?.judged).toBe(2000);
  // What it answers above the threshold is right about as often as was asked.
  expect(found?.answered?.accuracy).toBeGreaterThan(0.92);
  expect(found?.answered?.coverage).toBeLessThan(1);
});

it('counts a ticket once, however often it was asked, and says nothing where too few were validated', () => {
  const list = tickets(40, 1, 't');
  const found = fitConfidence([run('validation', tickets(40, 1, 'v')), run('test', list), run('test', list)]);
  expect(found?.judged).toBe(40);
  expect(fitConfidence([run('validation', tickets(5, 1, 'v')), run('test', list)])).toBeNull();
  expect(fitConfidence([run('test', list)])).toBeNull();
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankCauses, splitTickets } from './split';

const arbitraryTickets = fc.array(
  fc.record({
    cause: fc.option(fc.constantFrom('a', 'b', 'c', 'd')),
    group: fc.option(fc.constantFrom('x', 'y', 'z')),
  }),
  { maxLength: 200 },
);

describe('splitTickets', () => {
  it('never parts a group, repeats with its seed, and gives train the first ticket', () => {
    fc.assert(
      fc.property(arbitraryTickets, fc.nat(), (tickets, seed) => {
        const split = splitTickets(tickets, { seed });
        expect(split).toEqual(splitTickets(tickets, { seed }));
        expect(split).toHaveLength(tickets.length);
        if (tickets.length > 0) expect(split).toContain('train');
        for (const group of ['x', 'y', 'z'])
          expect(new Set(split.filter((_, i) => tickets[i]?.group === group)).size).toBeLessThan(2);
      }),
    );
  });

  it('keeps the fractions overall and per cause', () => {
    const tickets = Array.from({ length: 1000 }, (_, i) => ({ cause: `c${i % 7}`, group: null }));
    const split = splitTickets(tickets, { seed: 1 });
    expect(split.filter((s) => s === 'test')).toHaveLength(200);
    expect(split.filter((s) => s === 'validation')).toHaveLength(100);
    for (let c = 0; c < 7; c++) {
      const own = split.filter((_, i) => i % 7 === c);
      expect(Math.abs(own.filter((s) => s === 'test').length - own.length / 5)).toBeLessThan(2);
    }
  });

  it('has every cause in train, and still fills the test set from rare causes', () => {
    const tickets = Array.from({ length: 60 }, (_, i) => ({ cause: `c${i % 20}`, group: null }));
    const split = splitTickets(tickets, { seed: 2 });
    const trained = new Set(tickets.filter((_, i) => split[i] === 'train').map(({ cause }) => cause));
    expect(trained.size).toBe(20);
    expect(split.filter((s) => s === 'test').length).toBeGreaterThanOrEqual(8);
  });

  it('does not stratify by causes that are free text', () => {
    const tickets = Array.from({ length: 50 }, (_, i) => ({ cause: `reason ${i}`, group: null }));
    expect(splitTickets(tickets, { seed: 3 }).filter((s) => s === 'test')).toHaveLength(10);
  });

  it('gives two tickets a train and a test set', () => {
    expect(
      splitTickets(
        [
          { cause: null, group: null },
          { cause: null, group: null },
        ],
        { seed: 1 },
      ).sort(),
    ).toEqual(['test', 'train']);
  });
});

describe('rankCauses', () => {
  it('orders by frequency in train, then by name', () => {
    const tickets = ['b', 'a', 'c', 'c', 'd'].map((cause) => ({ cause }));
    expect(rankCauses(tickets, ['train', 'train', 'train', 'train', 'test'])).toEqual(['c', 'a', 'b', 'd']);
  });
});

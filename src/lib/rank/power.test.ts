import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tQuantile } from '../core/distributions';
import { createRandom } from '../core/random';
import { mean, standardDeviation } from '../core/stats';
import { slicesFor, ticketsFor } from './power';

/** Written by tests/oracle/inference.py from SciPy's noncentral t: the least n of power 0.8. */
const { power: oracle } = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  power: { shift: number; sd: number; alpha: number; sides: 1 | 2; n: number }[];
};

const positive = fc.double({ min: 0.01, max: 1, noNaN: true });

describe('ticketsFor', () => {
  it.each(oracle)('is within one in a hundred of the noncentral t: $n', ({ shift, sd, alpha, sides, n }) => {
    const question = { sdPerTicket: sd, level: 1 - alpha };
    const found =
      sides === 2
        ? ticketsFor({ ...question, difference: shift, margin: 0 }).different
        : ticketsFor({ ...question, difference: 0, margin: shift }).notWorse;
    expect(Math.abs(found - n)).toBeLessThanOrEqual(Math.max(1, 0.01 * n));
  });

  it('finds the difference as often as asked, with so many tickets', () => {
    const question = { difference: -0.05, sdPerTicket: 0.3, margin: 0.12, level: 0.95, power: 0.7 };
    const { notWorse } = ticketsFor(question);
    const random = createRandom(11);
    const trials = 4000;
    let found = 0;
    for (let k = 0; k < trials; k++) {
      const tickets = Array.from(
        { length: notWorse },
        () => question.difference + question.sdPerTicket * random.normal(),
      );
      const low = mean(tickets) - (tQuantile(0.95, notWorse - 1) * standardDeviation(tickets)) / Math.sqrt(notWorse);
      if (low > -question.margin) found++;
    }
    // Standard error 0.007.
    expect(Math.abs(found / trials - 0.7)).toBeLessThan(0.03);
  });

  it('never ends where the difference sits on the border', () => {
    const question = { sdPerTicket: 0.4, margin: 0.05, level: 0.95 };
    expect(ticketsFor({ ...question, difference: 0 }).different).toBe(Infinity);
    expect(ticketsFor({ ...question, difference: -0.05 }).notWorse).toBe(Infinity);
    expect(ticketsFor({ ...question, difference: 1e-9 }).different).toBe(Infinity);
    expect(ticketsFor({ ...question, difference: 0, sdPerTicket: 0 }).different).toBe(Infinity);
  });

  it('asks for fewer the clearer the matter, and for more the surer one wants to be', () => {
    fc.assert(
      fc.property(positive, positive, positive, (difference, sdPerTicket, margin) => {
        const question = { difference, sdPerTicket, margin, level: 0.95 };
        const { different, notWorse } = ticketsFor(question);
        expect(notWorse).toBeLessThanOrEqual(different);
        expect(Number.isInteger(different) && different >= 2).toBe(true);
        expect(ticketsFor({ ...question, difference: 1.2 * difference }).different).toBeLessThanOrEqual(different);
        expect(ticketsFor({ ...question, sdPerTicket: 1.2 * sdPerTicket }).different).toBeGreaterThanOrEqual(different);
        expect(ticketsFor({ ...question, level: 0.99 }).notWorse).toBeGreaterThanOrEqual(notWorse);
        expect(ticketsFor({ ...question, power: 0.9 }).notWorse).toBeGreaterThanOrEqual(notWorse);
        // Sides of 0 and of the margin are alike.
        expect(ticketsFor({ ...question, difference: -difference }).different).toBe(different);
        expect(ticketsFor({ ...question, difference: -difference - 2 * margin }).notWorse).toBe(notWorse);
      }),
      { numRuns: 60 },
    );
  });

  it('asks the rule of three where no ticket differed', () => {
    const question = { difference: 0, sdPerTicket: 0, margin: 0.05, level: 0.95 };
    expect(ticketsFor(question).notWorse).toBe(59);
    expect(ticketsFor({ ...question, margin: 1 }).notWorse).toBe(2);
  });
});

describe('slicesFor', () => {
  it('is the paired case for two variants, with sqrt(2) sigma as the spread of a difference', () => {
    const slices = slicesFor({ logRatio: -0.2, sigma: 0.3, margin: 0.1, level: 0.95 });
    const pairs = ticketsFor({ difference: 0.2, sdPerTicket: 0.3 * Math.SQRT2, margin: 0.1, level: 0.95 });
    expect(slices).toEqual(pairs);
  });

  it('needs fewer slices where more variants tell what the noise is', () => {
    const question = { logRatio: -0.5, sigma: 0.25, margin: 0, level: 0.95 };
    const [two, twelve] = [slicesFor(question), slicesFor({ ...question, variants: 12 })];
    expect(twelve.different).toBeLessThan(two.different);
    expect(twelve.different).toBeGreaterThanOrEqual(2);
  });

  it('reads a margin as what the first may cost more', () => {
    const question = { sigma: 0.1, margin: Math.log(1.1), level: 0.95 };
    expect(slicesFor({ ...question, logRatio: Math.log(1.1) }).notWorse).toBe(Infinity);
    const leaner = slicesFor({ ...question, logRatio: -0.1 }).notWorse;
    expect(leaner).toBeLessThan(slicesFor({ ...question, logRatio: 0.05 }).notWorse);
    expect(slicesFor({ ...question, logRatio: 0 }).different).toBe(Infinity);
  });
});

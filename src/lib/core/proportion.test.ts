import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilson } from './proportion';

/** Written by tests/oracle/inference.py from statsmodels. */
const { wilson: oracle } = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  wilson: [successes: number, n: number, level: number, low: number, high: number][];
};

describe('wilson', () => {
  it.each(oracle)('%d of %d at %d equals statsmodels', (successes, n, level, low, high) => {
    const out = wilson(successes, n, level);
    expect(out.low).toBeCloseTo(low, 10);
    expect(out.high).toBeCloseTo(high, 10);
    expect(out).toMatchObject({ mid: successes / n, n });
  });

  it("gives Newcombe's published limits (1998, Statistics in Medicine 17, 857-872, table I)", () => {
    for (const [x, n, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      expect(wilson(x, n).low).toBeCloseTo(low, 4);
      expect(wilson(x, n).high).toBeCloseTo(high, 4);
    }
  });

  it('holds the share, stays within [0, 1], has a width, and mirrors', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const x = Math.round(n * share);
        const { mid, low, high } = wilson(x, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(mid);
        expect(high).toBeGreaterThanOrEqual(mid);
        expect(high - low).toBeGreaterThan(0);
        expect(wilson(n - x, n).low).toBeCloseTo(1 - high, 12);
      }),
    );
  });

  it('says without trials that it can be anything', () => {
    expect(wilson(0, 0)).toEqual({ mid: NaN, low: 0, high: 1, n: 0 });
  });
});

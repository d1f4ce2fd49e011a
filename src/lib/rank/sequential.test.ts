import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalQuantile, tCdf } from '../core/distributions';
import { createRandom } from '../core/random';
import { boundaries, tBoundary } from './sequential';

/** Written by tests/oracle/inference.py from SciPy's multivariate normal. */
const { sequential: oracle } = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  sequential: { fractions: number[]; alpha: number; spent: number[]; z: number[] }[];
};

const evenly = (looks: number) => Array.from({ length: looks }, (_, i) => (i + 1) / looks);

describe('boundaries', () => {
  // R's gsDesign (test.type = 2, sfLDOF, alpha = 0.025 a side) and ldbounds (alpha = 0.05) print these.
  it.each([
    [0.05, [4.8769, 3.3569, 2.6803, 2.2898, 2.031]],
    [0.05, [4.3326, 2.9631, 2.359, 2.0141]],
    [0.05, [2.9626, 1.9686]],
    // SeqBounds.jl, which gives alpha = 0.05 to one side.
    [0.1, [3.74955, 2.53993, 2.01604, 1.72014]],
  ])('are the published ones for looks evenly spaced at alpha %d: %j', (alpha, expected) => {
    boundaries(evenly(expected.length), alpha).forEach(({ z }, k) => expect(z).toBeCloseTo(expected[k] as number, 3));
  });

  it.each(oracle)('equal SciPy at $fractions and alpha $alpha', ({ fractions, alpha, spent, z }) => {
    boundaries(fractions, alpha).forEach((look, k) => {
      expect(look.alphaSpent).toBeCloseTo(spent[k] as number, 10);
      expect(Math.abs(look.z - (z[k] as number))).toBeLessThan(2e-4);
    });
  });

  it('are the plain test for a single look at the end', () => {
    const [look] = boundaries([1], 0.05);
    expect(look?.z).toBeCloseTo(normalQuantile(0.975), 8);
    expect(look?.nominal).toBeCloseTo(0.05, 8);
    expect(look?.alphaSpent).toBeCloseTo(0.05, 12);
  });

  it('spend more from look to look, all of alpha at the end, and do not depend on what comes later', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 5, max: 99 }), { minLength: 1, maxLength: 6 }),
        fc.double({ min: 0.005, max: 0.2, noNaN: true }),
        (percents, alpha) => {
          const fractions = [...percents.sort((a, b) => a - b).map((p) => p / 100), 1];
          const looks = boundaries(fractions, alpha);
          expect(looks.at(-1)?.alphaSpent).toBeCloseTo(alpha, 12);
          looks.forEach(({ z, nominal, alphaSpent }, k) => {
            expect(nominal).toBeLessThanOrEqual(alphaSpent * (1 + 1e-5));
            if (k > 0) expect(alphaSpent).toBeGreaterThan(looks[k - 1]?.alphaSpent as number);
            expect(z).toBeGreaterThanOrEqual(normalQuantile(1 - alpha / 2) - 1e-6);
          });
          boundaries(fractions.slice(0, -1), alpha).forEach(({ nominal }, k) =>
            expect(Math.abs(nominal - (looks[k]?.nominal as number))).toBeLessThan(1e-5),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  it('are crossed by chance as often as they say', () => {
    const fractions = [0.25, 0.5, 0.75, 1];
    const looks = boundaries(fractions, 0.1);
    const random = createRandom(7);
    const walks = 40_000;
    let crossed = 0;
    for (let w = 0; w < walks; w++) {
      let s = 0;
      const crosses = looks.some(({ z }, k) => {
        s += 0.5 * random.normal();
        return Math.abs(s) > z * Math.sqrt(fractions[k] as number);
      });
      if (crosses) crossed++;
    }
    // Standard error 0.0015.
    expect(Math.abs(crossed / walks - 0.1)).toBeLessThan(0.006);
  });

  it('takes a look after a very small step, one very early, and no look that does not add information', () => {
    const looks = boundaries([0.001, 0.5, 0.5001, 1], 0.05);
    expect(looks[0]?.z).toBeGreaterThan(8);
    expect(looks.every(({ z }) => z > 1.9)).toBe(true);
    expect(boundaries([], 0.05)).toEqual([]);
    expect(() => boundaries([0.5, 0.5], 0.05)).toThrow(RangeError);
    expect(() => boundaries([0.5, 1.1], 0.05)).toThrow(RangeError);
    expect(() => boundaries([0], 0.05)).toThrow(RangeError);
  });
});

describe('tBoundary', () => {
  it('has the nominal p value in both tails of t', () => {
    for (const { z, nominal } of boundaries(evenly(4), 0.05)) {
      const t = tBoundary(nominal, 11);
      expect(2 * tCdf(-t, 11)).toBeCloseTo(nominal, 10);
      expect(t).toBeGreaterThan(z);
      expect(tBoundary(nominal, Infinity)).toBeCloseTo(z, 6);
    }
  });
});

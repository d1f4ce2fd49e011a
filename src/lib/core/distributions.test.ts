import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxT, normalCdf, normalQuantile, tCdf, tQuantile } from './distributions';

/** Written by tests/oracle/inference.py; a df of null is Infinity. */
const oracle = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  distributions: {
    normalCdf: [x: number, p: number][];
    normalQuantile: [p: number, x: number][];
    tCdf: [x: number, df: number | null, p: number][];
    tQuantile: [p: number, df: number | null, x: number][];
  };
  maxT: {
    allPairsOf?: number;
    correlation?: number[][];
    df: number | null;
    level: number;
    quantile: number;
  }[];
};

/** |actual - expected| as a share of the expected value; the plain difference for 0. */
const off = (actual: number, expected: number) => Math.abs(actual - expected) / (Math.abs(expected) || 1);

/** Correlations of all differences between k independent means. */
function allPairs(k: number): number[][] {
  const pairs = Array.from({ length: k }, (_, i) => i).flatMap((i) =>
    Array.from({ length: k - i - 1 }, (_, d) => [i, i + d + 1] as const),
  );
  const same = (a: number, b: number) => (a === b ? 1 : 0);
  return pairs.map(([i, j]) => pairs.map(([m, n]) => (same(i, m) - same(i, n) - same(j, m) + same(j, n)) / 2));
}

/** Every contrast correlated with every other one by r. */
const equal = (k: number, r: number) =>
  Array.from({ length: k }, (_, i) => Array.from({ length: k }, (_, j) => (i === j ? 1 : r)));

const df = fc.double({ min: 1, max: 1e4, noNaN: true });
const p = fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true });

describe('normal and Student t', () => {
  it.each(oracle.distributions.normalCdf)('normalCdf(%d) equals SciPy', (x, expected) => {
    expect(off(normalCdf(x), expected)).toBeLessThan(1e-11);
  });

  it.each(oracle.distributions.normalQuantile)('normalQuantile(%d) equals SciPy', (x, expected) => {
    // Near 0 a quantile is a difference from 1/2, which has 16 digits.
    expect(Math.abs(normalQuantile(x) - expected)).toBeLessThan(1e-11 * Math.max(1, Math.abs(expected)));
  });

  it('t equals SciPy for whole, real, huge and infinite degrees of freedom', () => {
    for (const [x, n, expected] of oracle.distributions.tCdf) {
      expect(off(tCdf(x, n ?? Infinity), expected), `tCdf(${x}, ${n})`).toBeLessThan(1e-9);
    }
    for (const [x, n, expected] of oracle.distributions.tQuantile) {
      expect(off(tQuantile(x, n ?? Infinity), expected), `tQuantile(${x}, ${n})`).toBeLessThan(1e-8);
    }
  });

  it('has quantiles that the distribution function undoes', () => {
    fc.assert(
      fc.property(p, df, (q, n) => {
        expect(off(tCdf(tQuantile(q, n), n), q)).toBeLessThan(1e-10);
        expect(off(normalCdf(normalQuantile(q)), q)).toBeLessThan(1e-12);
      }),
    );
  });

  it('is symmetric, and t has the heavier tail the fewer its degrees of freedom', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 30, noNaN: true }), df, (x, n) => {
        expect(tCdf(x, n) + tCdf(-x, n)).toBeCloseTo(1, 12);
        expect(tCdf(-x, n)).toBeGreaterThanOrEqual(tCdf(-x, n * 1.5) * (1 - 1e-10));
        expect(tCdf(-x, n)).toBeGreaterThanOrEqual(normalCdf(-x));
      }),
    );
  });

  it('has its limits at the ends, and no value beyond them', () => {
    expect([normalQuantile(0), normalQuantile(0.5), normalQuantile(1)]).toEqual([-Infinity, 0, Infinity]);
    expect(tQuantile(0.5, 3)).toBe(0);
    expect([tCdf(-Infinity, 3), tCdf(0, 3), tCdf(Infinity, 3)]).toEqual([0, 0.5, 1]);
    expect([normalCdf(-Infinity), normalCdf(Infinity)]).toEqual([0, 1]);
    expect([normalQuantile(-0.1), normalQuantile(1.1), normalQuantile(NaN)]).toEqual([NaN, NaN, NaN]);
  });
});

describe('maxT', () => {
  it.each(oracle.maxT)('equals SciPy: $allPairsOf $df $level', (row) => {
    const matrix = row.correlation ?? allPairs(row.allPairsOf as number);
    expect(Math.abs(maxT(matrix, row.df ?? Infinity, row.level) - row.quantile)).toBeLessThan(0.01);
  });

  it('is exactly t for one contrast, for copies of it, and beside contrasts without variance', () => {
    const t = tQuantile(0.975, 7);
    expect(maxT([[1]], 7, 0.95)).toBe(t);
    expect(maxT([], 7, 0.95)).toBe(t);
    expect(maxT(equal(5, 1), 7, 0.95)).toBe(t);
    expect(
      maxT(
        [
          [1, -1],
          [-1, 1],
        ],
        7,
        0.95,
      ),
    ).toBe(t);
    const withZeros = [
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ];
    expect(maxT(withZeros, 7, 0.95)).toBe(t);
  });

  it('does not count a contrast twice', () => {
    const base = equal(4, 0.3);
    const doubled = [0, 1, 2, 3, 0, 2].map((i, _, all) => all.map((j) => base[i]?.[j] as number));
    expect(maxT(doubled, 12, 0.95)).toBeCloseTo(maxT(base, 12, 0.95), 6);
  });

  it('is Sidak for independent contrasts without estimated variance', () => {
    for (const k of [2, 5, 20]) {
      const sidak = normalQuantile((1 + 0.95 ** (1 / k)) / 2);
      expect(Math.abs(maxT(equal(k, 0), Infinity, 0.95) - sidak)).toBeLessThan(0.01);
    }
  });

  it('lies between one contrast and Bonferroni, and falls as correlation and degrees of freedom rise', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 2, max: 60 }),
        (k, r, n) => {
          const c = maxT(equal(k, r / 10), n, 0.95);
          expect(c).toBeGreaterThan(tQuantile(0.975, n));
          expect(c).toBeLessThan(tQuantile(1 - 0.025 / k, n));
          expect(maxT(equal(k, (r + 1) / 10), n, 0.95)).toBeLessThan(c + 0.005);
          expect(maxT(equal(k, r / 10), n + 1, 0.95)).toBeLessThan(c);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('gives the same number each time, and takes a matrix that rounding made indefinite', () => {
    const rounded = allPairs(6).map((row) => row.map((v) => Math.round(v * 127) / 127));
    expect(maxT(rounded, 10, 0.95)).toBe(maxT(rounded, 10, 0.95));
    expect(Math.abs(maxT(rounded, 10, 0.95) - maxT(allPairs(6), 10, 0.95))).toBeLessThan(0.01);
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mean, sum } from '../core/stats';
import { macroF1 } from './classification';
import { perCause } from './per-cause';
import { identity } from './statistic';

/** Written by tests/oracle/inference.py from scikit-learn's classification_report. */
const { perCause: oracle } = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  perCause: {
    truth: string[];
    predicted: string[];
    rows: { cause: string; precision: number; recall: number; f1: number; n: number }[];
  };
};

const labels = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('a', 'b', 'c', 'e')), {
  minLength: 1,
});

describe('perCause', () => {
  it('equals scikit-learn', () => {
    const rows = perCause(oracle.truth, oracle.predicted);
    expect(rows.map(({ cause }) => cause)).toEqual(oracle.rows.map(({ cause }) => cause));
    rows.forEach((row, i) => {
      const expected = oracle.rows[i] as (typeof oracle.rows)[0];
      expect(row.precision?.mid ?? 0).toBeCloseTo(expected.precision, 10);
      expect(row.recall?.mid ?? 0).toBeCloseTo(expected.recall, 10);
      expect(row.f1.mid).toBeCloseTo(expected.f1, 10);
      expect(row.nTrue).toBe(expected.n);
    });
  });

  it('adds up to the tickets and to macro-F1, with every share inside its interval', () => {
    fc.assert(
      fc.property(labels, (pairs) => {
        const [truth, predicted] = [pairs.map(([t]) => t), pairs.map(([, p]) => p)];
        const rows = perCause(truth, predicted);
        expect(sum(rows.map(({ nTrue }) => nTrue))).toBe(pairs.length);
        expect(sum(rows.map(({ nPredicted }) => nPredicted))).toBe(pairs.length);
        expect(mean(rows.map(({ f1 }) => f1.mid))).toBeCloseTo(
          macroF1(truth, predicted).value(identity(pairs.length)),
          12,
        );
        for (const { precision, recall, f1 } of rows)
          for (const share of [precision, recall, f1]) {
            if (share === null) continue;
            expect(share.low).toBeLessThanOrEqual(share.mid + 1e-12);
            expect(share.high).toBeGreaterThanOrEqual(share.mid - 1e-12);
            expect(share.high - share.low).toBeGreaterThan(0);
          }
      }),
    );
  });

  it('has no precision of what was never said, and no recall of what never was', () => {
    expect(perCause(['a', 'a'], ['b', 'a'])).toMatchObject([
      { cause: 'a', precision: { mid: 1, n: 1 }, recall: { mid: 0.5, n: 2 }, f1: { mid: 2 / 3, n: 2 }, nTrue: 2 },
      { cause: 'b', precision: { mid: 0, n: 1 }, recall: null, f1: { mid: 0 }, nTrue: 0, nPredicted: 1 },
    ]);
    expect(perCause(['a'], ['b'])[0]?.precision).toBeNull();
    expect(perCause([], [])).toEqual([]);
  });
});

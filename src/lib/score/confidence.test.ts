import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilson } from '../core/proportion';
import { createRandom } from '../core/random';
import {
  abstainThreshold,
  coverage,
  fitTemperature,
  reliability,
  probabilities,
  type ConfidenceRow,
} from './confidence';

/** Written by tests/oracle/inference.py with scipy.optimize. */
const { confidence: oracle } = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  confidence: { scores: number[][]; truth: number[]; temperature: number; nll: number }[];
};

const rowsOf = ({ scores, truth }: { scores: number[][]; truth: number[] }): ConfidenceRow[] =>
  scores.map((s, i) => ({ scores: s, truth: truth[i] as number }));

const nll = (rows: readonly ConfidenceRow[], temperature: number) =>
  rows.reduce((sum, { scores, truth }) => sum - Math.log(probabilities(scores, temperature)[truth] as number), 0) /
  rows.length;

/** Two causes; the answer is cause 0 with this confidence. */
const row = (confidence: number, right: boolean): ConfidenceRow => ({
  scores: [Math.log(confidence), Math.log(1 - confidence)],
  truth: right ? 0 : 1,
});

const anyRows = fc
  .tuple(fc.integer({ min: 10, max: 60 }), fc.integer({ min: 2, max: 6 }), fc.integer())
  .map(([n, causes, seed]): ConfidenceRow[] => {
    const random = createRandom(seed);
    return Array.from({ length: n }, () => ({
      scores: Array.from({ length: causes }, () => -8 * random.next()),
      truth: random.int(causes),
    }));
  });

describe('fitTemperature', () => {
  it.each(oracle.map((o) => [o.temperature, o] as const))('equals scipy.optimize: %d', (temperature, o) => {
    const fitted = fitTemperature(rowsOf(o)) as number;
    expect(Math.abs(fitted / temperature - 1)).toBeLessThan(1e-5);
    expect(nll(rowsOf(o), fitted)).toBeCloseTo(o.nll, 9);
  });

  it('is no worse than any other temperature within its bounds', () => {
    fc.assert(
      fc.property(anyRows, fc.double({ min: 0.05, max: 20, noNaN: true }), (rows, other) => {
        const fitted = fitTemperature(rows);
        if (fitted === null) return;
        expect(fitted).toBeGreaterThanOrEqual(0.0499);
        expect(fitted).toBeLessThanOrEqual(20.001);
        expect(nll(rows, fitted)).toBeLessThanOrEqual(nll(rows, other) + 1e-9);
      }),
    );
  });

  it('undoes a temperature, and ends at its bounds where the scores always or never fit', () => {
    const rows = rowsOf(oracle[1] as (typeof oracle)[0]);
    const hot = rows.map(({ scores, truth }) => ({ scores: scores.map((s) => s * 3 - 7), truth }));
    expect(fitTemperature(hot)).toBeCloseTo(3 * (fitTemperature(rows) as number), 8);
    const perfect = Array.from({ length: 12 }, (_, i) => ({ scores: i % 2 ? [0, -1] : [-1, 0], truth: i % 2 ? 0 : 1 }));
    expect(fitTemperature(perfect)).toBeCloseTo(0.05, 8);
    expect(fitTemperature(perfect.map(({ scores, truth }) => ({ scores, truth: 1 - truth })))).toBeCloseTo(20, 8);
  });

  it('is null where there is nothing to fit', () => {
    const rows = Array.from({ length: 30 }, (_, i) => row(0.8, i % 4 > 0));
    expect(fitTemperature(rows.slice(0, 9))).toBeNull();
    expect(fitTemperature(rows.map((r) => ({ ...r, truth: 0 })))).toBeNull();
    expect(fitTemperature(rows.map((r) => ({ ...r, truth: -1 })))).toBeNull();
    // Three of four right at a stated 0.8: logit(0.8) / logit(0.75) (8 of 30 are wrong).
    expect(fitTemperature(rows)).toBeCloseTo(Math.log(4) / Math.log(22 / 8), 8);
  });

  it('takes causes without any probability', () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({
      scores: [Math.log(0.8), Math.log(0.2), -Infinity],
      truth: i % 4 ? 0 : 1,
    }));
    expect(fitTemperature(rows)).toBeCloseTo(Math.log(4) / Math.log(3), 8);
  });
});

describe('reliability', () => {
  it('puts mean confidence beside accuracy, bin by bin', () => {
    const rows = [row(0.95, true), row(0.93, false), row(0.7, true), row(0.62, true), { scores: [0, -9], truth: -1 }];
    const { bins, ece } = reliability(rows, 1);
    expect(bins).toHaveLength(10);
    expect(bins.map(({ n }) => n)).toEqual([0, 0, 0, 0, 0, 0, 2, 0, 0, 3]);
    expect(bins[6]).toMatchObject({ low: 0.6, high: 0.7, accuracy: 1 });
    expect(bins[6]?.confidence).toBeCloseTo(0.66, 12);
    expect(bins[9]?.accuracy).toBeCloseTo(1 / 3, 12);
    expect(bins[0]).toEqual({ low: 0, high: 0.1, n: 0, confidence: null, accuracy: null });
    const sure = 1 / (1 + Math.exp(-9));
    expect(ece).toBeCloseTo((2 * 0.34 + (0.95 + 0.93 + sure - 1)) / 5, 12);
  });

  it('counts every ticket once, and has an error between 0 and 1', () => {
    fc.assert(
      fc.property(
        anyRows,
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.integer({ min: 1, max: 30 }),
        (rows, t, k) => {
          const { bins, ece } = reliability(rows, t, k);
          expect(bins.reduce((sum, { n }) => sum + n, 0)).toBe(rows.length);
          for (const bin of bins) {
            if (bin.confidence === null) continue;
            expect(bin.confidence).toBeGreaterThan(bin.low - 1e-12);
            expect(bin.confidence).toBeLessThan(bin.high + 1e-12);
          }
          expect(ece).toBeGreaterThanOrEqual(0);
          expect(ece).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('is nearly without error for confidences that are true, and not for those sharpened', () => {
    const random = createRandom(5);
    const rows = Array.from({ length: 4000 }, () => {
      const confidence = 0.5 + 0.5 * random.next();
      return row(confidence, random.chance(confidence));
    });
    expect(reliability(rows, 1).ece).toBeLessThan(0.03);
    expect(reliability(rows, 0.4).ece).toBeGreaterThan(0.1);
    expect(fitTemperature(rows)).toBeCloseTo(1, 1);
  });
});

describe('coverage', () => {
  const rows = [row(0.9, true), row(0.6, false), row(0.9, false), row(0.99, true), row(0.7, true), row(0.8, true)];

  it('answers the surest first, and those of one confidence together', () => {
    const points = coverage(rows, 1);
    expect(points.map(({ n }) => n)).toEqual([1, 3, 4, 5, 6]);
    expect(points.map(({ accuracy }) => accuracy)).toEqual([1, 2 / 3, 3 / 4, 4 / 5, 4 / 6]);
    expect(points.map(({ coverage: share }) => share)).toEqual([1 / 6, 3 / 6, 4 / 6, 5 / 6, 1]);
    expect(points[1]?.threshold).toBeCloseTo(0.9, 12);
    expect(coverage([], 1)).toEqual([]);
  });

  it('ends with every ticket, at the plain accuracy; a temperature changes thresholds, not the order of two causes', () => {
    fc.assert(
      fc.property(anyRows, (all) => {
        const points = coverage(all, 1.7);
        expect(points.at(-1)).toMatchObject({ coverage: 1, n: all.length });
        points.slice(1).forEach(({ threshold }, i) => expect(threshold).toBeLessThan(points[i]?.threshold as number));
      }),
    );
    expect(coverage(rows, 3).map(({ n }) => n)).toEqual([1, 3, 4, 5, 6]);
  });

  it('abstains as little as the target allows, and says how sure that is', () => {
    // 0.7 is reached at 1, 4 and 5 answers, not at 3 and 6: the most answers count.
    expect(abstainThreshold(rows, 1, 0.7)).toEqual({ ...coverage(rows, 1)[3], lower: wilson(4, 5).low });
    expect(abstainThreshold(rows, 1, 0.95)).toMatchObject({ n: 1, accuracy: 1 });
    expect(abstainThreshold(rows, 1, 0.5)).toMatchObject({ n: 6, coverage: 1 });
    expect(abstainThreshold([row(0.9, false), row(0.8, true)], 1, 0.9)).toBeNull();
    expect(abstainThreshold([], 1, 0.9)).toBeNull();
  });
});

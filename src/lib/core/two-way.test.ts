import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mean, standardDeviation } from './stats';
import { twoWay, type Cell } from './two-way';

/** Written by tests/oracle/inference.py with NumPy's lstsq and pinv. */
const { twoWay: oracle } = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  twoWay: {
    rows: number;
    columns: number;
    cells: Cell[];
    df: number;
    variance: number;
    residuals: number[];
    pairs: [number, number][];
    differences: number[];
    factors: number[];
    correlation: number[][];
  }[];
};

const table = (ys: readonly (readonly number[])[]): Cell[] =>
  ys.flatMap((row, i) => row.map((y, j) => ({ row: i, column: j, y })));

describe('twoWay', () => {
  it.each(oracle)('equals NumPy: $rows x $columns, df $df', (o) => {
    const out = twoWay(o.cells, o.rows, o.columns);
    expect(out.df).toBe(o.df);
    expect(out.variance).toBeCloseTo(o.variance, 9);
    o.residuals.forEach((r, k) => expect(out.residuals[k]).toBeCloseTo(r, 9));
    o.pairs.forEach(([i, j], k) => {
      expect((out.effects[i] as number) - (out.effects[j] as number)).toBeCloseTo(o.differences[k] as number, 9);
      expect(out.pair(i, j)).toBeCloseTo(o.factors[k] as number, 9);
    });
    const correlation = out.correlation(o.pairs.slice(0, o.correlation.length));
    o.correlation.forEach((row, a) => row.forEach((r, b) => expect(correlation[a]?.[b]).toBeCloseTo(r, 9)));
    expect(out.effects.reduce((a, b) => a + b)).toBeCloseTo(0, 10);
  });

  it('is the paired t-test for two complete rows', () => {
    const [a, b] = [
      [1, 4, 2, 8, 5],
      [2, 4.5, 1, 6, 4.25],
    ] as const;
    const out = twoWay(table([a, b]), 2, 5);
    const differences = a.map((x, i) => x - (b[i] as number));
    expect((out.effects[0] as number) - (out.effects[1] as number)).toBeCloseTo(mean(differences), 12);
    const error = Math.sqrt((out.variance as number) * (out.pair(0, 1) as number));
    expect(error).toBeCloseTo(standardDeviation(differences) / Math.sqrt(5), 12);
    expect(out.df).toBe(4);
  });

  it('does not see what a column adds to all its rows, nor an order of the cells', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 }), {
          minLength: 2,
          maxLength: 5,
        }),
        fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 4, maxLength: 4 }),
        (ys, shift) => {
          const plain = twoWay(table(ys), ys.length, 4);
          const moved = twoWay(
            table(ys.map((row) => row.map((y, j) => y + (shift[j] as number)))).reverse(),
            ys.length,
            4,
          );
          plain.effects.forEach((e, i) => expect(moved.effects[i]).toBeCloseTo(e, 8));
          expect(moved.variance).toBeCloseTo(plain.variance as number, 6);
          // Complete blocks: twice the variance of one cell over their number.
          expect(plain.pair(0, 1)).toBeCloseTo(2 / 4, 12);
        },
      ),
    );
  });

  it('weighs a cell of weight 2 as two cells, and leaves one of weight 0 out', () => {
    const cells = table([
      [1, 5, 2],
      [3, 4, 7],
    ]);
    const heavy = twoWay(
      [...cells.slice(1), { row: 0, column: 0, y: 1, weight: 2 }, { row: 1, column: 1, y: 99, weight: 0 }],
      2,
      3,
    );
    const twice = twoWay([...cells, { row: 0, column: 0, y: 1 }], 2, 3);
    expect(heavy.effects[0]).toBeCloseTo(twice.effects[0] as number, 12);
    expect(heavy.pair(0, 1)).toBeCloseTo(twice.pair(0, 1) as number, 12);
    expect(heavy.df).toBe(twice.df - 1);
    expect(heavy.residuals.at(-1)).toBeNaN();
  });

  it('keeps apart what no column joins', () => {
    // Rows 0, 1 and 2 form a chain over columns 0 and 1; rows 3 and 4 share column 2; row 5 has no cell.
    const out = twoWay(
      [
        { row: 0, column: 0, y: 1 },
        { row: 1, column: 0, y: 3 },
        { row: 1, column: 1, y: 10 },
        { row: 2, column: 1, y: 14 },
        { row: 3, column: 2, y: 5 },
        { row: 4, column: 2, y: 6 },
      ],
      6,
      4,
    );
    expect(out.connected(0, 2)).toBe(true);
    expect((out.effects[2] as number) - (out.effects[0] as number)).toBeCloseTo(6, 12);
    // Two differences of two cells each.
    expect(out.pair(0, 2)).toBeCloseTo(4, 12);
    expect(out.connected(0, 3)).toBe(false);
    expect(out.pair(0, 3)).toBeNull();
    expect(out.pair(5, 0)).toBeNull();
    expect(out.pair(5, 5)).toBeNull();
    expect(out.pair(3, 3)).toBe(0);
    expect(out.effects[5]).toBeNaN();
    expect(out.columnEffects[3]).toBeNaN();
    // Every cell has its own parameter: nothing is left to estimate a variance from.
    expect(out.df).toBe(0);
    expect(out.variance).toBeNull();
    expect(out.residuals.every((r) => Math.abs(r) < 1e-12)).toBe(true);
    const correlation = out.correlation([
      [0, 2],
      [0, 3],
      [3, 4],
      [1, 1],
    ]);
    expect(correlation).toEqual([
      [1, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ]);
  });

  it('is empty for nothing', () => {
    const out = twoWay([], 2, 1);
    expect(out.df).toBe(0);
    expect(out.variance).toBeNull();
    expect(out.connected(0, 1)).toBe(false);
  });
});

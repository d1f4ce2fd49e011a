import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { drawTickets, pairedDifference, rareDifference, tango, tangoLower, type PairedCounts } from './paired';
import { identity, meanStatistic } from './statistic';

/** Written by tests/oracle/inference.py: the score equation solved with a numerically maximised likelihood. */
const { tango: oracle } = JSON.parse(readFileSync('tests/fixtures/inference.json', 'utf8')) as {
  tango: (PairedCounts & { level: number; low: number; high: number })[];
};

/** Counts of n tickets; both kinds of difference may be 0 or all. */
const counts = fc
  .tuple(
    fc.integer({ min: 1, max: 300 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([n, differing, first]): PairedCounts => {
    const d = Math.round(n * differing ** 2);
    const b = Math.round(d * first);
    return { n, b, c: d - b };
  });

/** Probability of (b, c) when a ticket is of either kind with probability p and q. */
function trinomial({ n, b, c }: PairedCounts, p: number, q: number): number {
  const logFactorial = (k: number) => Array.from({ length: k }, (_, i) => Math.log(i + 1)).reduce((a, x) => a + x, 0);
  const log =
    logFactorial(n) - logFactorial(b) - logFactorial(c) - logFactorial(n - b - c) + (n - b - c) * Math.log(1 - p - q);
  return Math.exp(log) * p ** b * q ** c;
}

/** All tables of n tickets with their probability. */
const tables = (n: number, p: number, q: number) =>
  Array.from({ length: n + 1 }, (_, b) =>
    Array.from({ length: n - b + 1 }, (_, c) => ({ n, b, c, probability: trinomial({ n, b, c }, p, q) })),
  ).flat();

/** What two variants with these counts score on common draws. */
function accuracyDraws({ n, b, c }: PairedCounts, resamples = 400) {
  const first = meanStatistic(Array.from({ length: n }, (_, i) => (i >= b && i < b + c ? 0 : 1)));
  const second = meanStatistic(Array.from({ length: n }, (_, i) => (i < b ? 0 : 1)));
  const draws = drawTickets(n, { resamples });
  return {
    difference: first.value(identity(n)) - second.value(identity(n)),
    first: draws.map((draw) => first.value(draw)),
    second: draws.map((draw) => second.value(draw)),
  };
}

const ofAccuracy = (table: PairedCounts, level?: number) =>
  pairedDifference({ ...accuracyDraws(table), n: table.n, kind: table }, level);

describe('drawTickets', () => {
  it('draws n tickets with replacement, the same for the same seed', () => {
    const draws = drawTickets(30, { resamples: 500 });
    expect(draws).toHaveLength(500);
    expect(draws.every((draw) => draw.length === 30 && draw.every((i) => i >= 0 && i < 30))).toBe(true);
    expect(drawTickets(30, { resamples: 500 })).toEqual(draws);
    expect(drawTickets(30, { resamples: 500, seed: 2 })).not.toEqual(draws);
    const seen = new Int32Array(30);
    for (const draw of draws) for (const i of draw) seen[i] = (seen[i] as number) + 1;
    // 500 each, standard deviation 22.
    for (const n of seen) expect(Math.abs(n - 500)).toBeLessThan(110);
  });

  it('draws the tickets of a group together', () => {
    const groups = ['a', null, 'a', 'b', null, 'b', 'b'];
    for (const draw of drawTickets(7, { resamples: 100, groups })) {
      const times = (i: number) => draw.filter((j) => j === i).length;
      expect(times(0)).toBe(times(2));
      expect([times(5), times(6)]).toEqual([times(3), times(3)]);
      // Four units: a, b and the two that are alone.
      expect(times(0) + times(1) + times(3) + times(4)).toBe(4);
    }
  });
});

describe('tango', () => {
  it.each(oracle)('n $n, b $b, c $c at $level solves the score equation', ({ level, low, high, ...table }) => {
    expect(tango(table, level).low).toBeCloseTo(low, 8);
    expect(tango(table, level).high).toBeCloseTo(high, 8);
  });

  it.each<[table: [number, number, number, number], level: number, low: number, high: number, source: string]>([
    // [both, only first, only second, neither], level, limits as printed, source.
    [[4, 9, 3, 16], 0.95, -0.027, 0.39, 'Tango 1998, as the tests of the R package ratesci quote it'],
    [[43, 0, 1, 0], 0.9, -0.096, 0.037, 'Tango 1998, contact lenses, likewise'],
    [[53, 16, 8, 9], 0.95, -0.02, 0.207, 'Agresti and Min 2005, Statistics in Medicine 24, 729-740, likewise'],
    [
      [1, 1, 7, 12],
      0.95,
      -0.517,
      -0.026,
      'Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33, 2850-2875, likewise',
    ],
    [[59, 6, 16, 80], 0.95, -0.124, -0.0054, 'tests of the R package contingencytables, cavo_2012'],
  ])('%j at %d: %d to %d (%s)', ([a, b, c, d], level, low, high) => {
    const out = tango({ n: a + b + c + d, b, c }, level);
    expect(Math.abs(out.low - low)).toBeLessThan(0.0006);
    expect(Math.abs(out.high - high)).toBeLessThan(0.0006);
  });

  it('equals PropCIs::scoreci.mp(25, 28, 618, 0.90), which takes the second minus the first', () => {
    const out = tango({ n: 618, b: 28, c: 25 }, 0.9);
    expect(out.low).toBeCloseTo(-0.0148, 4);
    expect(out.high).toBeCloseTo(0.0247, 4);
  });

  it('holds the difference, stays within [-1, 1], mirrors, and grows with the level', () => {
    fc.assert(
      fc.property(counts, (table) => {
        const { low, high } = tango(table, 0.95);
        const mid = (table.b - table.c) / table.n;
        expect(low).toBeGreaterThanOrEqual(-1);
        expect(low).toBeLessThanOrEqual(mid);
        expect(high).toBeGreaterThanOrEqual(mid);
        expect(high).toBeLessThanOrEqual(1);
        expect(high - low).toBeGreaterThan(0);
        const mirrored = tango({ n: table.n, b: table.c, c: table.b }, 0.95);
        expect(mirrored.low).toBeCloseTo(-high, 10);
        const wide = tango(table, 0.99);
        expect(wide.low).toBeLessThanOrEqual(low);
        expect(wide.high).toBeGreaterThanOrEqual(high);
        expect(tangoLower(table, 0.975)).toBeCloseTo(low, 10);
        expect(tangoLower(table, 0.95)).toBeGreaterThanOrEqual(low);
      }),
    );
  });

  it('moves up with every ticket that the first wins and down with every one that it loses', () => {
    for (let b = 0; b < 9; b++)
      for (let c = 0; c < 9; c++) {
        expect(tangoLower({ n: 30, b: b + 1, c }, 0.95)).toBeGreaterThan(tangoLower({ n: 30, b, c }, 0.95));
        expect(tangoLower({ n: 30, b, c: c + 1 }, 0.95)).toBeLessThan(tangoLower({ n: 30, b, c }, 0.95));
      }
  });
});

describe('rareDifference', () => {
  it('needs 59 tickets for a margin of 0.05, 72 for both sides', () => {
    expect(rareDifference(59, 0.05)).toBeCloseTo(0.0495, 4);
    expect(rareDifference(58, 0.05)).toBeCloseTo(0.0503, 4);
    expect(rareDifference(72, 0.025)).toBeLessThan(0.05);
    expect(rareDifference(71, 0.025)).toBeGreaterThan(0.05);
    expect(rareDifference(1000, 0.05)).toBeCloseTo(3 / 1000, 4);
    expect(rareDifference(0, 0.05)).toBe(1);
  });
});

describe('pairedDifference', () => {
  it('says of two variants that never differ what the number of tickets allows, not 0 to 0', () => {
    const out = ofAccuracy({ n: 24, b: 0, c: 0 });
    expect(out.mid).toBe(0);
    expect(out.high).toBeCloseTo(rareDifference(24, 0.025), 12);
    expect(out.low).toBe(-out.high);
    expect(out.lowOneSided).toBeCloseTo(-rareDifference(24, 0.05), 12);
    expect(out.sd).toBeCloseTo(out.high / 1.959964, 6);
    const same = { difference: 0, first: [0.4, 0.6], second: [0.4, 0.6], n: 24 };
    expect(pairedDifference({ ...same, kind: { differing: 0, range: 100 } }).high).toBeCloseTo(100 * out.high, 9);
    // Nothing bounds what an unseen difference of an unbounded metric does.
    expect(pairedDifference({ ...same, kind: { differing: 0, range: Infinity } }).low).toBe(-Infinity);
  });

  it("is Tango's below ten odd tickets, the bootstrap from there on, and the two agree where they meet", () => {
    const below = { n: 60, b: 3, c: 6 };
    const from = { n: 60, b: 3, c: 7 };
    const [few, enough] = [ofAccuracy(below), ofAccuracy(from)];
    expect(few).toMatchObject({ ...tango(below, 0.95), lowOneSided: tangoLower(below, 0.95) });
    expect(enough.low).not.toBe(tango(from, 0.95).low);
    expect(Math.abs(enough.low - tango(from, 0.95).low)).toBeLessThan(0.025);
    expect(enough.sd / few.sd).toBeGreaterThan(0.9);
    expect(enough.sd / few.sd).toBeLessThan(1.2);
  });

  it('widens another metric that few tickets move to what may have gone unseen', () => {
    const random = createRandom(3);
    const first = Array.from({ length: 500 }, () => 0.5 + 0.001 * random.normal());
    const second = first.map(() => 0.5);
    const metric = { difference: 0, first, second, n: 40 };
    const few = pairedDifference({ ...metric, kind: { differing: 9, range: 1 } });
    expect(few.low).toBeCloseTo(-rareDifference(40, 0.025), 12);
    const many = pairedDifference({ ...metric, kind: { differing: 10, range: 1 } });
    expect(many.sd).toBeCloseTo(0.001, 4);
    expect(many.high - many.low).toBeLessThan(0.005);
  });

  it('never has an interval without width, and always holds its point within the range', () => {
    fc.assert(
      fc.property(counts, (table) => {
        const out = ofAccuracy(table);
        expect(out.high - out.low).toBeGreaterThan(0);
        expect(out.sd).toBeGreaterThan(0);
        expect(out.low).toBeLessThanOrEqual(out.mid);
        expect(out.high).toBeGreaterThanOrEqual(out.mid);
        expect(out.lowOneSided).toBeGreaterThanOrEqual(out.low);
        expect(out.lowOneSided).toBeLessThanOrEqual(out.mid);
        expect(out.low).toBeGreaterThanOrEqual(-1);
        expect(out.high).toBeLessThanOrEqual(1);
      }),
      { numRuns: 50 },
    );
  });

  it('leaves out draws where the metric is undefined', () => {
    const first = Array.from({ length: 100 }, (_, i) => (i % 3 ? i / 100 : NaN));
    const out = pairedDifference({
      difference: 0.5,
      first,
      second: first.map(() => 0),
      n: 50,
      kind: { differing: 20, range: 1 },
    });
    expect(Object.values(out).every(Number.isFinite)).toBe(true);
  });

  // A plain bootstrap over 24 tickets covers 0.75 there, and declares "not worse by more than 0.05" in 24 %.
  it.each([
    [24, 0, 0.06],
    [24, 0.02, 0.08],
    [40, 0.01, 0.06],
  ])('covers the truth, added up over all tables of %d tickets (%d and %d differ)', (n, p, q) => {
    let covered = 0;
    let misjudged = 0;
    for (const { probability, ...table } of tables(n, p, q)) {
      if (probability < 1e-9) continue;
      const { low, high, lowOneSided } = ofAccuracy(table);
      if (low <= p - q && p - q <= high) covered += probability;
      if (lowOneSided >= p - q) misjudged += probability;
    }
    expect(covered).toBeGreaterThan(0.93);
    expect(misjudged).toBeLessThan(0.05);
  });
});

import { describe, expect, it } from 'vitest';
import { decide } from './decide';
import { between, exact, exampleReading, exampleResult, exampleRun } from './example';
import { foldRuns } from './fold';
import { extremeHours, hoursIn, meanIntensity, whatIf, yearlyOf, type Workload } from './what-if';

const LOAD: Workload = { ticketsPerDay: 1_000_000 / 365, price: 0.3, grid: 400 };

/** Nine slices of two models and the baseline; int8 takes half of fp16, give or take what a slice differs by. */
function folded(joules: Record<string, number> = { fp16: 4, int8: 2, baseline: 0.001 }) {
  const runs = Object.entries(joules).flatMap(([variant, j], v) =>
    Array.from({ length: 9 }, (_, slice) =>
      exampleRun({
        id: `${variant} ${slice}`,
        variant,
        engine: variant === 'baseline' ? 'classical' : 'cpu',
        slice,
        block: slice,
        phases: [exampleReading('prefill', 2 * j * (1 + 0.02 * Math.sin(7 * slice + 3 * v)))],
      }),
    ),
  );
  return foldRuns(runs);
}
const device = (results: ReturnType<typeof folded>['results'], more = {}) => ({
  results,
  checkpoint: 'model',
  dataset: 'tickets',
  tasks: ['rca'],
  prompts: null,
  ...more,
});

describe('a year of tickets', () => {
  it('multiplies joules of a ticket up, its interval times what is not known of the device', () => {
    const result = exampleResult({ energy: between(3.24, 3.6, 3.96), deviceRange: { low: 0.5, high: 2 } });
    // 3.6 J x 1,000,000 = 1 kWh.
    const yearly = yearlyOf(result, LOAD);
    expect(yearly?.kWh.mid).toBeCloseTo(1, 9);
    expect(yearly?.kWh.low).toBeCloseTo(0.45, 9);
    expect(yearly?.kWh.high).toBeCloseTo(2.2, 9);
    expect(yearly?.money?.mid).toBeCloseTo(0.3, 9);
    expect(yearly?.kgCO2e?.high).toBeCloseTo(0.88, 9);
  });

  it('keeps what is unknown unknown: joules, a price, a grid, an interval', () => {
    expect(yearlyOf(exampleResult({ energy: null }), LOAD)).toBeNull();
    expect(yearlyOf(exampleResult(), { ...LOAD, ticketsPerDay: NaN })).toBeNull();
    const bare = yearlyOf(exampleResult({ energy: exact(1), deviceRange: null }), { ...LOAD, price: null, grid: null });
    expect(bare).toMatchObject({ money: null, kgCO2e: null, kWh: { low: null, high: null } });
    expect(yearlyOf(exampleResult(), { ...LOAD, grid: [400, NaN] })?.kgCO2e).toBeNull();
  });

  it('takes a grid by hour: the mean for work at any hour, and the ends of the day', () => {
    const hours = Array.from({ length: 24 }, (_, h) => 300 + 10 * Math.abs(h - 3));
    expect(meanIntensity(hours)).toBeCloseTo(hours.reduce((a, x) => a + x) / 24, 9);
    expect(extremeHours(hours)).toEqual({ cleanest: { hour: 3, grams: 300 }, dirtiest: { hour: 23, grams: 500 } });
    expect(extremeHours(400)).toBeNull();
    expect(hoursIn(hours.join(', '))).toEqual(hours);
    expect(hoursIn(hours.join('\n'))).toEqual(hours);
    for (const text of ['', '400', hours.slice(1).join(' '), `${hours.join(' ')} 1`]) expect(hoursIn(text)).toBeNull();
  });
});

describe('choices side by side', () => {
  it('differences on one device are paired: of the fit, with its interval and without the device', () => {
    const { results, evidence } = folded();
    const decision = decide(results, evidence);
    const { rows } = whatIf(decision, LOAD);
    const [answer, ...others] = rows;
    expect(answer?.difference).toBeNull();
    expect(rows.map(({ role }) => role)).toContain('baseline');
    for (const row of others) {
      const decided = [...decision.rows, decision.baseline].find((r) => r?.result.variant === row.variant);
      expect(row.difference).toMatchObject({
        paired: true,
        ratio: { mid: decided?.energy?.mid, low: decided?.energy?.low },
      });
      const kWh = (row.yearly?.kWh.mid ?? NaN) - (answer?.yearly?.kWh.mid ?? NaN);
      expect((row.difference?.kWh.mid ?? NaN) / kWh).toBeCloseTo(1, 2);
      // What is not known of the device spans a factor of four; of the difference it is nothing.
      const { low, high } = row.difference?.ratio ?? { low: NaN, high: NaN };
      expect(high / low).toBeLessThan(1.2);
    }
  });

  it('a few slices tell no difference: null, and joules stand', () => {
    const { results, evidence } = folded();
    const { rows } = whatIf(decide(results, { ...evidence, slices: 3 }), LOAD);
    expect(rows.slice(1).map(({ difference }) => difference)).toEqual(rows.slice(1).map(() => null));
    expect(rows.every(({ yearly }) => yearly !== null)).toBe(true);
  });

  it('another device is not paired: both unknowns stay in, and other work, other kinds or no run give null', () => {
    const { results, evidence } = folded();
    const here = device(results);
    const decision = decide(results, evidence);
    const there = device(folded({ fp16: 8, int8: 4 }).results);
    const { rows, warnings } = whatIf(decision, LOAD, { here, there });
    expect(warnings).toEqual([]);
    const other = rows.filter(({ where }) => where === 'there');
    const same = other.find(({ variant }) => variant === (decision.answer ?? decision.against)?.result.variant);
    expect(same?.difference?.paired).toBe(false);
    expect(same?.difference?.ratio.mid).toBeCloseTo(2, 1);
    // Each spans x0.5 to x2 (the example's readings).
    expect(same?.difference?.ratio.low).toBeLessThan(0.51);
    expect(same?.difference?.ratio.high).toBeGreaterThan(7.9);
    expect(other.find(({ role }) => role === 'baseline')).toMatchObject({
      result: null,
      yearly: null,
      difference: null,
    });

    const elsewhere = whatIf(decision, LOAD, { here, there: { ...there, dataset: 'others' } });
    expect(elsewhere.warnings.join()).toMatch(/tickets/);
    expect(elsewhere.rows.filter(({ where }) => where === 'there').every(({ difference }) => difference === null)).toBe(
      true,
    );
    const counted = { ...there, results: there.results.map((r) => ({ ...r, tier: 'counter' as const })) };
    const kinds = whatIf(decision, LOAD, { here, there: counted }).rows.filter(({ where }) => where === 'there');
    expect(kinds.every(({ difference }) => difference === null)).toBe(true);
    expect(kinds.some(({ yearly }) => yearly !== null)).toBe(true);
  });
});

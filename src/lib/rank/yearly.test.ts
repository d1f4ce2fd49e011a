import { expect, it } from 'vitest';
import { between, exampleResult } from './example';
import { calculate } from './yearly';

it('multiplies joules of a ticket up to a year, with the range of the device', () => {
  const result = exampleResult({ energy: between(3.5, 3.6, 3.7), deviceRange: { low: 0.5, high: 2 } });
  // 3.6 J x 1,000,000 = 1 kWh.
  const yearly = calculate(result, { tickets: 1_000_000, price: 0.3, gramsPerKWh: 400 });
  expect(yearly?.kWh).toEqual({ low: 0.5, mid: 1, high: 2 });
  expect(yearly?.money.mid).toBeCloseTo(0.3, 12);
  expect(yearly?.kgCO2e.high).toBeCloseTo(0.8, 12);
});

it('keeps unknown joules, and a price that is none, unknown', () => {
  const o = { tickets: 1, price: 1, gramsPerKWh: 1 };
  expect(calculate(exampleResult({ energy: null }), o)).toBeNull();
  expect(calculate(exampleResult(), { ...o, price: NaN })).toBeNull();
});

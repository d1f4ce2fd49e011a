import { expect, it } from 'vitest';
import { exampleResult } from '../rank/example';
import type { WhatIfRow } from '../rank/what-if';
import { WHAT_IF as T } from './what-if';

const LOAD = { ticketsPerDay: 10_000, price: null, grid: 400 };
const row = (more: Partial<WhatIfRow>): WhatIfRow => ({
  where: 'here',
  variant: 'int8',
  result: exampleResult({ variant: 'int8' }),
  role: 'answer',
  yearly: { kWh: { low: 0.047, mid: 0.094, high: 0.19 }, money: null, kgCO2e: null },
  difference: null,
  ...more,
});

it('writes amounts in a unit of their size, with their interval in the same', () => {
  expect(T.energy({ low: 0.047, mid: 0.094, high: 0.19 })).toBe('94 Wh (47–190)');
  expect(T.energy({ low: null, mid: 2345, high: null })).toBe('2.3 MWh (no interval)');
  expect(T.energy({ low: 7.4e-6, mid: 1.5e-5, high: 3e-5 })).toBe('15 mWh (7.4–30)');
  expect(T.mass({ low: 0.999, mid: 0.9999, high: 1.001 })).toBe('1.0 kg');
  expect(T.energy(null)).toBe('unknown');
  expect(T.money({ low: 1e-6, mid: 2e-6, high: 4e-6 })).toBe('under 0.01');
  expect(T.money({ low: 1, mid: 2, high: 4 })).toBe('2.0 (1.0–4.0)');
});

it('writes differences with their interval: percents, and factors where those mislead', () => {
  const difference = {
    kWh: { low: 0.118, mid: 0.12, high: 0.124 },
    ratio: { low: 2.26, mid: 2.29, high: 2.32 },
    paired: true,
  };
  expect(T.difference(difference)).toBe('+120 Wh, +129 % (+126 to +132)');
  const lean = {
    kWh: { low: -0.1, mid: -0.094, high: -0.09 },
    ratio: { low: 1e-4, mid: 2e-4, high: 3e-4 },
    paired: false,
  };
  expect(T.difference(lean)).toBe('\u221294 Wh, ×0.00020 (0.00010–0.00030)');
  expect(T.difference(null)).toBe('cannot tell');
});

it('says the year in a sentence, and where two cannot be told apart', () => {
  expect(T.sentence([row({})], LOAD)).toBe('At 10,000 tickets a day 8-bit takes 94 Wh (47–190) a year on this device.');
  const wide = (low: number, high: number) =>
    row({
      variant: 'fp32',
      role: 'reference',
      difference: { kWh: { low, mid: 0.12, high }, ratio: { low: 1, mid: 2, high: 3 }, paired: true },
    });
  expect(T.sentence([row({}), wide(0.118, 0.124)], LOAD)).toMatch(
    /32-bit takes 120 Wh more \(95 %: 118–124, at the middle/,
  );
  expect(T.sentence([row({}), wide(-0.1, 0.3)], LOAD)).toMatch(/32-bit cannot be told from it\.$/);
  expect(T.sentence([row({ yearly: null })], LOAD)).toBeNull();
});

it('says the cleanest and the dirtiest hour only where there are hours', () => {
  expect(T.extremes(400, 1)).toBeNull();
  const hours = Array.from({ length: 24 }, (_, h) => 200 + h);
  expect(T.extremes(hours, 1)).toMatch(/at 00:00 \(200 g a kWh\): 200 g; at 23:00 \(223 g a kWh\): 223 g\.$/);
});

import { expect, it } from 'vitest';
import { seconds as asSeconds } from '../core/units';
import type { Meter } from '../meter/meter';
import type { Reading } from '../schema/run';
import { spentIn, untoldIn, type Spent } from './interrupted';

const reading = (o: Partial<Reading>): Reading => ({
  phase: 'train',
  seconds: asSeconds(10),
  joules: { low: 90, mid: 100, high: 110 },
  netJoules: null,
  tier: 'counter',
  boundary: 'package',
  source: 'sampler: package-0',
  bytes: null,
  flops: null,
  tokens: null,
  ...o,
});
const profile = reading({ tier: 'profile', source: 'cpu-laptop', joules: { low: 1, mid: 50, high: 500 } });
const meterOf = (...readings: Reading[]) => ({ read: () => Promise.resolve(readings) }) as unknown as Meter;
const earlier: Spent = {
  seconds: 4,
  joules: { low: 2, mid: 20, high: 200 },
  tier: 'profile',
  boundary: 'package',
  source: 'cpu-laptop',
};

it('takes the surest source that told everything, and says where a sampler did not', async () => {
  const counted = meterOf(reading({}), profile);
  expect(await spentIn(counted, null)).toMatchObject({ tier: 'counter', seconds: 10, joules: { mid: 100 } });
  expect(await untoldIn(counted)).toEqual([]);
  const silent = meterOf(reading({ joules: null, source: 'sampler' }), profile);
  expect(await spentIn(silent, null)).toMatchObject({ tier: 'profile', source: 'cpu-laptop', joules: { mid: 50 } });
  expect(await untoldIn(silent)).toHaveLength(1);
});

it('adds what interrupted runs took, no surer than the less sure of them, and unknown where one is', async () => {
  expect(await spentIn(meterOf(reading({})), earlier)).toEqual({
    seconds: 14,
    joules: { low: 92, mid: 120, high: 310 },
    tier: 'profile',
    boundary: 'package',
    source: 'cpu-laptop, then sampler: package-0',
  });
  expect(await spentIn(meterOf(profile), { ...earlier, tier: 'counter' })).toMatchObject({ tier: 'profile' });
  expect(await spentIn(meterOf(reading({})), { ...earlier, joules: null })).toMatchObject({ joules: null });
  expect(await spentIn(meterOf(), earlier)).toEqual(earlier);
  expect(await spentIn(meterOf(), null)).toMatchObject({ seconds: 0, joules: null });
});

import { expect, it } from 'vitest';
import { SAMPLER } from './sampler';

const domain = { id: 'a', name: 'package-0', scope: 'package', watts: 5, age: 90, period: 1, flags: [] };

it('says how a counter is: fine, silent, late, or what befell it', () => {
  expect(SAMPLER.state(domain)).toBe('fine, new value every 1.0 ms');
  expect(SAMPLER.state({ ...domain, age: null, period: null })).toBe('fine');
  expect(SAMPLER.state({ ...domain, watts: null })).toBe('says nothing now');
  expect(SAMPLER.state({ ...domain, age: 12_000 })).toBe('not read for 12 s');
  expect(SAMPLER.state({ ...domain, flags: ['standstill', 'unheard of'] })).toBe('stands still');
  expect(SAMPLER.state({ ...domain, flags: ['wrap'] })).toMatch(/counted through/);
});

it('says in one line where counters come from', () => {
  const all = [
    { title: 'RAPL', counters: 2 },
    { title: 'Battery', counters: 0 },
    { title: 'Wall meters', counters: 0 },
  ];
  expect(SAMPLER.sources(all)).toBe('Read: RAPL (2). Nothing to read by: Battery and Wall meters.');
  expect(SAMPLER.sources([])).toBe('');
});

it('says watts at rest with their interval, or that nobody measured them', () => {
  expect(SAMPLER.rest(undefined)).toBe('not measured');
  expect(SAMPLER.rest({ low: 4, mid: 4.5, high: 5 })).toBe('4.50 W (4.00–5.00)');
});

import { describe, expect, it } from 'vitest';
import { bandsOf, emptySeries, extend, wattsBetween } from './series';

describe('series', () => {
  it('stays bounded, in order, and keeps its first point', () => {
    let series = emptySeries();
    for (let t = 0; t < 5000; t++) series = extend(series, { t, watts: t, joules: null, phase: 'rca' });
    expect(series.t.length).toBeLessThanOrEqual(2000);
    expect(series.t[0]).toBe(0);
    expect(series.t.at(-1)).toBe(4999);
    expect(series.t).toEqual(series.t.toSorted((a, b) => a - b));
    expect(series.watts).toEqual(series.t);
    expect(series.phase).toHaveLength(series.t.length);
  });

  it('takes the mean power between readings, and unknown where energy is', () => {
    const at = (seconds: number, joules: number | null) => ({ seconds, joules, tokens: 1 });
    expect(wattsBetween(null, at(2, 10))).toBe(5);
    expect(wattsBetween(at(2, 10), at(3, 40))).toBe(30);
    expect(wattsBetween(at(2, 10), at(2, 10))).toBeNull();
    expect(wattsBetween(at(2, null), at(3, 10))).toBeNull();
    expect(wattsBetween(null, at(2, null))).toBeNull();
  });

  it('joins what was done one after the other into bands without gaps', () => {
    const [t, phase] = [
      [1, 2, 3, 4, 6],
      ['load', 'load', 'rca', 'rca', 'load'],
    ];
    expect(bandsOf({ t, phase })).toEqual([
      { phase: 'load', from: 1, to: 2 },
      { phase: 'rca', from: 2, to: 4 },
      { phase: 'load', from: 4, to: 6 },
    ]);
    expect(bandsOf(emptySeries())).toEqual([]);
  });
});

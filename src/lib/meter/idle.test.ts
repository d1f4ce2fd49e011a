import { describe, expect, it } from 'vitest';
import type { Reading } from '../schema/run';
import { netOfRest, restWarnings, wattsAtRest } from './idle';

const reading = (
  phase: Reading['phase'],
  seconds: number,
  mid: number | null,
  more: Partial<Reading> & { step?: number } = {},
): Reading => {
  const { step = 0, ...rest } = more;
  return {
    phase,
    seconds,
    joules: mid === null ? null : { low: Math.max(0, mid - step), mid, high: mid + step },
    netJoules: null,
    tier: 'counter',
    boundary: 'package',
    source: 'sampler: rapl:package-0',
    bytes: 1,
    flops: 1,
    tokens: 1,
    ...rest,
  };
};

describe('watts at rest, and what is net of them', () => {
  it('takes what a counter said at rest off what it said of work, with both intervals', () => {
    const idle = reading('idle', 2, 20, { step: 1 });
    const rest = wattsAtRest([idle]);
    expect(rest.get(idle.source)).toEqual({ low: 9.5, mid: 10, high: 10.5 });
    const [, prefill] = netOfRest([idle, reading('prefill', 4, 100, { step: 2 })], rest);
    expect(prefill?.joules?.mid).toBe(100);
    expect(prefill?.netJoules).toEqual({ low: 98 - 42, mid: 60, high: 102 - 38 });
  });

  it('windows before and after that differ widen it: by half of two, by the spread of more', () => {
    const windows = (watts: number[]) => watts.map((w) => reading('idle', 1, w));
    const only = (watts: number[]) => [...wattsAtRest(windows(watts)).values()][0];
    expect(only([8, 12])).toEqual({ low: 8, mid: 10, high: 12 });
    const many = only(Array.from({ length: 30 }, (_, i) => 10 + (i % 2 ? 2 : -2)));
    expect(many?.mid).toBeCloseTo(10, 9);
    expect((many?.high ?? NaN) - 10).toBeCloseTo(0.76, 1);
    // What a counter cannot draw at rest.
    expect(only([0.1, 5])?.low).toBeGreaterThanOrEqual(0);
  });

  it('unknown at rest is unknown net, never 0 and never gross, and a sentence says so', () => {
    for (const idle of [[], [reading('idle', 1, null)], [reading('idle', 1, 5, { source: 'another' })]]) {
      const all = netOfRest([...idle, reading('prefill', 4, 100)], wattsAtRest(idle));
      expect(all.at(-1)?.netJoules).toBeNull();
      expect(restWarnings(all)).toEqual([expect.stringMatching(/at rest was not counted.*net of idle are unknown/)]);
    }
    const told = netOfRest([reading('prefill', 4, 100)], wattsAtRest([reading('idle', 1, 5)]));
    expect(restWarnings(told)).toEqual([]);
    expect(restWarnings([reading('prefill', 4, null)])).toEqual([]);
  });

  it('leaves estimates as they are, and a window of rest takes nothing net', () => {
    const estimate = reading('prefill', 4, 100, { tier: 'profile', source: 'cpu-laptop' });
    const idle = reading('idle', 1, 5);
    expect(netOfRest([estimate, idle], wattsAtRest([idle]))).toEqual([
      estimate,
      { ...idle, netJoules: { low: 0, mid: 0, high: 0 } },
    ]);
  });
});

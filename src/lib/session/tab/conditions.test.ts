import { describe, expect, it } from 'vitest';
import { exampleReading, exampleRun } from '../../rank/example';
import { CONDITIONS, withoutRepetition } from '../../texts/conditions';
import { slowingOf, warningsOf } from './conditions';

const calm = { onBattery: false, hiddenSeconds: 0, pressure: 'nominal', slowing: 1.02 } as const;

describe('conditions', () => {
  it('say nothing of a calm run, or of what cannot be seen', () => {
    expect(warningsOf(calm)).toEqual([]);
    expect(warningsOf({ onBattery: null, hiddenSeconds: null, pressure: null, slowing: null })).toEqual([]);
  });

  it('name each thing that may spoil a measurement', () => {
    const all = warningsOf({ onBattery: true, hiddenSeconds: 1, pressure: 'critical', slowing: 1.4 });
    expect(all).toHaveLength(4);
    expect(all.join()).toMatch(/hidden.*battery.*pressure.*40 % longer/);
    expect(warningsOf({ ...calm, pressure: 'fair' })).toEqual([]);
  });

  it('are said once, of slower slices the slowest', () => {
    const { battery, slowing } = CONDITIONS;
    expect(withoutRepetition([slowing(1.2), battery, slowing(1.9), battery])).toEqual([battery, slowing(1.9)]);
    expect(withoutRepetition([slowing(2.9), slowing(40)])).toEqual([slowing(40)]);
    expect(slowing(40)).toMatch(/40 times as long/);
    expect(withoutRepetition([battery, 'other'])).toEqual([battery, 'other']);
  });

  it('compare a slice with the first of the same variant and task', () => {
    const run = (slice: number, seconds: number, variant = 'fp16') =>
      exampleRun({ variant, slice, phases: [exampleReading('prefill', 2 * seconds), exampleReading('load', 99)] });
    expect(slowingOf(run(0, 1), [])).toBeNull();
    expect(slowingOf(run(1, 3), [run(0, 2, 'int8'), run(0, 2)])).toBeCloseTo(1.5);
    expect(slowingOf(run(1, 3), [run(0, 2, 'int8')])).toBeNull();
  });
});

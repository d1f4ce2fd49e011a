import { describe, expect, it } from 'vitest';
import { exampleRun } from './example';
import { parseRecord } from '../schema/record';
import { Run } from '../schema/run';

describe('run records', () => {
  it('of older versions read as the newest: what their kernels did and under what conditions is unknown', () => {
    const { kernels: _kernels, conditions: _conditions, ...first } = exampleRun();
    expect(parseRecord(Run, { ...first, v: 1 })).toEqual(exampleRun());
    expect(parseRecord(Run, { ...first, kernels: null, v: 2 })).toEqual(exampleRun());
  });

  it('keep under what they were measured', () => {
    const run = exampleRun({
      conditions: { onBattery: true, hiddenSeconds: 2.5, pressure: 'serious', slowing: null },
    });
    expect(parseRecord(Run, run)).toEqual(run);
  });

  it('keep what each kernel did', () => {
    const run = exampleRun({ kernels: [{ name: 'linear', bytes: 8, operations: null, ms: 0.5 }] });
    expect(parseRecord(Run, run)).toEqual(run);
  });
});

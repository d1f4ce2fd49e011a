import { describe, expect, it } from 'vitest';
import { exampleRun } from './example';
import { parseRecord } from '../schema/record';
import { Run } from '../schema/run';

describe('run records', () => {
  it('of version 1 read as the newest: what their kernels did is unknown', () => {
    const { kernels: _, ...first } = exampleRun();
    expect(parseRecord(Run, { ...first, v: 1 })).toEqual(exampleRun());
  });

  it('keep what each kernel did', () => {
    const run = exampleRun({ kernels: [{ name: 'linear', bytes: 8, operations: null, ms: 0.5 }] });
    expect(parseRecord(Run, run)).toEqual(run);
  });
});

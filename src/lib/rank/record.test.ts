import { describe, expect, it } from 'vitest';
import { exampleRun } from './example';
import { parseRecord } from '../schema/record';
import { MISPLACED, SMALL_SUBGROUPS } from '../schema/misplaced';
import { Run } from '../schema/run';

describe('run records', () => {
  it('of older versions read as the newest: what their kernels did and under what conditions is unknown', () => {
    const run = exampleRun({ stage: 1, slice: 2, block: 1002 });
    const {
      kernels: _k,
      conditions: _c,
      slice,
      block: _b,
      anchor: _a,
      part: _t,
      pass: _p,
      steadiness: _s,
      prompts: _q,
      ...rest
    } = run;
    const first = { ...rest, repeat: slice };
    expect(parseRecord(Run, { ...first, v: 1 })).toEqual(run);
    expect(parseRecord(Run, { ...first, kernels: null, v: 2 })).toEqual(run);
    expect(parseRecord(Run, { ...first, kernels: null, conditions: null, v: 3 })).toEqual(run);
  });

  it('of version 5 do not know what prompts shared; newer ones keep it', () => {
    const { prompts: _, ...old } = exampleRun();
    expect(parseRecord(Run, { ...old, v: 5 })).toEqual(exampleRun());
    const run = exampleRun({ prompts: { computed: 90, shared: 110 } });
    expect(parseRecord(Run, run)).toEqual(run);
  });

  it('of versions that scored causes wrongly on ONNX Runtime say so', () => {
    const lifted = (v: number, more: Parameters<typeof exampleRun>[0]) =>
      parseRecord(Run, { ...exampleRun({ fallbacks: ['x'], ...more }), v }).fallbacks;
    expect(lifted(5, { engine: 'ort-cpu', task: 'rca' })).toEqual([MISPLACED, 'x']);
    expect(lifted(6, { engine: 'ort-cpu', task: 'rca' })).toEqual(['x']);
    for (const v of [4, 5, 6]) expect(lifted(v, { engine: 'ort-gpu', task: 'rca' })).toEqual([MISPLACED, 'x']);
    for (const v of [5, 6]) expect(lifted(v, { engine: 'cpu', task: 'rca' })).toEqual(['x']);
    expect(lifted(6, { engine: 'ort-gpu', task: 'response' })).toEqual(['x']);
    const { device } = exampleRun();
    const gpu = {
      vendor: '',
      architecture: '',
      description: '',
      features: [],
      maxBufferBytes: 1,
      maxStorageBindingBytes: 1,
    };
    const soft = { ...device, gpu: { ...gpu, fallback: true } };
    expect(lifted(6, { engine: 'ort-gpu', task: 'response', device: soft })).toEqual([SMALL_SUBGROUPS, 'x']);
    expect(lifted(7, { engine: 'ort-gpu', task: 'rca', device: soft })).toEqual(['x']);
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

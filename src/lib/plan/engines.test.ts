import { describe, expect, it } from 'vitest';
import { planHash } from './execute';
import { exampleRun } from '../rank/example';
import { contentHash } from '../core/canonical';
import { ENGINE, engineNow, ENGINES, engineThen } from '../schema/engines';
import { Plan } from '../schema/plan';
import { parseRecord } from '../schema/record';
import { SharedRecipe, SharedResult } from '../schema/result';
import { Run } from '../schema/run';

/** A plan as version 2 wrote it. */
const second = {
  v: 2,
  dataset: { hash: 'd', name: 'tickets' },
  checkpoint: { kind: 'builtin' },
  tasks: ['rca'],
  stages: [{ kind: 'variants', variants: ['fp16'] }],
  baseline: false,
  engine: 'gpu',
  threads: null,
  limit: 10,
  slices: 1,
  margin: 0.05,
  maxNewTokens: 16,
  seed: 1,
  w: 0.5,
  profile: null,
};

describe('ONNX Runtime on WebGPU, which was called gpu', () => {
  it('has its name of today in every record of before', () => {
    expect(parseRecord(Plan, second).engine).toBe('ort-gpu');
    expect(parseRecord(Plan, { ...second, engine: 'ort-cpu' }).engine).toBe('ort-cpu');
    expect(parseRecord(Run, { ...exampleRun({}), v: 4, engine: 'gpu' }).engine).toBe('ort-gpu');
    const { v: _, checkpoint, ...plan } = second;
    expect(parseRecord(SharedRecipe, { v: 2, kind: 'recipe', checkpoint, plan }).plan.engine).toBe('ort-gpu');
    const result = { v: 2, kind: 'result', variants: [{ engine: 'gpu' }, { engine: 'wgsl' }] };
    expect(SharedResult.upgraders[2]?.(result)).toEqual({
      ...result,
      variants: [{ engine: 'ort-gpu' }, { engine: 'wgsl' }],
    });
  });

  it('leaves stored plans their name, under which their runs are found', async () => {
    for (const engine of ['gpu', 'cpu'])
      expect(await planHash(parseRecord(Plan, { ...second, engine }))).toBe(await contentHash({ ...second, engine }));
  });

  it('is renamed there and back, and nothing else is', () => {
    for (const engine of ENGINES) expect(engineNow(engineThen(engine))).toBe(engine);
    expect(ENGINES.filter((engine) => engineThen(engine) !== engine)).toEqual(['ort-gpu']);
  });
});

describe('the table of engines', () => {
  it('sends what is exported to an engine with a graph, and counts only what has a speed', () => {
    for (const engine of ENGINES) {
      expect(ENGINE[ENGINE[engine].exportsAs].graph, engine).not.toBeNull();
      expect(ENGINE[engine].title, engine).not.toBe('');
    }
  });
});

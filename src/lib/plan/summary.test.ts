import { describe, expect, it } from 'vitest';
import { exampleRun } from '../rank/example';
import type { PlanRecord } from '../schema/plan';
import { missingRuns, summarise } from './summary';
import { listedMembers, runId, unitsOf } from './units';

const one: PlanRecord = {
  v: 3,
  dataset: { hash: 'h', name: 'n' },
  checkpoint: { kind: 'builtin' },
  tasks: ['rca'],
  stages: [{ kind: 'variants', variants: ['fp32', 'fp16', 'int8', 'int4'] }],
  baseline: true,
  engine: 'ort-cpu',
  threads: null,
  limit: 10,
  slices: 1,
  margin: 0.05,
  maxNewTokens: 16,
  seed: 1,
  w: 0.5,
  profile: null,
};
const units = unitsOf(one, listedMembers(one), 0, 0);
const runs = units.map((unit) => exampleRun({ ...unit, id: runId('x', unit) }));

describe('missing runs', () => {
  it('finds none in a finished plan and all in a fresh one', () => {
    expect(missingRuns(one, 'x', runs)).toEqual({ missing: 0, atLeast: false });
    expect(missingRuns(one, 'x', [])).toEqual({ missing: units.length, atLeast: false });
  });

  it('cannot know a later stage before the first is done', () => {
    const two: PlanRecord = { ...one, stages: [...one.stages, { kind: 'best', k: 2, prunings: ['2:4', 'ffn25'] }] };
    expect(missingRuns(two, 'x', runs.slice(1))).toEqual({ missing: 1, atLeast: true });
    expect(missingRuns(two, 'x', runs).missing).toBeGreaterThan(0);
  });
});

describe('summary', () => {
  it('names no answer where none is shown to do the job, or where nothing ran', () => {
    const { winner, ...rest } = summarise(one, 'x', runs);
    expect(rest).toEqual({ runs: 5, missing: 0, atLeast: false });
    // Two tickets show nobody to do the job.
    expect(winner).toBeNull();
    expect(summarise(one, 'x', [])).toEqual({ runs: 0, missing: 5, atLeast: false, winner: null });
  });
});

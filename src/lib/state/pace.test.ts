import { describe, expect, it } from 'vitest';
import { exampleRun } from '../rank/example';
import { runId, stageUnits, stageVariants } from '../plan/units';
import { buildPlan, DEFAULT_CHOICES } from './choices';
import { expectedPace, secondsLeft, stageBegins, totalOf, unitBegins, unitEnds } from './pace';
import { missingRuns } from './progress';

const plan = (more = {}) =>
  buildPlan({ ...DEFAULT_CHOICES, ...more }, { hash: 'h', name: 'n' }, { kind: 'builtin' }, 'ort-cpu');

describe('pace', () => {
  it('expects as many units as the stages can make, and corrects that when a stage begins', () => {
    const pace = expectedPace(plan());
    expect(pace.sizes).toEqual([30, 36]);
    expect(totalOf(stageBegins(pace, 1, 30))).toBe(60);
    expect(stageBegins(pace, 1, 30).done).toBe(30);
  });

  it('counts units that were left out as done', () => {
    const pace = unitBegins(stageBegins(expectedPace(plan()), 0, 30), 0, 7);
    expect(pace.done).toBe(7);
  });

  it('knows no time before the first unit, and the mean pace after', () => {
    let pace = stageBegins(expectedPace(plan({ prunings: [] })), 0, 30);
    expect(secondsLeft(pace, 0)).toBeNull();
    pace = unitEnds(unitBegins(pace, 0, 0), 2);
    pace = unitEnds(unitBegins(pace, 0, 1), 4);
    expect(secondsLeft(pace, 0)).toBe(28 * 3);
    expect(secondsLeft(pace, 0.5)).toBe(27.5 * 3);
    expect(unitEnds(pace, null).seconds).toHaveLength(2);
  });
});

describe('missing runs', () => {
  const one = plan({ prunings: [], repeats: 1, tasks: ['rca'] });
  const units = stageUnits(one, 0, stageVariants(one, 0, []));
  const runs = units.map((unit) => exampleRun({ ...unit, id: runId('x', unit) }));

  it('finds none in a finished plan and all in a fresh one', () => {
    expect(missingRuns(one, 'x', runs)).toEqual({ missing: 0, atLeast: false });
    expect(missingRuns(one, 'x', [])).toEqual({ missing: units.length, atLeast: false });
  });

  it('cannot know a later stage before the first is done', () => {
    const two = plan({ repeats: 1, tasks: ['rca'] });
    expect(missingRuns(two, 'x', runs.slice(1))).toEqual({ missing: 1, atLeast: true });
    expect(missingRuns(two, 'x', runs).missing).toBeGreaterThan(0);
  });
});

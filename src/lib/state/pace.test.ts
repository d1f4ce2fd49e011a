import { describe, expect, it } from 'vitest';
import { buildPlan, DEFAULT_CHOICES } from './choices';
import { expectedPace, secondsLeft, stageBegins, totalOf, unitBegins, unitEnds } from './pace';

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

import { describe, expect, it } from 'vitest';
import type { PlanEvent } from '../../plan/execute';
import { exampleRun } from '../../rank/example';
import { newPace, paceAfter, secondsLeft, totalOf } from './pace';

const unit = {
  variant: 'fp16',
  task: 'rca',
  slice: 0,
  block: 0,
  anchor: false,
  part: 'test',
  stage: 0,
  engine: 'cpu',
} as const;
const run = (more: Partial<typeof unit> = {}): PlanEvent => ({
  type: 'run',
  unit: { ...unit, ...more },
  run: exampleRun(),
  resumed: false,
});
const after = (events: readonly (readonly [PlanEvent, number | null])[]) =>
  events.reduce((pace, [event, seconds]) => paceAfter(pace, event, seconds), newPace());

describe('pace', () => {
  it('tells nothing before the first unit is measured', () => {
    const pace = after([[{ type: 'planned', units: 10, openings: 2, atMost: false }, null]]);
    expect(secondsLeft(pace, 0)).toBeNull();
    expect(totalOf(pace)).toBe(10);
  });

  it('adds what is still to be opened to what is still to be measured, each once', () => {
    const pace = after([
      [{ type: 'planned', units: 10, openings: 2, atMost: true }, null],
      [{ type: 'opened', member: { variant: 'fp16', stage: 0 }, seconds: 100 }, null],
      [run(), 2],
      [run(), 4],
    ]);
    expect(secondsLeft(pace, 0)).toBe(8 * 3 + 100);
    expect(secondsLeft(pace, 0.5)).toBe(7.5 * 3 + 100);
  });

  it('does not count anchors and what is measured again, which nobody planned', () => {
    const pace = after([
      [{ type: 'planned', units: 2, openings: 0, atMost: false }, null],
      [run(), 2],
      [run({ anchor: true as never }), 2],
    ]);
    expect(pace.done).toBe(1);
  });
});

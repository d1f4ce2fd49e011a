import { describe, expect, it } from 'vitest';
import type { PlanEvent } from '../../plan/execute';
import type { Unit } from '../../plan/units';
import type { RunRecord } from '../../schema/run';
import { Track } from './track';

const unit: Unit = {
  variant: 'int8',
  stage: 0,
  task: 'rca',
  slice: 1,
  block: 1,
  anchor: false,
  part: 'test',
  engine: 'cpu',
};
const runOf = (id: string, tickets: number) =>
  ({ id, phases: [], tickets: Array.from({ length: tickets }, () => ({})) }) as unknown as RunRecord;
const progress = (phase: string, done: number, of: number, more: object = {}): PlanEvent => ({
  type: 'progress',
  progress: { phase, done, of, ...more },
});

/** A track with a clock that is set by hand, seconds. */
function tracked() {
  let seconds = 0;
  const track = new Track(() => seconds * 1000);
  return {
    track,
    at: (t: number, event: PlanEvent) => {
      seconds = t;
      track.take(event);
    },
  };
}

describe('a run under way', () => {
  it('shows the variant that is opened, then the ticket that is answered, with the time left', () => {
    const { track, at } = tracked();
    expect(track.progress).toBeNull();
    at(0, { type: 'planned', units: 3, openings: 1, atMost: false });
    expect(track.underWay).toBe(false);
    at(0, { type: 'opening', member: { variant: 'int8', stage: 0 } });
    expect(track.underWay).toBe(true);
    at(1, progress('load', 1, 4));
    expect(track.progress).toMatchObject({ variant: 'int8', phase: 'load', step: { index: 1, of: 4 }, ticket: null });
    at(2, { type: 'opened', member: { variant: 'int8', stage: 0 }, seconds: 2 });
    at(2, { type: 'unit', unit });
    at(3, progress('decode', 1, 2, { ticket: 'a fault', output: 'its' }));
    expect(track.progress).toMatchObject({ phase: 'decode', ticket: { index: 1, of: 2 }, step: null, text: 'a fault' });
    expect(track.progress?.secondsLeft).toBeNull();
    at(6, { type: 'run', unit, run: runOf('r', 2), resumed: false });
    at(6, { type: 'unit', unit: { ...unit, slice: 2 } });
    expect(track.seconds).toEqual([4]);
    expect(track.progress).toMatchObject({ done: 1, of: 3, slice: 2, secondsLeft: 8 });
  });

  it('puts a slice that was measured again in the place of the first', () => {
    const { track, at } = tracked();
    for (const [t, id, n] of [
      [1, 'a', 1],
      [2, 'b', 1],
      [3, 'a', 2],
    ] as const)
      at(t, { type: 'run', unit, run: runOf(id, n), resumed: false });
    expect(track.runs.map(({ id, tickets }) => [id, tickets.length])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('tells of fine-tuning each step with its loss, and the time left from the first step that it saw', () => {
    const { track, at } = tracked();
    const step = { tokensPerSecond: 10, joules: null, joulesPerThousand: null };
    at(0, { type: 'opening', member: { variant: 'int8+lora8', stage: 0 } });
    at(10, progress('train', 1, 5, { training: { ...step, loss: 2, validation: null } }));
    expect(track.progress?.training?.secondsLeft).toBeNull();
    at(14, progress('train', 2, 5, { training: { ...step, loss: 1, validation: null } }));
    at(15, progress('train', 2, 5, { training: { ...step, loss: null, validation: 1.5 } }));
    expect(track.progress?.training).toMatchObject({
      losses: [
        [1, 2],
        [2, 1],
      ],
      validations: [[2, 1.5]],
      secondsLeft: 15,
    });
    // Held up from 16 on, which is no part of its pace: 6 s for two steps, and two are left.
    at(16, progress('train', 2, 5, { paused: true }));
    expect(track.progress?.training?.losses).toHaveLength(2);
    at(1020, progress('train', 3, 5, { training: { ...step, loss: 1, validation: null } }));
    expect(track.progress?.training?.secondsLeft).toBe(6);
  });
});

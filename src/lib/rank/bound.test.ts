import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { LEAST_SLICES, MOST_BOUND_SLICES } from '../schema/defaults';
import type { RunRecord } from '../schema/run';
import { boundOf, wantsMore } from './bound';
import { exampleReading, exampleRun } from './example';
import { foldRuns } from './fold';

/** A device and its meter: what a slice truly takes, and what is told of it. */
interface World {
  /** Joules of a slice of two tickets, gross, and what of it is idle. */
  gross: number;
  idle: number;
  /** Relative SD of a slice. */
  sd: number;
  /** Joules of a counter's step; null = an estimate, whose range is a factor of four. */
  step: number | null;
  /** How far the idle joules of a slice are known, each way; null = not at all. */
  restHalf?: number | null;
}

const random = createRandom(7).fork('bound');

/** One slice: a counter tells whole steps, whichever of them it had begun; its truth lies within a step each way. */
function slice(n: number, { gross, idle, sd, step, restHalf = 0 }: World, more: Partial<RunRecord> = {}): RunRecord {
  const truth = gross * (1 + sd * random.normal());
  const told = step === null || step === 0 ? truth : step * Math.floor(truth / step + random.next());
  const half = step ?? 0;
  const joules =
    step === null
      ? { low: told / 2, mid: told, high: 2 * told }
      : { low: Math.max(0, told - half), mid: told, high: told + half };
  const rest = restHalf ?? 0;
  const net = { low: joules.low - idle - rest, mid: told - idle, high: joules.high - idle + rest };
  const reading = {
    ...exampleReading('prefill', 1),
    seconds: 1,
    joules,
    netJoules: restHalf === null ? null : net,
    ...(step === null ? {} : { tier: 'counter' as const, source: 'sampler: fake' }),
  };
  return exampleRun({ id: `slice ${n}`, slice: n, block: n, phases: [reading], ...more });
}

/** Measures until the bound is met or given up, as a plan does. */
function until(world: World, asked: number, from = LEAST_SLICES) {
  const runs = Array.from({ length: from }, (_, n) => slice(n, world));
  let told = boundOf(runs, ['rca'], asked);
  while (wantsMore(told)) {
    runs.push(slice(runs.length, world));
    told = boundOf(runs, ['rca'], asked);
  }
  const mid = runs.reduce((n, run) => n + (run.phases[0]?.netJoules?.mid ?? NaN), 0) / runs.length;
  return { ...told, n: runs.length, mid };
}

describe('measure until +-3 %', () => {
  it('a fine counter meets it as soon as the spread of slices allows', () => {
    const told = until({ gross: 20, idle: 8, sd: 0.02, step: 0.001 }, 0.03);
    expect(told).toMatchObject({ met: true, why: null });
    expect(told.reached).toBeLessThanOrEqual(0.03);
    expect(told.n).toBeLessThan(20);
  });

  it('runs shorter than a step are lengthened until it is met, and that takes the square of the step', () => {
    // Without spread: half-width 1.96 h / sqrt(3 n) / net.
    const at = (step: number) => until({ gross: 20, idle: 8, sd: 0, step }, 0.05).n;
    const [fine, coarse] = [at(2), at(4)];
    expect(fine).toBeGreaterThan(LEAST_SLICES);
    expect(coarse / fine).toBeGreaterThan(2.5);
    expect(coarse / fine).toBeLessThan(6);
  });

  it('a step that no number of repeats makes up for is given up at once, and says which it was', () => {
    const told = until({ gross: 20, idle: 8, sd: 0.01, step: 60 }, 0.03);
    expect(told).toMatchObject({ met: false, n: LEAST_SLICES });
    expect(['steps', 'nothing']).toContain(told.why);
    // Within reach of four times the most slices it goes on to the end, and no further.
    const near = until({ gross: 20, idle: 8, sd: 0, step: 4 }, 0.03);
    expect(near).toMatchObject({ met: false, why: 'steps', n: MOST_BOUND_SLICES });
    expect(near.reached).toBeGreaterThan(0.03);
  });

  it('what is not known of the watts at rest does not shrink with repeats', () => {
    const known = until({ gross: 20, idle: 8, sd: 0.01, step: 0.001, restHalf: 0.1 }, 0.03);
    expect(known).toMatchObject({ met: true });
    const wide = until({ gross: 20, idle: 8, sd: 0.01, step: 0.001, restHalf: 1 }, 0.03);
    expect(wide).toMatchObject({ met: false, why: 'rest-width', n: LEAST_SLICES });
    expect(wide.reached).toBeGreaterThan(1 / 12);
    const none = until({ gross: 20, idle: 8, sd: 0.01, step: 0.001, restHalf: null }, 0.03);
    expect(none).toMatchObject({ met: false, reached: null, why: 'rest', n: LEAST_SLICES });
  });

  it('net joules that cannot be told from none have no share', () => {
    expect(until({ gross: 8, idle: 8.5, sd: 0.001, step: 0.001 }, 0.03)).toMatchObject({
      reached: null,
      why: 'nothing',
    });
  });

  it('of an estimate it takes the spread of repeats alone, whatever the range of the device', () => {
    const told = until({ gross: 20, idle: 8, sd: 0.01, step: null }, 0.03);
    expect(told).toMatchObject({ met: true });
    expect(told.n).toBeLessThan(12);
    expect(until({ gross: 20, idle: 8, sd: 0.5, step: null }, 0.03)).toMatchObject({ met: false, why: 'spread' });
  });

  it('of an estimate whose net joules are counted work alone, gross ones decide: time is in them', () => {
    const runs = Array.from({ length: 12 }, (_, n) => {
      const gross = 10 + (n % 2 ? 2 : -2);
      const joules = { low: gross, mid: gross, high: gross };
      const reading = {
        ...exampleReading('prefill', 1),
        joules,
        netJoules: { low: 3, mid: 3, high: 3 },
        seconds: gross,
      };
      return exampleRun({ id: String(n), slice: n, block: n, phases: [reading] });
    });
    const told = boundOf(runs, ['rca'], 0.03);
    expect(told).toMatchObject({ met: false, why: 'open' });
    expect(told.reached).toBeCloseTo((2.201 * 2 * Math.sqrt(12 / 11)) / Math.sqrt(12) / 10, 3);
  });

  it('slices of other work are held against their work, not against each other', () => {
    const runs = Array.from({ length: 8 }, (_, n) => {
      const work = 1 + (n % 4);
      const reading = { ...exampleReading('prefill', 10 * work), flops: 100 * work };
      return exampleRun({ id: String(n), slice: n, block: n, phases: [reading] });
    });
    expect(boundOf(runs, ['rca'], 0.03)).toMatchObject({ met: true, reached: 0 });
  });

  it('leaves out slices that something held up, and refuses several sources and unknown joules', () => {
    const world: World = { gross: 20, idle: 8, sd: 0.005, step: 0 };
    const runs = Array.from({ length: 9 }, (_, n) => slice(n, world));
    const [reading] = runs[4]?.phases ?? [];
    if (!reading) throw new Error('a slice has a reading');
    const changed = (more: Partial<typeof reading>) =>
      runs.with(4, { ...(runs[4] as RunRecord), phases: [{ ...reading, ...more }] });
    const slow = changed({ seconds: 60, netJoules: { low: 500, mid: 500, high: 500 } });
    expect(boundOf(slow, ['rca'], 0.03)).toMatchObject({ met: true });
    expect(boundOf(changed({ source: 'another' }), ['rca'], 0.03)).toMatchObject({ reached: null, why: 'mixed' });
    expect(boundOf(changed({ joules: null }), ['rca'], 0.03)).toMatchObject({ reached: null, why: 'unknown' });
  });

  it('stopping where the bound is met leaves the truth within it as often as 95 % says, nearly', () => {
    let inside = 0;
    const trials = 400;
    for (let i = 0; i < trials; i++) {
      const told = until({ gross: 20, idle: 8, sd: 0.05, step: 0.5 }, 0.05);
      if (told.met && Math.abs(told.mid / 12 - 1) <= 0.05) inside++;
    }
    expect(inside / trials).toBeGreaterThan(0.92);
  });

  it('stands in the results where a plan asked for it, and nowhere else', () => {
    const runs = Array.from({ length: 9 }, (_, n) => slice(n, { gross: 20, idle: 8, sd: 0.01, step: 0.01 }));
    const baseline = runs.map((run) => ({
      ...run,
      id: `b ${run.id}`,
      variant: 'baseline',
      engine: 'classical' as const,
    }));
    const of = (energyBound?: number) =>
      foldRuns([...runs, ...baseline], energyBound === undefined ? {} : { energyBound }).results;
    expect(of(0.03).map(({ bound }) => bound?.met)).toEqual([undefined, true]);
    expect(of().every((result) => !('bound' in result))).toBe(true);
  });
});

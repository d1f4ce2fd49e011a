import { expect, it } from 'vitest';
import { exampleReading, exampleRun } from './example';
import { foldRuns } from './fold';
import { phasesOf } from './phases';

it('gives each phase its seconds, its share a ticket, and its rates', () => {
  const decode = { ...exampleReading('decode', 4), seconds: 2, flops: 8e9, bytes: 2e9, tokens: 10 };
  const load = { ...exampleReading('load', 0), seconds: 3, joules: null, flops: null, bytes: null, tokens: null };
  const [all] = phasesOf([exampleRun({ phases: [load, decode] }), exampleRun({ slice: 1, phases: [decode] })]);
  expect(all?.phases.map(({ phase, runs }) => [phase, runs])).toEqual([
    ['load', 1],
    ['decode', 2],
  ]);
  const [once, each] = all?.phases ?? [];
  expect(once).toMatchObject({ seconds: 3, perTicket: null, work: null, tokensPerSecond: null });
  // Two tickets a run.
  expect(each?.perTicket).toMatchObject({ seconds: 1, joules: { mid: 2 } });
  expect(each?.work).toEqual({ flopsPerSecond: 4e9, bytesPerSecond: 1e9, intensity: 4 });
  expect(each?.tokensPerSecond).toBe(5);
});

it('keeps unknown joules and uncounted work unknown', () => {
  const decode = { ...exampleReading('decode', 4), joules: null, bytes: null };
  const [all] = phasesOf([exampleRun({ phases: [decode] }), exampleRun({ phases: [exampleReading('decode', 4)] })]);
  expect(all?.phases[0]).toMatchObject({ perTicket: { joules: null }, work: null });
});

it('adds up to the energy of the ranking, also where a task has no decode', () => {
  const runs = [0, 1].flatMap((slice) => [
    exampleRun({ slice, block: slice, task: 'rca', phases: [exampleReading('prefill', 4)] }),
    exampleRun({
      slice,
      block: slice,
      task: 'response',
      phases: [exampleReading('prefill', 2), exampleReading('decode', 6)],
    }),
  ]);
  const [variant] = phasesOf(runs);
  const sum = variant?.phases.reduce((n, { perTicket }) => n + (perTicket?.joules?.mid ?? NaN), 0);
  expect(sum).toBeCloseTo(foldRuns(runs).results[0]?.energy?.mid ?? NaN, 12);
});

import { parse } from 'valibot';
import { describe, expect, it } from 'vitest';
import { VariantResultSchema } from '../schema/result';
import { exampleOutcome, exampleReading, exampleRun } from './example';
import { foldRuns } from './fold';

const only = (runs: Parameters<typeof foldRuns>[0]) => {
  const { results } = foldRuns(runs);
  expect(results).toHaveLength(1);
  const [result] = results;
  if (!result) throw new Error('no result');
  return parse(VariantResultSchema, result);
};

describe('foldRuns', () => {
  it('counts prefill and decode per ticket, and nothing else', () => {
    // (3 + 1) J over 2 tickets; seconds are half of the joules in the example.
    const result = only([exampleRun()]);
    expect(result).toMatchObject({
      energy: { mid: 2, low: null, high: null, n: 1 },
      deviceRange: { low: 0.5, high: 2 },
      latency: { mid: 1, n: 1 },
      storedBytes: 200,
      computedBytes: 400,
      sparsity: 0.25,
      tickets: 2,
      slices: 1,
      fallbacks: [],
    });
    // Accuracy 0.5; F1 of A 2/3, of B 0.
    expect(result.quality?.mid).toBe(0.417);
    expect(result.metrics['rca.accuracy']).toMatchObject({ mid: 0.5, n: 2 });
  });

  it('adds tasks up, as a ticket that gets all of them costs their sum, and averages slices', () => {
    const run = (slice: number, task: 'rca' | 'response', joules: number) =>
      exampleRun({ slice, block: slice, task, phases: [exampleReading('decode', joules)] });
    // Slice 0: 2/2 + 6/2 = 4; slice 1: 4/2 + 8/2 = 6.
    const result = only([run(1, 'response', 8), run(0, 'rca', 2), run(0, 'response', 6), run(1, 'rca', 4)]);
    expect(result.energy).toMatchObject({ mid: 5, n: 2 });
    expect(result.deviceRange).toEqual({ low: 0.5, high: 2 });
    expect(result.taskShare).toEqual({ rca: 0.3 });
    expect(result.slices).toBe(2);
  });

  it('leaves an unfinished slice out', () => {
    const run = (slice: number, task: 'rca' | 'response', joules: number) =>
      exampleRun({ slice, block: slice, task, phases: [exampleReading('decode', joules)] });
    const result = only([run(0, 'rca', 2), run(0, 'response', 6), run(1, 'rca', 400)]);
    expect(result).toMatchObject({ energy: { mid: 4 }, latency: { mid: 2, n: 1 } });
  });

  it('leaves a slice out that the device slept through, and says so', () => {
    const run = (slice: number, joules: number) =>
      exampleRun({
        slice,
        block: slice,
        phases: [exampleReading('prefill', joules / 2), exampleReading('decode', joules / 2)],
      });
    // The first may be the one that was held up; three times the fastest still counts.
    const result = only([run(0, 400), run(1, 2), run(2, 6)]);
    expect(result).toMatchObject({ energy: { mid: 2 }, slices: 3 });
    expect(result.fallbacks.join()).toMatch(/1 of 3 slices took over 3 times as long/);
    expect(only([run(0, 2), run(1, 6)])).toMatchObject({ slices: 2, fallbacks: [] });
  });

  it('keeps unknown energy unknown', () => {
    const unknown = { ...exampleReading('decode', 1), joules: null };
    expect(only([exampleRun({ phases: [exampleReading('prefill', 1), unknown] })])).toMatchObject({
      energy: null,
      deviceRange: null,
      latency: { mid: 0.5 },
    });
    expect(only([exampleRun({ phases: [] })])).toMatchObject({ energy: null, latency: null });
    expect(only([exampleRun({ tickets: [] })])).toMatchObject({ energy: null, quality: null, tickets: 0 });
  });

  it('says when slices answer differently and when a task is missing', () => {
    const other = exampleRun({ slice: 1, tickets: [exampleOutcome('1', 'A', 'B'), exampleOutcome('2', 'B', 'B')] });
    expect(only([exampleRun(), other]).fallbacks).toEqual([
      'Answers (rca) differ between slices that asked the same; quality is that of the first.',
    ]);
    const { results } = foldRuns([
      exampleRun(),
      exampleRun({ variant: 'int8', task: 'response' }),
      exampleRun({ variant: 'int8' }),
    ]);
    expect(results.map((r) => [r.variant, r.fallbacks])).toEqual([
      ['fp16', ['It was not run on: response. So its quality and energy over all tasks are unknown.']],
      ['int8', []],
    ]);
    // Half of the work does not compare with all of it.
    expect(results[0]).toMatchObject({ energy: null, quality: null, latency: null, tickets: 2 });
    expect(results[1]?.quality).not.toBeNull();
  });

  it('says when phases were metered differently, and trusts the weaker', () => {
    const counted = { ...exampleReading('prefill', 1), tier: 'counter' as const, boundary: 'gpu' as const };
    const result = only([exampleRun({ phases: [counted, exampleReading('decode', 1)] })]);
    expect(result.tier).toBe('profile');
    expect(result.fallbacks).toHaveLength(2);
  });

  it('does not depend on the order of the runs', () => {
    const runs = ['b', 'a'].flatMap((variant) => [0, 1].map((slice) => exampleRun({ variant, slice, block: slice })));
    expect(foldRuns(runs.toReversed())).toEqual(foldRuns(runs));
    expect(foldRuns(runs).results.map((r) => r.variant)).toEqual(['a', 'b']);
  });

  it('draws a ticket of two tasks once for both', () => {
    // Perfectly correlated tasks: resampled together, the interval is as wide as for one task alone.
    const tickets = Array.from({ length: 60 }, (_, i) =>
      exampleOutcome(`${i}`, 'link down', i % 2 ? 'link down' : 'zzz'),
    );
    const [one] = foldRuns([exampleRun({ task: 'rca', tickets })]).results;
    const [both] = foldRuns([exampleRun({ task: 'rca', tickets }), exampleRun({ task: 'response', tickets })]).results;
    const width = (q: { low: number | null; high: number | null } | null | undefined) =>
      (q?.high ?? NaN) - (q?.low ?? NaN);
    expect(both?.quality?.n).toBe(60);
    expect(width(both?.quality)).toBeGreaterThan(0.8 * width(one?.quality));
  });
});

describe('a variant that was stopped early', () => {
  it('differs from the reference by what it does on the tickets that both answered', () => {
    // The reference has half of the first slice right and all of the second; int8 answers the first alone, one ticket better.
    const answers = (slice: number, right: number) =>
      Array.from({ length: 20 }, (_, i) =>
        exampleOutcome(`${slice}/${i}`, i % 2 ? 'A' : 'B', i < right ? (i % 2 ? 'A' : 'B') : 'C'),
      );
    const runs = [
      exampleRun({ variant: 'fp32', slice: 0, block: 0, tickets: answers(0, 10) }),
      exampleRun({ variant: 'int8', slice: 0, block: 0, tickets: answers(0, 11) }),
      exampleRun({ variant: 'fp32', slice: 1, block: 1, tickets: answers(1, 20) }),
    ];
    const { results } = foldRuns(runs);
    const of = (variant: string) => results.find((r) => r.variant === variant);
    expect(of('fp32')?.metrics['rca.accuracy']?.mid).toBeCloseTo(0.75, 3);
    expect(of('int8')?.metrics['rca.accuracy']?.mid).toBeCloseTo(0.8, 3);
    expect((of('int8')?.quality?.mid ?? 0) - (of('fp32')?.quality?.mid ?? 0)).toBeGreaterThan(0);
    expect(of('int8')?.fallbacks.join()).toMatch(/answered 20 of the reference's tickets/);
    expect(of('fp32')?.fallbacks).toEqual([]);
  });
});

import { expect, it } from 'vitest';
import { exampleReading, exampleRun } from './example';
import { foldRuns } from './fold';
import { measuresOf } from './measures';

const [first] = exampleRun().tickets;
if (!first) throw new Error('an example has tickets');
const ticket = (right: boolean) => ({ ...first, output: right ? first.reference : `not ${first.reference}` });
const rca = (slice: number, rights: boolean[], more = {}) =>
  exampleRun({ slice, block: slice, task: 'rca', tickets: rights.map(ticket), ...more });

it('gives gross joules as the answer has them, and net ones beside', () => {
  const runs = [0, 1].flatMap((slice) => [
    rca(slice, [true, false], { phases: [exampleReading('prefill', 4)] }),
    exampleRun({
      slice,
      block: slice,
      task: 'response',
      phases: [exampleReading('prefill', 2), exampleReading('decode', 6)],
    }),
  ]);
  const [variant] = measuresOf(runs);
  expect(variant?.gross?.mid).toBeCloseTo(foldRuns(runs).results[0]?.energy?.mid ?? NaN, 12);
  // Examples are net of half of it.
  expect(variant?.net?.mid).toBeCloseTo((variant?.gross?.mid ?? NaN) / 2, 12);
});

it('divides by tokens of all phases and by right answers alone, loading left out', () => {
  const load = { ...exampleReading('load', 100), tokens: null };
  const runs = [
    rca(0, [true, false, false], {
      phases: [load, { ...exampleReading('prefix', 1), tokens: 10 }, { ...exampleReading('prefill', 5), tokens: 110 }],
    }),
    rca(1, [true, true, false], { phases: [{ ...exampleReading('prefill', 6), tokens: 120 }] }),
  ];
  const [variant] = measuresOf(runs);
  expect(variant?.thousandTokens?.mid).toBeCloseTo((1000 * 12) / 240, 12);
  expect(variant?.correct?.mid).toBeCloseTo(12 / 3, 12);
  expect(variant?.chosen).toEqual({ right: 3, of: 6 });
});

it('says null for what is unknown, never 0', () => {
  const unknown = { ...exampleReading('prefill', 4), joules: null, netJoules: null };
  expect(measuresOf([rca(0, [true], { phases: [unknown] })])[0]).toMatchObject({
    gross: null,
    net: null,
    thousandTokens: null,
    correct: null,
  });
  const counted = { ...exampleReading('prefill', 4), netJoules: null };
  expect(measuresOf([rca(0, [false], { phases: [counted] })])[0]).toMatchObject({ net: null, correct: null });
  expect(measuresOf([rca(0, [true], { phases: [counted] })])[0]?.gross?.mid).toBe(4);
  const written = exampleRun({ task: 'response', phases: [{ ...exampleReading('decode', 4), tokens: null }] });
  expect(measuresOf([written])[0]).toMatchObject({ thousandTokens: null, correct: null, chosen: { of: 0 } });
  expect(measuresOf([])).toEqual([]);
});

it('counts neither anchors nor validation tickets', () => {
  const runs = [
    rca(0, [true], { phases: [exampleReading('prefill', 4)] }),
    rca(1, [true], { phases: [exampleReading('prefill', 400)], anchor: true }),
    rca(0, [true], { phases: [exampleReading('prefill', 400)], part: 'validation' }),
  ];
  expect(measuresOf(runs)[0]?.correct?.mid).toBe(4);
});

it('takes gross and net of one source, and states none below 0', () => {
  const estimate = exampleReading('prefill', 4);
  const counted = {
    ...estimate,
    tier: 'counter' as const,
    source: 'sampler: rapl',
    joules: { low: 7, mid: 8, high: 9 },
  };
  const of = (netJoules: { low: number; mid: number; high: number } | null) =>
    measuresOf([rca(0, [true], { phases: [{ ...counted, netJoules }, estimate] })])[0];
  expect(of(null)).toMatchObject({ gross: { mid: 8 }, net: null });
  expect(of({ low: -1, mid: 3, high: 5 })).toMatchObject({ gross: { mid: 8 }, net: { low: 0, mid: 3, high: 5 } });
});

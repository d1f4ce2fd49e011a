import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it } from 'vitest';
import { markedName } from '../../meter/firefox/marks';
import { withProfile } from '../../meter/firefox/attach';
import { CONTENT, counted, fakeFile, fakeProfile, steady, type FakeMark } from '../../meter/firefox/testing';
import { mainReadings } from '../../meter/readings';
import { exampleReading, exampleRun } from '../../rank/example';
import type { Phase, RunRecord } from '../../schema/run';
import { database, getRun, removeAllRecords, replaceReadings, runsOfPlan, saveRun } from '../../store/db';
import { attachProfile } from './attach';

const PLAN = 'a'.repeat(64);
const times = Array.from({ length: 101 }, (_, i) => i * 10);
/** 20 W of a package for a second. */
const package20 = { name: 'Power: CPU package', times, counts: times.map(() => 0.2 / 3.6e-9) };

const runOf = (unit: string, more: Partial<RunRecord> = {}) =>
  exampleRun({
    id: `${PLAN}/${unit}`,
    plan: PLAN,
    startedAt: '2026-11-29T18:00:00.000Z',
    phases: [exampleReading('prefill', 0.4), exampleReading('decode', 0.6)],
    ...more,
  });
const marksOf = (run: RunRecord, from = 100): FakeMark[] => [
  { run: markedName(run), phase: 'prefill', span: [from, from + 200] },
  { run: markedName(run), phase: 'decode', span: [from + 200, from + 500] },
];

afterEach(removeAllRecords);

describe('a profile for stored runs', () => {
  it('stands beside their readings, by their marks, and says what it could not tell', async () => {
    const [one, two, three, card] = [
      runOf('0/rca/fp16/0'),
      runOf('0/rca/w4 sparse2:4/0'),
      runOf('0/rca/fp16/1'),
      runOf('0/rca/w8/0', { engine: 'ort-gpu', phases: [{ ...exampleReading('prefill', 0.4), boundary: 'gpu' }] }),
    ];
    for (const run of [one, two, three, card]) await saveRun(run);
    const plan = { hash: PLAN, summary: { runs: 4 } };
    await (await database()).put('plans', plan as never);
    const marks = [
      ...marksOf(one),
      ...marksOf(two, 300),
      ...marksOf(three, 900),
      ...marksOf(card),
      ...marksOf({ ...one, startedAt: '2026-11-29T19:00:00.000Z', id: `${PLAN}/0/rca/fp16/0` }),
      ...marksOf(runOf('0/rca/gone/0')),
    ];
    expect(await attachProfile(fakeFile(fakeProfile([package20], marks)))).toEqual({
      whole: 2,
      partly: 0,
      untold: { gone: 1, graphics: 1, uncovered: 1 },
      source: 'firefox-profile: CPU package',
      plans: [PLAN],
    });
    const stored = await getRun(two.id);
    expect(stored?.phases.slice(0, 2)).toEqual(two.phases);
    const main = mainReadings(stored?.phases ?? []).map(({ tier, joules }) => [tier, joules?.mid]);
    expect(main).toEqual([
      ['counter', expect.closeTo(4, 6)],
      ['counter', expect.closeTo(6, 6)],
    ]);
    expect({ ...stored, phases: two.phases }).toEqual(two);
    expect(await getRun(three.id)).toEqual(three);
    expect(await (await database()).get('plans', PLAN)).toEqual({ ...plan, summary: null });
    // Once more, nothing changes.
    await attachProfile(fakeFile(fakeProfile([package20], marks)));
    expect(await getRun(two.id)).toEqual(stored);
  });

  it('is refused with what to do where it has no power or no marks, and leaves all as it was', async () => {
    const run = runOf('0/rca/fp16/0');
    await saveRun(run);
    await expect(attachProfile(fakeFile(fakeProfile([], marksOf(run))))).rejects.toThrow(/preset Power/);
    await expect(attachProfile(fakeFile(fakeProfile([package20], [])))).rejects.toThrow(/no marks of Joulewise/);
    expect(await runsOfPlan(PLAN)).toEqual([run]);
  });

  it('changes all runs or none', async () => {
    const [one, two] = [runOf('0/rca/fp16/0'), runOf('0/rca/fp16/1')];
    await saveRun(one);
    await saveRun(two);
    const phases = [exampleReading('decode', 1)];
    const change = ({ id, plan, startedAt }: RunRecord) => ({ id, plan, startedAt, phases });
    await expect(replaceReadings([change(one), { ...change(two), startedAt: 'later' }])).rejects.toThrow(/another tab/);
    const broken = { ...change(two), phases: [{ ...exampleReading('decode', 1), seconds: NaN }] };
    await expect(replaceReadings([change(one), broken])).rejects.toThrow(/not valid/);
    expect(await runsOfPlan(PLAN)).toEqual([one, two]);
    await replaceReadings([change(one), change(two)]);
    expect((await runsOfPlan(PLAN)).map((run) => run.phases)).toEqual([phases, phases]);
  });
});

describe('a run with a profile', () => {
  const record = runOf('0/rca/w4 sparse2:4/3', {
    phases: [exampleReading('load', 0.2), exampleReading('prefill', 0.4), exampleReading('decode', 0.6)],
  });
  const spans = { load: [100, 200], prefill: [210, 410], decode: [420, 720] } as const;
  const marked = (o: { startedAt?: string; spans?: Partial<Record<Phase, readonly number[]>> } = {}) => ({
    ...markedName(record),
    startedAt: o.startedAt ?? record.startedAt,
    pid: CONTENT,
    spans: new Map(Object.entries(o.spans ?? spans).map(([phase, own]) => [phase as Phase, [...own]])),
  });
  const power = counted(steady('Power: CPU package', 20, {}));

  it('has two sources side by side, of which the counter speaks', () => {
    const told = withProfile(record, [marked()], power);
    if (typeof told === 'string') throw new Error(told);
    expect(told.whole).toBe(true);
    expect(told.phases.slice(0, 3)).toEqual(record.phases);
    expect(mainReadings(told.phases)).toMatchObject(
      [2, 4, 6].map((mid) => ({
        tier: 'counter',
        boundary: 'package',
        source: 'firefox-profile: CPU package',
        joules: { mid: expect.closeTo(mid, 6) as number },
        netJoules: null,
        tokens: 1,
      })),
    );
    // Added again, it takes the place of what it said.
    expect(withProfile({ ...record, phases: told.phases }, [marked()], power)).toEqual(told);
  });

  it('is unknown in phases that the profile does not cover or lacks marks of, and so the estimate speaks', () => {
    for (const lacking of [
      { ...spans, decode: [420, 600] },
      { ...spans, decode: [900, 1200] },
      { prefill: spans.prefill },
    ]) {
      const told = withProfile(record, [marked({ spans: lacking })], power);
      if (typeof told === 'string') throw new Error(told);
      expect(told.whole).toBe(false);
      expect(told.phases.find((r) => r.phase === 'decode' && r.tier === 'counter')?.joules).toBeNull();
      expect(mainReadings(told.phases)).toEqual(record.phases);
    }
    expect(withProfile(record, [marked({ spans: { decode: [1, 2] } })], power)).toBe('uncovered');
  });

  it('takes what opening took from an earlier try, and answers from its own alone', () => {
    const before = marked({ startedAt: '2026-11-29T17:00:00.000Z' });
    const told = withProfile(record, [before, marked({ spans: { prefill: [210, 410], decode: [420, 720] } })], power);
    expect(told).toMatchObject({ whole: true });
    expect(withProfile(record, [before], power)).toBe('gone');
  });

  it('is not told by a package where a graphics card computed', () => {
    const onGraphics = { ...record, engine: 'ort-gpu' as const };
    expect(withProfile(onGraphics, [marked()], power)).toMatchObject({ whole: true });
    const card = { ...onGraphics, phases: record.phases.map((r) => ({ ...r, boundary: 'gpu' as const })) };
    expect(withProfile(card, [marked()], power)).toBe('graphics');
    const processes = counted(steady('Process Power', 20, { pid: CONTENT }));
    expect(withProfile(onGraphics, [marked()], processes)).toBe('graphics');
  });
});

import { describe, expect, it } from 'vitest';
import { observe, readSeries } from './readings';
import { orderOf, ROUTINES, runRoutine } from './routine';
import { mostOf, spentIn, type Segment } from './timeline';

describe('CSV of a meter', () => {
  it('reads watts, counters and what a battery still holds, by name and unit', () => {
    expect(readSeries('time,watts\n1700000000,5\n1700000001.5,-6\n')).toEqual({
      kind: 'watts',
      readings: [
        { at: 1700000000000, watts: 5 },
        { at: 1700000001500, watts: 6 },
      ],
    });
    expect(
      readSeries('Timestamp;kWh\r\n2026-11-30T00:00:00Z;1\r\n2026-11-30T01:00:05+01:00;1.001\r\n').readings,
    ).toEqual([
      { at: 1795996800000, joules: 3.6e6 },
      { at: 1795996805000, joules: 1.001 * 3.6e6 },
    ]);
    const battery = readSeries('time,energy_now\n1700000000000,50000000\n1700000010000,49990000');
    expect(battery.kind === 'joules' && battery.readings[1]!.joules - battery.readings[0]!.joules).toBeCloseTo(36, 6);
  });
  it('leaves gaps out, and says what to do with what cannot be read', () => {
    expect(readSeries('time,watts\n1700000000,5\n1700000001,\n1700000002,7').readings).toHaveLength(2);
    expect(() => readSeries('when,volts\n1,2')).toThrow(/header with a column "time".*"when,volts"/);
    expect(() => readSeries('time,watts\nyesterday,2\n')).toThrow(/Line 2: "yesterday" is no time/);
    expect(() => readSeries('time,watts\n2026-11-30 10:00,2\n')).toThrow(/with its time zone/);
    expect(() => readSeries('time,watts\n1700000000,2\n')).toThrow(/fewer than two/);
    expect(() => readSeries('time,joules\n1700000000,9\n1700000001,3')).toThrow(/runs backwards/);
  });
});

const segments: Segment[] = [0, 1, 2].map((i) => ({
  kind: i === 1 ? 'idle' : 'reading',
  arithmetic: 'f32',
  from: 10_000 * i,
  to: 10_000 * (i + 1),
  bytes: i === 1 ? 0 : 1e9,
  operations: 0,
}));

describe('readings on a timeline', () => {
  it('spreads the work of a piece over it, and calls time outside of all idle', () => {
    const spent = spentIn(segments, { from: 5000, to: 40_000 });
    expect(spent.slice(0, 3)).toEqual([35, 15, 1.5e9]);
    expect(mostOf(segments, { from: 5000, to: 12_000 })).toEqual({
      kind: 'reading',
      kernel: 'reading/f32',
      share: 5 / 7,
    });
  });
  it('takes joules between two steps of a counter as exact, wherever the pieces end', () => {
    // 2 W throughout; a step of 6 J every 3 s.
    const readings = Array.from({ length: 301 }, (_, i) => ({ at: 100 * i, joules: 6 * Math.floor(i / 30) }));
    const observations = observe({ kind: 'joules', readings }, segments, 0);
    expect(observations).toHaveLength(9);
    for (const { from, to, joules } of observations) expect(joules / ((to - from) / 1000)).toBeCloseTo(2, 6);
  });
  it('moves watts by their lag', () => {
    const readings = Array.from({ length: 330 }, (_, i) => ({ at: 100 * i, watts: i > 120 && i <= 220 ? 1 : 9 }));
    const [first, idle] = observe({ kind: 'watts', readings }, segments, 2000);
    expect(first!.joules / (first!.to - first!.from)).toBeCloseTo(0.009, 6);
    expect(idle!.joules / (idle!.to - idle!.from)).toBeCloseTo(0.001, 6);
  });
});

describe('routine', () => {
  it('is idle before, between and after, and gives every kernel its turns', () => {
    for (const name of ['counter', 'battery', 'steps'] as const) {
      const { seconds, pieceSeconds } = ROUTINES[name];
      const order = orderOf(11, Math.round(seconds / pieceSeconds));
      expect([order[0], order.at(-1)]).toEqual([null, null]);
      expect(order.slice(1, -1).filter((at) => at === null).length).toBeGreaterThan(5);
      for (let k = 0; k < 11; k++)
        expect(order.filter((at) => at === k).length, `kernel ${k}`).toBeGreaterThanOrEqual(2);
    }
  });
  it('adds up what kernels did, tells where it is, and ends when told to', async () => {
    let now = 0;
    const kernel = {
      kind: 'reading',
      arithmetic: 'f32',
      once: () => {
        now += 100;
        return { bytes: 10, operations: 0 };
      },
    } as const;
    const clock = { now: () => now, sleep: (ms: number) => ((now += ms), Promise.resolve()) };
    const aborter = new AbortController();
    const seen: string[] = [];
    const options = {
      signal: aborter.signal,
      onPiece: (_: number, of: number, kind: string) => void seen.push(`${kind}/${of}`),
    };
    const ran = await runRoutine([kernel], 'counter', clock, options);
    expect(ran).toHaveLength(48);
    expect(seen[0]).toBe('idle/48');
    expect(ran[1]).toMatchObject({ kind: 'reading', from: 2500, to: 5000, bytes: 250 });
    aborter.abort(new Error('enough'));
    await expect(runRoutine([kernel], 'counter', clock, options)).rejects.toThrow('enough');
  });
});

import { describe, expect, it } from 'vitest';
import { bytes, operations } from '../core/units';
import type { Device } from '../schema/run';
import { createMeter } from './meter';
import { profileByName } from './profiles';
import { openSources, SOURCES, type SourceRow } from './open';
import { mainReadings, type EnergySource } from './readings';
import { profileSource, readingFromProfile } from './sources/profile';

const profile = profileByName('cpu-laptop');
const source = profileSource(profile);

/** A clock that moves only when told. */
function fakeTime() {
  let now = 1000;
  return { clock: () => now, pass: (ms: number) => (now += ms) };
}

const work = (b: number, f: number, tokens: number | null = null) => ({
  bytes: bytes(b),
  operations: operations(f),
  tokens,
});

describe('meter', () => {
  it('adds windows up by phase, in the order of the phases', async () => {
    const time = fakeTime();
    const meter = createMeter({ clock: time.clock, fence: () => undefined, sources: [source] });
    for (let i = 0; i < 3; i++) {
      await meter.window(
        'decode',
        (made: number) => work(10, 20, made),
        () => (time.pass(5), 2),
      );
      await meter.window('prefill', work(1, 2, 7), () => void time.pass(50));
    }
    expect(meter.windows()).toMatchObject([
      {
        phase: 'prefill',
        seconds: 0.15,
        bytes: 3,
        operations: 6,
        tokens: 21,
        spans: [1005, 1055, 1060, 1110, 1115, 1165],
      },
      { phase: 'decode', seconds: 0.015, bytes: 30, operations: 60, tokens: 6 },
    ]);
    const readings = await meter.read();
    expect(readings.map(({ phase, tier, boundary, source: name }) => [phase, tier, boundary, name])).toEqual([
      ['prefill', 'profile', 'package', 'cpu-laptop'],
      ['decode', 'profile', 'package', 'cpu-laptop'],
    ]);
  });

  it('fences before the clock starts and before it stops', async () => {
    const time = fakeTime();
    const fence = () => Promise.resolve(void time.pass(100));
    const meter = createMeter({ clock: time.clock, fence, sources: [source] });
    await meter.window('prefill', work(1, 1), () => void time.pass(3));
    // The first 100 ms belong to whatever ran before; the last 100 ms to this window.
    expect(meter.windows()[0]?.seconds).toBeCloseTo(0.103, 12);
  });

  it('keeps arithmetics apart when pricing and together when reading', async () => {
    const time = fakeTime();
    const meter = createMeter({ clock: time.clock, fence: () => undefined, sources: [source] });
    await meter.window('prefill', { ...work(0, 1e9, 1), arithmetic: 'i8' }, () => void time.pass(10));
    await meter.window('prefill', work(0, 1e9, 1), () => void time.pass(10));
    expect(meter.windows()).toHaveLength(2);
    const readings = await meter.read();
    expect(readings).toHaveLength(1);
    expect(readings[0]).toMatchObject({ flops: 2e9, tokens: 2 });
    const [first, second] = meter.windows().map((window) => readingFromProfile(window, profile).joules?.mid ?? NaN);
    expect(readings[0]?.joules?.mid).toBeCloseTo((first ?? NaN) + (second ?? NaN), 12);
  });

  it('lets one uncounted window make its phase unknown', async () => {
    const meter = createMeter({ clock: fakeTime().clock, fence: () => undefined, sources: [source] });
    await meter.window('load', work(1, 1), () => undefined);
    await meter.window('load', { bytes: null, operations: null, tokens: null }, () => undefined);
    await meter.window('decode', work(1, 1), () => undefined);
    expect((await meter.read()).map((r) => [r.phase, r.joules === null])).toEqual([
      ['load', true],
      ['decode', false],
    ]);
  });

  it('refuses nesting, books no failed window, and works on afterwards', async () => {
    const meter = createMeter({ clock: fakeTime().clock, fence: () => undefined, sources: [source] });
    const inner = () => meter.window('decode', work(1, 1), () => undefined);
    await expect(meter.window('prefill', work(1, 1), inner)).rejects.toThrow(
      'A decode window was opened inside a prefill window.',
    );
    await expect(meter.window('prefill', work(1, 1), () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    expect(meter.windows()).toEqual([]);
    await inner();
    expect(meter.windows()).toHaveLength(1);
  });
});

describe('a meter of long work', () => {
  it('asks a counter part by part, again where it was silent, and adds up what it said', async () => {
    const time = fakeTime();
    const asked: (readonly number[])[] = [];
    let silent = false;
    const counter: EnergySource = {
      tier: 'counter',
      boundary: 'package',
      name: 'counter',
      read(windows) {
        asked.push(windows.flatMap(({ spans = [] }) => spans));
        return Promise.resolve(
          windows.map(({ phase, seconds, tokens }) => {
            const joules = silent ? null : { low: 9 * seconds, mid: 10 * seconds, high: 11 * seconds };
            const { tier, boundary, name } = counter;
            return {
              phase,
              seconds,
              joules,
              netJoules: null,
              tier,
              boundary,
              source: name,
              bytes: null,
              flops: null,
              tokens,
            };
          }),
        );
      },
    };
    const meter = createMeter({ clock: time.clock, fence: () => undefined, sources: [counter, source] });
    const train = () => meter.window('train', work(1, 1, 5), () => void time.pass(1000));
    await train();
    expect(meter.settled()).toEqual([]);
    await meter.settle();
    expect(meter.settled()).toMatchObject([{ phase: 'train', seconds: 1 }]);
    silent = true;
    await train();
    await meter.settle();
    silent = false;
    await train();
    await meter.settle();
    await train();
    const [counted, estimated] = await meter.read();
    expect(asked).toEqual([
      [1000, 2000],
      [2000, 3000],
      [2000, 3000, 3000, 4000],
      [4000, 5000],
    ]);
    expect(counted).toMatchObject({ phase: 'train', source: 'counter', seconds: 4, tokens: 20 });
    expect(counted?.joules?.mid).toBeCloseTo(40, 9);
    // What is computed from the work is computed from all of it, as ever.
    expect(estimated).toMatchObject({ phase: 'train', source: 'cpu-laptop', seconds: 4, tokens: 20 });
    expect(meter.windows()[0]?.spans).toHaveLength(8);
    expect(await meter.read()).toEqual([counted, estimated]);
  });
});

describe('sources', () => {
  const context = { device: {} as Device, engine: 'cpu', profile: 'cpu-laptop' } as const;
  /** A counter as a row would add one: it is asked at the end alone. */
  const counter = (joules: number | null): SourceRow & { asked: number } => {
    const row = {
      title: 'A counter',
      asked: 0,
      open: (): EnergySource => ({
        tier: 'counter',
        boundary: 'package',
        name: 'counter 0',
        read: (windows) => {
          row.asked++;
          return Promise.resolve(
            windows.map(({ phase, seconds, bytes, operations, tokens }) => ({
              phase,
              seconds,
              joules: joules === null ? null : { low: joules, mid: joules, high: joules },
              netJoules: null,
              tier: 'counter',
              boundary: 'package',
              source: 'counter 0',
              bytes,
              flops: operations,
              tokens,
            })),
          );
        },
      }),
    };
    return row;
  };
  const meterOf = (row: SourceRow) =>
    createMeter({
      clock: fakeTime().clock,
      fence: () => undefined,
      sources: openSources(context, [...Object.values(SOURCES), row]),
    });

  it('stand side by side, by phase and source, and the most trusted that knows speaks for a run', async () => {
    const row = counter(3);
    const meter = meterOf(row);
    await meter.window('prefill', work(1, 1), () => undefined);
    await meter.window('decode', work(1, 1), () => undefined);
    // A live view asks only what answers for nothing.
    expect(meter.peek().map(({ phase, source: name }) => [phase, name])).toEqual([
      ['prefill', 'cpu-laptop'],
      ['decode', 'cpu-laptop'],
    ]);
    expect(row.asked).toBe(0);
    const readings = await meter.read();
    expect(row.asked).toBe(1);
    expect(readings.map(({ phase, source: name }) => [phase, name])).toEqual([
      ['prefill', 'cpu-laptop'],
      ['prefill', 'counter 0'],
      ['decode', 'cpu-laptop'],
      ['decode', 'counter 0'],
    ]);
    expect(mainReadings(readings).map(({ joules }) => joules?.mid)).toEqual([3, 3]);
  });

  it('give way, whole, to one that knows what they do not', async () => {
    const meter = meterOf(counter(null));
    await meter.window('decode', work(1, 1), () => undefined);
    expect(mainReadings(await meter.read()).map(({ source: name }) => name)).toEqual(['cpu-laptop']);
  });

  it('have a complete row each', () => {
    for (const [name, row] of Object.entries(SOURCES))
      for (const column of ['title', 'open'] as const) expect(row[column], `${name} lacks ${column}`).toBeTruthy();
  });
});

import { describe, expect, it } from 'vitest';
import { bytes, flops } from '../core/units';
import { createMeter } from './meter';
import { profileByName } from './profiles';
import { profileSource, readingFromProfile } from './sources';

const profile = profileByName('cpu-laptop');
const source = profileSource(profile);

/** A clock that moves only when told. */
function fakeTime() {
  let now = 1000;
  return { clock: () => now, pass: (ms: number) => (now += ms) };
}

const work = (b: number, f: number, tokens: number | null = null) => ({ bytes: bytes(b), flops: flops(f), tokens });

describe('meter', () => {
  it('adds windows up by phase, in the order of the phases', async () => {
    const time = fakeTime();
    const meter = createMeter({ clock: time.clock, fence: () => undefined, source });
    for (let i = 0; i < 3; i++) {
      await meter.window(
        'decode',
        (made: number) => work(10, 20, made),
        () => (time.pass(5), 2),
      );
      await meter.window('prefill', work(1, 2, 7), () => void time.pass(50));
    }
    expect(meter.windows()).toMatchObject([
      { phase: 'prefill', seconds: 0.15, bytes: 3, flops: 6, tokens: 21, spans: [1005, 1055, 1060, 1110, 1115, 1165] },
      { phase: 'decode', seconds: 0.015, bytes: 30, flops: 60, tokens: 6 },
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
    const meter = createMeter({ clock: time.clock, fence, source });
    await meter.window('prefill', work(1, 1), () => void time.pass(3));
    // The first 100 ms belong to whatever ran before; the last 100 ms to this window.
    expect(meter.windows()[0]?.seconds).toBeCloseTo(0.103, 12);
  });

  it('keeps arithmetics apart when pricing and together when reading', async () => {
    const time = fakeTime();
    const meter = createMeter({ clock: time.clock, fence: () => undefined, source });
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
    const meter = createMeter({ clock: fakeTime().clock, fence: () => undefined, source });
    await meter.window('load', work(1, 1), () => undefined);
    await meter.window('load', { bytes: null, flops: null, tokens: null }, () => undefined);
    await meter.window('decode', work(1, 1), () => undefined);
    expect((await meter.read()).map((r) => [r.phase, r.joules === null])).toEqual([
      ['load', true],
      ['decode', false],
    ]);
  });

  it('refuses nesting, books no failed window, and works on afterwards', async () => {
    const meter = createMeter({ clock: fakeTime().clock, fence: () => undefined, source });
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

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Domain } from './domain';
import { HISTORY_MS, Track } from './meter/track';

const domain = (o: Partial<Domain>): Domain => ({
  id: 'a', source: 'test', name: 'a', scope: 'package', within: null, kind: 'counter', wrapsAt: null, mostWatts: 1000, period: 1, notes: [], ...o,
}); // prettier-ignore

/** Watts that move, and their exact joules until a time in ms: a mean, a slow wave, and a load that comes and goes. */
function truth(base: number, wave: number, load: number) {
  const hz = 0.2 / 1000;
  const joulesAt = (ms: number) => {
    const even = base * ms + (wave / (2 * Math.PI * hz)) * (1 - Math.cos(2 * Math.PI * hz * ms));
    const cycles = Math.floor(ms / 700);
    const on = cycles * 300 + Math.min(ms - cycles * 700, 300);
    return (even + load * on) / 1000;
  };
  return joulesAt;
}

describe('what befell a domain lately', () => {
  it('tells gaps, resets and standstill since a moment, and when it was read', () => {
    const track = new Track(domain({}));
    expect(track.readAt).toBeNull();
    expect(track.since(0)).toEqual([]);
    track.add({ at: 0, joules: 5, watts: null });
    track.add({ at: 100, joules: 6, watts: null });
    expect([track.readAt, track.since(0)]).toEqual([100, []]);
    track.add(null);
    expect(track.since(0)).toEqual(['gap']);
    track.add({ at: 200, joules: 1, watts: null });
    expect(track.since(150)).toEqual(['reset']);
    // What was before is not told again.
    track.add({ at: 300, joules: 2, watts: null });
    expect(track.since(250)).toEqual([]);
    for (let at = 400; at <= 9000; at += 100) track.add({ at, joules: 2, watts: null });
    expect(track.since(8500)).toEqual(['standstill']);
  });
});

describe('cumulative joules of a domain', () => {
  it('hold the truth within their interval, whatever the period, wraps, lags and the moments of reading', () => {
    const shapes = fc.record({
      period: fc.constantFrom(1, 20, 100, 250),
      known: fc.boolean(),
      step: fc.integer({ min: 50, max: 150 }),
      base: fc.integer({ min: 5, max: 60 }),
      wave: fc.integer({ min: 0, max: 4 }),
      load: fc.integer({ min: 0, max: 80 }),
      wraps: fc.boolean(),
      spans: fc.array(fc.tuple(fc.integer({ min: 5000, max: 50_000 }), fc.integer({ min: 0, max: 9000 })), {
        minLength: 1,
        maxLength: 5,
      }),
    });
    let [held, all] = [0, 0];
    fc.assert(
      fc.property(shapes, (o) => {
        const joules = truth(o.base, o.wave, o.load);
        const wrapsAt = o.wraps ? 700 : null;
        const track = new Track(domain({ period: o.known ? o.period : null, wrapsAt }));
        for (let at = 0; at <= 60_000; at += o.step) {
          const published = joules(Math.floor(at / o.period) * o.period);
          track.add({ at, joules: wrapsAt === null ? published : published % wrapsAt, watts: null });
        }
        for (const [from, long] of o.spans) {
          const span = track.between(from, from + long);
          expect(span).not.toBe(null);
          const real = joules(from + long) - joules(from);
          all++;
          if (span && real >= span.low - 1e-9 && real <= span.high + 1e-9) held++;
          // However it was read, no window is off by more than two steps of counter and reading at each end.
          const most = ((o.base + o.wave + o.load) * 2 * (o.period + o.step)) / 1000;
          expect(Math.abs((span?.mid ?? NaN) - real)).toBeLessThanOrEqual(2 * most + 1e-9);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(held / all).toBeGreaterThan(0.97);
  });

  it('hold it too where readings are rare and one is taken when a window ends: what is read then may be old', () => {
    const shapes = fc.record({
      period: fc.constantFrom(20, 200, 500, 900),
      power: fc.integer({ min: 2, max: 60 }),
      late: fc.integer({ min: 0, max: 30 }),
      from: fc.integer({ min: 5000, max: 9000 }),
      long: fc.integer({ min: 500, max: 30_000 }),
    });
    let [held, all] = [0, 0];
    fc.assert(
      fc.property(shapes, ({ period, power, late, from, long }) => {
        const track = new Track(domain({ period: null }));
        const ends = [from + late, from + long + late];
        const at = [...Array.from({ length: 45 }, (_, i) => i * 1000 + 137), ...ends].sort((a, b) => a - b);
        for (const ms of at)
          track.add({ at: ms, joules: (power * Math.floor(ms / period) * period) / 1000, watts: null });
        const span = track.between(from, from + long);
        const real = (power * long) / 1000;
        all++;
        if (span && real >= span.low - 1e-9 && real <= span.high + 1e-9) held++;
      }),
      { numRuns: 500, seed: 3 },
    );
    expect(held / all).toBeGreaterThan(0.97);
  });

  it('add up: windows side by side give the joules of the whole', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 40 }), (cuts) => {
        const track = new Track(domain({}));
        const joules = truth(20, 3, 30);
        for (let at = 0; at <= 30_000; at += 100) track.add({ at, joules: joules(at), watts: null });
        let [at, sum] = [1000, 0];
        for (const cut of cuts) {
          sum += track.between(at, at + cut)?.mid ?? NaN;
          at += cut;
        }
        expect(sum).toBeCloseTo(track.between(1000, at)?.mid ?? NaN, 6);
      }),
    );
  });

  it('of watts are the area under them, with what lies between neighbours as the interval', () => {
    const track = new Track(domain({ kind: 'power' }));
    for (let at = 0; at <= 10_000; at += 100) track.add({ at, joules: null, watts: 20 + (at % 200 === 0 ? 5 : -5) });
    const span = track.between(1000, 9000);
    expect(span?.mid).toBeCloseTo(160);
    expect(span?.low).toBeLessThan(125);
    expect(span?.high).toBeGreaterThan(195);
  });

  it('of watts outlive questions in bursts: readings a millisecond apart make no hole of the usual step', () => {
    const track = new Track(domain({ kind: 'power' }));
    for (let at = 0; at <= 20_000; at += 100)
      for (const more of at % 300 === 0 ? [0, 1, 2, 3, 4, 5, 6] : [0])
        track.add({ at: at + more, joules: null, watts: 10 });
    const span = track.between(1000, 19_000);
    expect(span?.mid).toBeCloseTo(180);
    expect(span?.flags).toEqual([]);
  });

  it('are unknown where nobody looked: before, behind, and where watts were missing', () => {
    const track = new Track(domain({ kind: 'power' }));
    for (let at = 1000; at <= 3000; at += 100) track.add({ at, joules: null, watts: 10 });
    track.add(null);
    for (let at = 6000; at <= 8000; at += 100) track.add({ at, joules: null, watts: 10 });
    expect(track.between(0, 2000)).toBe(null);
    expect(track.between(7000, 9000)).toBe(null);
    expect(track.between(2000, 7000)).toBe(null);
    expect(track.between(6500, 7500)?.mid).toBeCloseTo(10);
    // A counter went on counting meanwhile, and says that nobody looked.
    const counter = new Track(domain({}));
    for (let at = 0; at <= 1000; at += 100) counter.add({ at, joules: at / 100, watts: null });
    counter.add(null);
    for (let at = 2000; at <= 3000; at += 100) counter.add({ at, joules: at / 100, watts: null });
    expect(counter.between(500, 2500)).toMatchObject({ mid: 20, flags: ['gap'] });
  });

  it('take an hour at ten readings a second: nothing drifts, and memory stays flat', () => {
    const track = new Track(domain({ wrapsAt: 65_532.610987, mostWatts: 400 }));
    let [size, at] = [0, 0];
    for (; at <= 3_600_000; at += 100) {
      track.add({ at, joules: ((280 * at) / 1000) % 65_532.610987, watts: null });
      if (at === 2 * HISTORY_MS) size = track.size;
    }
    expect(track.total).toBeCloseTo(280 * 3600, 3);
    expect(track.size).toBeLessThan(1.3 * size);
    expect(track.between(at - 100 - 60_000, at - 100)?.mid).toBeCloseTo(280 * 60, 6);
  });
});

import { describe, expect, it } from 'vitest';
import { median } from '../core/stats';
import { fittedJoules, spentBy } from '../meter/fitted';
import { COEFFICIENTS } from '../schema/energy-model';
import { fitModel, readModel } from './fit';
import {
  randomOf,
  SIMULATED_META,
  simulateDevice,
  simulateRoutine,
  simulateRun,
  type SimulatedMeter,
} from './simulate';
import type { Observation, Segment } from './timeline';

/** A device that does what the model says: 5 W idle, 8 W awake, 100 pJ a byte, 10 pJ an operation in 32 bits, 3 pJ in 8. */
const KINDS = ['idle', 'waiting', 'reading', 'computing', 'mixed', 'prefill', 'decode'] as const;
function plainTimeline(): { segments: Segment[]; observations: Observation[] } {
  const segments = Array.from({ length: 42 }, (_, i): Segment => {
    const kind = KINDS[i % KINDS.length] ?? 'idle';
    const arithmetic = i % 2 ? 'f32' : 'i8';
    const bytes = { idle: 0, waiting: 0, reading: 4e10, computing: 0, mixed: 2e10, prefill: 5e9, decode: 3e10 }[kind];
    const operations = { idle: 0, waiting: 0, reading: 0, computing: 4e11, mixed: 1e11, prefill: 3e11, decode: 6e10 }[
      kind
    ];
    return { kind, arithmetic, from: 2000 * i, to: 2000 * (i + 1), bytes, operations };
  });
  const observations = segments.map((s) => ({
    from: s.from,
    to: s.to,
    joules:
      5 * 2 +
      (s.kind === 'idle' ? 0 : 3 * 2) +
      1e-10 * s.bytes +
      (s.arithmetic === 'f32' ? 1e-11 : 3e-12) * s.operations,
    sd: 0.01,
  }));
  return { segments, observations };
}

describe('fit', () => {
  it('finds the coefficients of a device that follows the model, and says null of what it did not span', () => {
    const { segments, observations } = plainTimeline();
    const model = fitModel(segments, { observations }, SIMULATED_META);
    const found = Object.fromEntries(COEFFICIENTS.map((name, i) => [name, model.coefficients[i]]));
    expect(found['idle']).toBeCloseTo(5, 4);
    expect(found['awake']).toBeCloseTo(3, 4);
    expect(found['byte']! * 1e12).toBeCloseTo(100, 3);
    expect(found['f32']! * 1e12).toBeCloseTo(10, 3);
    expect(found['i8']! * 1e12).toBeCloseTo(3, 3);
    expect(found['f16']).toBeNull();
    expect(found['i16']).toBeNull();
    expect(model.error).toBeLessThan(1e-4);
    expect(fittedJoules(model, { idle: 1, awake: 1, i16: 1e9 })).toBeNull();
    // Processors compute half precision in 32 bits.
    const half = spentBy(model, 1, [{ arithmetic: 'f16', bytes: 1e9, operations: 1e9 }]);
    expect(fittedJoules(model, half)!.mid).toBeCloseTo(5 + 3 + 0.1 + 0.01, 3);
    expect(fittedJoules(model, spentBy(model, 2, null))!.mid).toBeCloseTo(10, 3);
  });
  it('is not moved by bursts of something else, and no coefficient falls below 0', () => {
    const { segments, observations } = plainTimeline();
    const disturbed = observations.map((o, i) => (i % 9 === 4 ? { ...o, joules: 2 * o.joules } : o));
    const model = fitModel(segments, { observations: disturbed }, SIMULATED_META);
    expect(model.coefficients[0]).toBeCloseTo(5, 1);
    // Reading costs less than nothing here: a meter that is wrong, not a device that gives.
    const wrong = observations.map((o, i) => ({ ...o, joules: Math.max(1, o.joules - 1.5e-10 * segments[i]!.bytes) }));
    const bounded = fitModel(segments, { observations: wrong }, SIMULATED_META);
    expect(bounded.coefficients[2]).toBe(0);
    for (const c of bounded.coefficients) expect(c ?? 0).toBeGreaterThanOrEqual(0);
  });
  it('refuses a meter that says too little, and a model that was changed', () => {
    const { segments, observations } = plainTimeline();
    expect(() => fitModel(segments, { observations: observations.slice(0, 9) }, SIMULATED_META)).toThrow(
      /9 usable readings/,
    );
    const model = fitModel(segments, { observations }, SIMULATED_META);
    expect(readModel(JSON.parse(JSON.stringify(model)))).toEqual(model);
    expect(() => readModel({ ...model, spread: 0 })).toThrow(/changed after it was fitted/);
  });
});

/** Simulated devices whose truth is known; `bench --part energy` runs 500 of each. */
describe.each([
  ['counter', 40, 0.05],
  ['battery', 25, 0.15],
  ['steps', 15, 0.15],
] as const)('on simulated devices, at a %s', (meter: SimulatedMeter, devices, demanded) => {
  it('holds the truth of runs in its intervals, and is off by no more than demanded', () => {
    const told = Array.from({ length: devices }, (_, seed) => {
      const random = randomOf(seed);
      const device = simulateDevice(random);
      const { segments, series } = simulateRoutine(device, meter, random);
      const model = fitModel(segments, { series }, SIMULATED_META);
      const run = simulateRun(device, random);
      const phases = run.windows.map((w) => fittedJoules(model, spentBy(model, w.seconds, [w]))!);
      const [low, mid, high] = (['low', 'mid', 'high'] as const).map((e) => phases.reduce((n, p) => n + p[e], 0));
      return {
        error: model.error,
        off: Math.abs(mid! / run.joules - 1),
        held: run.joules >= low! && run.joules <= high!,
      };
    });
    expect(median(told.map(({ error }) => error))).toBeLessThan(demanded);
    expect(median(told.map(({ off }) => off))).toBeLessThan(demanded);
    expect(told.filter(({ held }) => held).length / devices).toBeGreaterThanOrEqual(0.85);
  });
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMeter } from '../meter/meter';
import type { EnergySource } from '../meter/readings';
import { Rest } from './rest';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

const [IDLE_W, WORK_W] = [10, 30];

/** A counter of a device that draws 10 W at rest and 30 W at work, and leaves a tenth of a joule open each way. */
const counter = (idle: number | null): EnergySource => ({
  tier: 'counter',
  boundary: 'package',
  name: 'sampler: fake',
  read: (windows) =>
    Promise.resolve(
      windows.map(({ phase, seconds, tokens }) => {
        const watts = phase === 'idle' ? idle : WORK_W;
        const mid = watts === null ? null : watts * seconds;
        return {
          phase,
          seconds,
          joules: mid === null ? null : { low: Math.max(0, mid - 0.1), mid, high: mid + 0.1 },
          netJoules: null,
          tier: 'counter' as const,
          boundary: 'package' as const,
          source: 'sampler: fake',
          bytes: null,
          flops: null,
          tokens,
        };
      }),
    ),
});

const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const meterOf = (idle: number | null) =>
  createMeter({ clock: () => performance.now(), fence: () => undefined, sources: [counter(idle)] });
const inTime = async <T>(ms: number, run: Promise<T>): Promise<T> => (await wait(ms), run);
const NOTHING = { bytes: null, operations: null, tokens: null };
const work = (meter: ReturnType<typeof meterOf>) =>
  inTime(
    2000,
    meter.window('prefill', NOTHING, () => new Promise<void>((done) => setTimeout(done, 2000))),
  );

it('a counted run rests before it is opened and behind its first slice, and its joules are net of that', async () => {
  const rest = new Rest(true);
  const opening = meterOf(IDLE_W);
  await inTime(1000, rest.before(opening));
  const slice = meterOf(IDLE_W);
  await work(slice);
  await inTime(1000, rest.after(slice));
  const readings = rest.net([...(await opening.read()), ...(await slice.read())]);
  expect(readings.filter(({ phase }) => phase === 'idle').map(({ seconds }) => seconds)).toEqual([1, 1]);
  const prefill = readings.find(({ phase }) => phase === 'prefill');
  expect(prefill?.joules?.mid).toBeCloseTo(60, 9);
  expect(prefill?.netJoules?.mid).toBeCloseTo(40, 9);
  // A tenth of a joule each way of its own, and of the watts at rest over two seconds.
  expect(prefill?.netJoules?.low).toBeCloseTo(40 - 0.1 - 0.2, 9);
  expect(prefill?.netJoules?.high).toBeCloseTo(40 + 0.1 + 0.2, 9);

  // The next slice comes at once: no rest again, and what is known serves.
  const next = meterOf(IDLE_W);
  await work(next);
  await rest.after(next);
  expect(rest.net(await next.read()).map(({ phase, netJoules }) => [phase, netJoules?.mid])).toEqual([['prefill', 40]]);
  await wait(60_000);
  const later = meterOf(IDLE_W);
  await inTime(1000, rest.after(later));
  expect((await later.read()).map(({ phase }) => phase)).toEqual(['idle']);
});

it('where rest could not be counted, net joules are unknown', async () => {
  const rest = new Rest(true);
  const meter = meterOf(null);
  await inTime(1000, rest.before(meter));
  await work(meter);
  const prefill = rest.net(await meter.read()).find(({ phase }) => phase === 'prefill');
  expect(prefill?.joules?.mid).toBeCloseTo(60, 9);
  expect(prefill?.netJoules).toBeNull();
});

it('an estimated run rests once and shortly', async () => {
  const rest = new Rest(false);
  const meter = meterOf(IDLE_W);
  await inTime(100, rest.before(meter));
  await rest.after(meter);
  expect(meter.windows().map(({ seconds }) => seconds)).toEqual([0.1]);
});

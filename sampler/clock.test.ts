import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Conditions } from './meter/conditions';
import { Ticker } from './meter/clock';
import { Sampler } from './meter/sampler';
import { sourcesWith } from './sources/index';
import { FakeSystem, INTEL, zone } from './testing';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('reads seldom while nobody asks, and ten times a second through a slice of minutes that somebody asked for once', async () => {
  const system = new FakeSystem('linux', { files: { ...INTEL, ...zone('intel-rapl:0', 'package-0', 20) } });
  const sampler = await Sampler.open(system, sourcesWith([]), system.wait);
  const began = Date.now();
  Object.defineProperty(system, 'ms', { get: () => Date.now() - began, set: () => undefined });
  const ticker = new Ticker(sampler, new Conditions(() => ({ busy: 0, all: 1 })));
  const points = () => sampler.track('rapl:package-0')?.size ?? 0;
  ticker.start();
  await vi.advanceTimersByTimeAsync(60_000);
  const idle = points();
  expect(idle).toBeLessThan(20);
  ticker.asked();
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(points() - idle).toBeGreaterThan(5500);
  // Long after the last question it is slow again.
  await vi.advanceTimersByTimeAsync(30 * 60_000);
  const fast = points();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(points() - fast).toBeLessThan(20);
  ticker.end();
});

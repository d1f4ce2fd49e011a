import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random';
import { leaveOneFree, SteadyWatch } from './steady';

const random = createRandom(4);
/** Times of a quiet device: a few per cent of noise. */
const quiet = (n: number, ms = 2) => Array.from({ length: n }, () => ms * (1 + 0.03 * Math.abs(random.normal())));
/** Every third piece waits for a thread that another process holds. */
const stalled = (n: number, ms = 2) => quiet(n, ms).map((x, i) => (i % 3 === 0 ? x + 4 : x));

function judged(before: readonly number[], during: readonly number[]) {
  const watch = new SteadyWatch();
  for (const ms of before) watch.add(ms);
  watch.begin();
  for (const ms of during) watch.add(ms);
  return watch.end({ tries: 1, waited: 0 });
}

describe('SteadyWatch', () => {
  it('leaves a quiet slice alone', () => expect(judged(quiet(24), quiet(24))?.disturbed).toBe(false));
  it('marks stalls, slowness all along, and a slice that began busy', () => {
    expect(judged(quiet(24), stalled(24))?.disturbed).toBe(true);
    expect(judged(quiet(24), quiet(24, 2.6))?.disturbed).toBe(true);
    expect(judged([], stalled(24))?.disturbed).toBe(true);
  });
  it('knows the quiet level from the quietest fifth, so that a busy beginning does not pass for it', () => {
    expect(judged(stalled(48), quiet(24))?.disturbed).toBe(false);
  });
  it('says nothing without pieces', () => expect(new SteadyWatch().end({ tries: 1, waited: 0 })).toBeNull());
  it('tells the moment', () => {
    const watch = new SteadyWatch();
    for (const ms of quiet(24)) watch.add(ms);
    expect(watch.isQuiet).toBe(true);
    for (const ms of stalled(8)) watch.add(ms);
    expect(watch.isQuiet).toBe(false);
  });
});

describe('leaveOneFree', () => {
  it('keeps all threads where they are faster and as steady', () =>
    expect(leaveOneFree(quiet(24, 1), quiet(24, 1.8))).toBe(false));
  it('leaves one where all are slower, or much less steady', () => {
    expect(leaveOneFree(quiet(24, 2), quiet(24, 1.8))).toBe(true);
    expect(leaveOneFree(stalled(24, 1), quiet(24, 1.8))).toBe(true);
  });
});

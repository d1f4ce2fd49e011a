import { expect, it } from 'vitest';
import { Pause } from './pause';

const settled = async (work: Promise<void>) => {
  let done = false;
  void work.then(() => (done = true));
  await Promise.resolve();
  await Promise.resolve();
  return done;
};

it('holds work up until it is over, or the work is stopped', async () => {
  const pause = new Pause();
  const stop = new AbortController();
  expect(await settled(pause.over(stop.signal))).toBe(true);
  const told: boolean[] = [];
  const unlisten = pause.listen((on) => told.push(on));
  pause.set(true);
  pause.set(true);
  const [first, second] = [pause.over(stop.signal), pause.over(new AbortController().signal)];
  expect([await settled(first), await settled(second)]).toEqual([false, false]);
  stop.abort();
  expect([await settled(first), await settled(second)]).toEqual([true, false]);
  pause.set(false);
  expect(await settled(second)).toBe(true);
  unlisten();
  pause.set(true);
  expect(told).toEqual([true, false]);
});

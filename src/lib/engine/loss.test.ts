import { describe, expect, it } from 'vitest';
import { watchLoss } from './loss';

/** A device that is lost when told to. */
function fakeDevice() {
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((done) => (lose = done));
  return { lost, lose: (message: string) => lose({ message, reason: 'unknown' } as GPUDeviceLostInfo) };
}

describe('the loss of a GPU', () => {
  it('ends a call that never returns, and every later one, with a sentence', async () => {
    const device = fakeDevice();
    const watch = watchLoss(device);
    const hanging = watch.during(() => new Promise(() => undefined));
    device.lose('The driver was reset.');
    await expect(hanging).rejects.toMatchObject({
      code: 'engine.lost',
      message:
        'The GPU was lost while the model ran (The driver was reset). Finished runs are kept; close other GPU work and resume.',
    });
    await expect(watch.during(() => Promise.resolve(1))).rejects.toMatchObject({ code: 'engine.lost' });
    expect(watch.lost).toBe(true);
  });
  it('is told apart from a call that fails by itself, also where the call fails first', async () => {
    const device = fakeDevice();
    const watch = watchLoss(device);
    const own = new Error('a shape is wrong');
    await expect(watch.during(() => Promise.reject(own))).rejects.toBe(own);
    const first = watch.during(() => Promise.reject(new Error('mapAsync failed')));
    setTimeout(() => device.lose('gone'), 5);
    await expect(first).rejects.toMatchObject({ code: 'engine.lost' });
  });
  it('is none after the end, nor where there is no device', async () => {
    const device = fakeDevice();
    const watch = watchLoss(device);
    watch.end();
    device.lose('destroyed');
    await expect(watch.during(() => Promise.resolve(1))).resolves.toBe(1);
    await expect(watchLoss(null).during(() => Promise.resolve(2))).resolves.toBe(2);
    expect(watch.lost).toBe(false);
  });
});

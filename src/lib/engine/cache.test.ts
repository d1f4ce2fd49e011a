import type * as Ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { scoreEach } from './candidates';
import { deviceCache } from './cache';
import { KeptPrefixes } from './prefixes';
import { inOnePass, oneByOne } from './session';

/** Stands for a buffer of a GPU; disposing twice is an error, as in ONNX Runtime. */
function buffers() {
  const live = new Set<Ort.Tensor>();
  const make = (name: string) => {
    const tensor = {
      name,
      dispose() {
        if (!live.delete(tensor)) throw new Error(`${name} was disposed of twice`);
      },
    } as unknown as Ort.Tensor;
    live.add(tensor);
    return tensor;
  };
  return { live, make };
}

describe('a cache on a device', () => {
  const open = () => {
    const { live, make } = buffers();
    const cache = deviceCache({ layers: 1, kvHeads: 1, headDim: 4 } as never, () => make('none'));
    const pass = (name: string, fresh: number) =>
      cache.extend({ 'present.0.key': make(name), 'present.0.value': make(name) }, fresh);
    const names = () => [...live].map((t) => (t as unknown as { name: string }).name);
    const now = () => (cache.feeds()['past_key_values.0.key'] as unknown as { name: string }).name;
    return { cache, pass, names, now };
  };

  it('holds the buffers of its last pass, and those that are kept, and no other', () => {
    const { cache, pass, names, now } = open();
    pass('prefix', 5);
    const kept = cache.save();
    pass('prompt', 3);
    pass('token', 1);
    expect(names()).toEqual(['prefix', 'prefix', 'token', 'token']);
    cache.cut(5);
    expect([now(), names()]).toEqual(['prefix', ['prefix', 'prefix']]);
    pass('next', 2);
    cache.clear();
    expect(names()).toEqual(['prefix', 'prefix', 'none', 'none']);
    expect(() => cache.cut(5)).toThrow('where it was kept');
    cache.restore(kept);
    cache.restore(kept);
    expect([now(), names()]).toEqual(['prefix', ['prefix', 'prefix']]);
    cache.forget(kept);
    expect(names()).toEqual(['none', 'none']);
  });

  it('goes on from several prefixes in turn, whole ones alone, and forgets the oldest', async () => {
    const { cache, pass, names, now } = open();
    const prefixes = new KeptPrefixes({
      leastLogits: 1,
      wholeOnly: true,
      compute: (ids) => {
        cache.clear();
        pass(`of ${ids[0]}`, ids.length);
      },
      save: () => cache.save(),
      restore: (kept) => cache.restore(kept),
      forget: (kept) => cache.forget(kept),
    });
    const prefix = (n: number) => [n, 7, 7, 7];
    const ask = (prompt: number[]) => {
      const past = prefixes.enter(prompt);
      if (past === 0) cache.clear();
      cache.cut(past);
      pass('prompt', prompt.length - past);
    };
    for (const n of [1, 2]) await prefixes.hold(prefix(n));
    for (const n of [1, 1, 2, 1]) {
      ask([...prefix(n), 8, 9]);
      expect(names().filter((name) => name !== 'prompt')).toHaveLength(4);
    }
    expect(prefixes.of([...prefix(1), 8])).toBe(0);
    expect(prefixes.of([...prefix(1), 8, 9])).toBe(4);
    ask([3, 4, 5]);
    expect(now()).toBe('prompt');
    for (let n = 3; n < 12; n++) await prefixes.hold(prefix(n));
    expect(prefixes.of([...prefix(3), 8, 9])).toBe(0);
    expect(names()).toHaveLength(2 * 8);
    ask([...prefix(11), 8, 9]);
    prefixes.release();
    expect(names()).toEqual(['prompt', 'prompt']);
  });
});

describe('candidates one by one', () => {
  it('take a pass each where more than one token is read, and sum over their tokens', async () => {
    expect(oneByOne(10, 4, [2, 0, 1])).toEqual([
      [6, 4, 1],
      [2, 10, 2],
      [1, 10, 1],
    ]);
    expect(inOnePass(10, 4, [2, 0, 1])).toEqual([[9, 4, 4]]);
    const read: (readonly number[])[] = [];
    // Logits of a vocabulary of two: both alike, then one alone.
    const behind = (ids: readonly number[]) => {
      read.push(ids);
      return Promise.resolve(Float32Array.from(ids.flatMap((id) => (id === 0 ? [0, 0] : [0, -100]))));
    };
    const scores = await scoreEach(Float32Array.of(0, 0), [[0, 1, 0], [1], [1, 1]], behind);
    expect(read).toEqual([[0, 1], [1]]);
    expect(scores.map(({ tokens }) => tokens)).toEqual([3, 1, 2]);
    const half = Math.log(0.5);
    expect(scores[0]?.logProb).toBeCloseTo(2 * half, 6);
    expect(scores[1]?.logProb).toBeCloseTo(half, 6);
    expect(scores[2]?.logProb).toBeCloseTo(half - 100, 6);
  });
});

import { describe, expect, it } from 'vitest';
import { SMOLLM2 as SMOL } from '../checkpoint/testing';
import { JoulewiseError } from '../core/errors';
import { candidatesOf, type TimedForm } from '../cpu/choice';
import { loadModule, spawnThread } from '../cpu/testing';
import { parseRecipe } from '../variant/compress';
import { asTimed, chosenHere, LEAST_TIMED_BYTES, timingsOf } from './choice';

/** A store that holds given microseconds for any key whose candidates they fit, and counts what is asked. */
function storeOf(given: Readonly<Record<number, TimedForm[]>>) {
  const kept = new Map<string, readonly TimedForm[]>();
  return {
    kept,
    asked: [] as string[],
    read(key: string) {
      this.asked.push(key);
      return Promise.resolve(kept.get(key) ?? given[this.asked.length - 1] ?? null);
    },
    write(key: string, timed: readonly TimedForm[]) {
      kept.set(key, timed);
      return Promise.resolve();
    },
  };
}
const at = (dot: 'unsigned', ones: readonly number[], many: readonly number[]): TimedForm[] =>
  candidatesOf({ precision: 'int8', sparse: false }, dot).map((c, i) => ({
    ...c,
    one: Array<number>(5).fill(ones[i] as number),
    many: Array<number>(5).fill(many[i] as number),
  }));

const options = async (timings: Parameters<typeof chosenHere>[3]['timings']) => ({
  module: await loadModule('plain'),
  moduleHash: 'a',
  build: 'plain' as const,
  processor: '2 cores',
  threads: 1,
  spawn: spawnThread,
  timings,
});

describe('kernels chosen by the clock', () => {
  it('kept timings are used, and a change of products is said with its gains', async () => {
    const store = storeOf({ 0: at('unsigned', [100, 100, 100, 100, 50], [3000, 3000, 3000, 3000, 1500]) });
    const choice = await chosenHere(SMOL, parseRecipe('int8'), 'unsigned', await options(store));
    expect(choice.dot).toBe(null);
    expect(choice.notes.join()).toMatch(
      /16-bit products take 2\.0 times less for one token and 2\.0 times less for many/,
    );
    expect(store.asked).toHaveLength(1);
  });

  it('other streams of the same products change no arithmetic, so nothing is said beside the kernel', async () => {
    const store = storeOf({ 0: at('unsigned', [100, 40, 30, 35, 50], [3000, 3000, 3000, 3000, 6000]) });
    const choice = await chosenHere(SMOL, parseRecipe('int8+kv8'), 'unsigned', await options(store));
    expect(choice).toEqual({ dot: 'unsigned', streams: { byte8: 2 }, notes: [] });
  });

  it('a small model is opened without timing anything', async () => {
    const store = storeOf({});
    const small = { ...SMOL, vocabSize: 512, layers: 2 };
    const choice = await chosenHere(small, parseRecipe('int8'), 'unsigned', await options(store));
    expect(choice).toEqual({ dot: 'unsigned', streams: {}, notes: [] });
    expect(store.asked).toEqual([]);
    expect(LEAST_TIMED_BYTES).toBeGreaterThan(2 ** 20);
  });

  it('a device without room to time in opens the model on the usual kernels, and says so', async () => {
    const full = { ...storeOf({}), read: () => Promise.reject(new JoulewiseError('engine.memory', 'No room.')) };
    const choice = await chosenHere(SMOL, parseRecipe('int8'), 'unsigned', await options(full));
    expect(choice).toMatchObject({ dot: 'unsigned', streams: {} });
    expect(choice.notes).toEqual([expect.stringMatching(/no memory to time kernels/)]);
    const broken = { ...storeOf({}), read: () => Promise.reject(new TypeError('x')) };
    await expect(chosenHere(SMOL, parseRecipe('int8'), 'unsigned', await options(broken))).rejects.toThrow('x');
  });

  it('timings belong to the kernels, the browser and the threads; what does not fit is timed again and kept', async () => {
    const store = storeOf({});
    const kind = { precision: 'int4', sparse: false } as const;
    const o = await options(store);
    const timed = await timingsOf(kind, null, o);
    expect(timed.map((t) => t.streams)).toEqual([8, 4, 2, 1]);
    expect(await timingsOf(kind, null, o)).toEqual(timed);
    expect(store.kept.size).toBe(1);
    const keys = new Set(store.asked);
    expect(keys.size).toBe(1);
    const others = [{ moduleHash: 'b' }, { processor: '4 cores' }, { threads: 2 }, { build: 'relaxed' as const }];
    for (const other of others) {
      const asked = storeOf({ 0: timed });
      await timingsOf(kind, null, { ...o, ...other, timings: asked });
      keys.add(asked.asked[0] as string);
    }
    expect(keys.size).toBe(1 + others.length);
  }, 30_000);

  it('what was kept of other candidates, or is damaged, counts as nothing', () => {
    const candidates = candidatesOf({ precision: 'int8', sparse: false }, 'unsigned');
    const good = at('unsigned', [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]);
    expect(asTimed(good, candidates)).toEqual(good);
    for (const bad of [
      null,
      'text',
      good.slice(1),
      good.map((t) => ({ ...t, streams: 3 })),
      good.map((t) => ({ ...t, one: [] })),
      good.map((t) => ({ ...t, many: [0] })),
      good.map((t) => ({ ...t, one: ['1'] })),
      good.map(() => null),
    ])
      expect(asTimed(bad, candidates)).toBe(null);
  });
});

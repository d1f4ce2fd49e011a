import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, contentHash, sha256 } from './canonical';
import { stateEstimate } from './digits';
import { ERROR_CODES, fromWireError, JoulewiseError, quote, toWireError } from './errors';
import { halfTable, toHalf } from './half';
import { createRandom, hash32 } from './random';
import { bootstrap, median, quantile, standardDeviation, t975, tInterval } from './stats';

const stream = (seed: number | string, n = 20) => {
  const r = createRandom(seed);
  return Array.from({ length: n }, r.next);
};

describe('random', () => {
  it('gives the same stream for the same seed, and another for another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        expect(stream(seed)).toEqual(stream(seed));
        expect(stream(seed)).not.toEqual(stream(seed + 1));
      }),
    );
    expect(stream('a')).not.toEqual(stream('b'));
  });

  it('shuffles into a permutation and leaves the input alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        const before = items.slice();
        const out = createRandom(seed).shuffle(items);
        expect(items).toEqual(before);
        expect(out.slice().sort()).toEqual(before.slice().sort());
      }),
    );
  });

  it('shuffles every order about equally often', () => {
    const random = createRandom(3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = random.shuffle(['a', 'b', 'c']).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // Expected 1000 each, standard deviation 29.
    for (const n of counts.values()) expect(Math.abs(n - 1000)).toBeLessThan(145);
  });

  it('forks do not depend on what the parent has drawn, nor on each other', () => {
    const fresh = createRandom(5);
    const used = createRandom(5);
    for (let i = 0; i < 100; i++) used.next();
    const a = fresh.fork('x');
    const b = used.fork('x');
    expect(Array.from({ length: 10 }, a.next)).toEqual(Array.from({ length: 10 }, b.next));
    expect(createRandom(5).fork('x').next()).not.toBe(createRandom(5).fork('y').next());
    expect(createRandom(5).fork('x').next()).not.toBe(createRandom(6).fork('x').next());
  });

  it('is uniform and normal to within sampling error', () => {
    const random = createRandom(11);
    const n = 20_000;
    const uniform = Array.from({ length: n }, random.next);
    expect(uniform.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(uniform.reduce((a, x) => a + x, 0) / n).toBeCloseTo(0.5, 1);
    const normal = Array.from({ length: n }, random.normal);
    expect(Math.abs(normal.reduce((a, x) => a + x, 0) / n)).toBeLessThan(0.03);
    expect(standardDeviation(normal)).toBeGreaterThan(0.97);
    expect(standardDeviation(normal)).toBeLessThan(1.03);
    expect(() => random.pick([])).toThrow(RangeError);
  });

  it('hashes as 32-bit FNV-1a', () => {
    expect(hash32('')).toBe(0x811c9dc5);
    expect(hash32('a')).toBe(0xe40c292c);
    expect(hash32('foobar')).toBe(0xbf9cf968);
  });
});

describe('digits', () => {
  it('are two of the uncertainty and at least three of the value', () => {
    const of = (low: number, mid: number, high: number) => stateEstimate({ low, mid, high, n: 9 });
    expect(of(0.65163, 0.72346, 0.79124)).toEqual({ low: 0.652, mid: 0.723, high: 0.791, n: 9 });
    expect(of(1.23446, 1.23456, 1.23466)).toEqual({ low: 1.234, mid: 1.235, high: 1.235, n: 9 });
    expect(stateEstimate({ low: null, mid: 1 / 3, high: null, n: 1 })).toEqual({
      low: null,
      mid: 0.3333,
      high: null,
      n: 1,
    });
    expect(of(NaN, NaN, NaN)).toEqual({ low: NaN, mid: NaN, high: NaN, n: 9 });
    expect(of(0, 2, Infinity)).toEqual({ low: 0, mid: 2, high: Infinity, n: 9 });
    // A range keeps two of its lower end.
    expect(stateEstimate({ low: 0.012345, mid: 1.2345, high: 20.2 })).toEqual({ low: 0.012, mid: 1.235, high: 20.2 });
  });

  it('stay as they are where they were stated before, and hardly move a value', () => {
    const number = fc.oneof(fc.double({ noNaN: true, min: 0, max: 1e9 }), fc.double({ noNaN: true, min: 0, max: 1 }));
    fc.assert(
      fc.property(number, number, number, fc.boolean(), (a, b, c, counted) => {
        const [low, mid, high] = [a, b, c].sort((x, y) => x - y) as [number, number, number];
        const stated = stateEstimate(counted ? { low, mid, high, n: 3 } : { low, mid, high });
        expect(stateEstimate(stated)).toEqual(stated);
        expect(Math.abs(stated.mid - mid)).toBeLessThanOrEqual(0.0061 * mid + 1e-8 * high);
        expect(stated.low).toBeLessThanOrEqual(stated.mid);
        expect(stated.mid).toBeLessThanOrEqual(stated.high);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('stats', () => {
  it('has the t quantiles of the standard tables', () => {
    // scipy.stats.t.ppf(0.975, df)
    const table: [number, number][] = [
      [1, 12.7062],
      [4, 2.77645],
      [9, 2.26216],
      [30, 2.04227],
      [31, 2.03951],
      [40, 2.02108],
      [60, 2.0003],
      [120, 1.97993],
      [1000, 1.96234],
    ];
    for (const [df, t] of table) expect(Math.abs(t975(df) - t)).toBeLessThan(6e-4);
  });

  it('gives the textbook interval of a mean, and none for one value', () => {
    const { mid, low, high, n } = tInterval([2, 4, 4, 4, 5, 5, 7, 9]);
    expect([mid, n]).toEqual([5, 8]);
    const half = (2.365 * Math.sqrt(32 / 7)) / Math.sqrt(8);
    expect(low).toBeCloseTo(5 - half, 10);
    expect(high).toBeCloseTo(5 + half, 10);
    expect(tInterval([3])).toEqual({ mid: 3, low: null, high: null, n: 1 });
  });

  it('interpolates quantiles as type 7', () => {
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('bootstraps a mean with an interval that covers about 95 % of the time', () => {
    let covered = 0;
    const trials = 200;
    for (let t = 0; t < trials; t++) {
      const random = createRandom(t);
      const xs = Array.from({ length: 60 }, random.normal);
      const { low, high } = bootstrap(
        xs.length,
        (pick) => pick.reduce((a, i) => a + (xs[i] as number), 0) / pick.length,
        { resamples: 300, seed: t },
      );
      if (low <= 0 && high >= 0) covered++;
    }
    // Binomial(200, 0.95): 190 +- 3.1; the percentile bootstrap covers a little less.
    expect(covered).toBeGreaterThan(176);
    expect(covered).toBeLessThan(199);
  });

  it('bootstraps a constant into itself, and the same seed into the same interval', () => {
    const constant = bootstrap(10, () => 3);
    expect(constant).toEqual({ mid: 3, low: 3, high: 3, n: 10 });
    const f = (pick: Int32Array) => pick.reduce((a, i) => a + Math.sqrt(i), 0);
    expect(bootstrap(9, f, { seed: 4 })).toEqual(bootstrap(9, f, { seed: 4 }));
    expect(bootstrap(9, f, { seed: 4 })).not.toEqual(bootstrap(9, f, { seed: 5 }));
  });
});

describe('canonical JSON', () => {
  it('does not depend on the order of keys and means the same', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    const reorder = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reorder)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([k, v]) => [k, reorder(v)]),
            )
          : value;
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reorder(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(canonicalJson({ b: 1, a: [true, null, 'x'], c: undefined })).toBe('{"a":[true,null,"x"],"b":1}');
  });

  it('refuses what JSON cannot say', () => {
    for (const bad of [NaN, Infinity, [undefined], () => 1, 1n]) expect(() => canonicalJson(bad)).toThrow(TypeError);
  });

  it('hashes as SHA-256', async () => {
    expect(await sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(await contentHash({ b: 1, a: 2 })).toBe(await sha256('{"a":2,"b":1}'));
  });
});

describe('half', () => {
  it('round-trips all 65,536 patterns', () => {
    const table = halfTable();
    for (let h = 0; h < 65536; h++) {
      const value = table[h] as number;
      if (Number.isNaN(value)) expect(toHalf(value) & 0x7fff).toBe(0x7e00);
      else if (toHalf(value) !== h) throw new Error(`pattern ${h} became ${toHalf(value)}`);
    }
  });

  it('rounds as numpy does: ties to even, subnormals, overflow', () => {
    const fixture = JSON.parse(readFileSync('tests/fixtures/checkpoint/half.json', 'utf8')) as Record<
      'values' | 'halves',
      string
    >;
    const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64')).buffer;
    const values = new Float32Array(bytes(fixture.values));
    const halves = new Uint16Array(bytes(fixture.halves));
    expect(values.length).toBeGreaterThan(500);
    values.forEach((v, i) => expect(`${v} ${toHalf(v)}`).toBe(`${v} ${halves[i]}`));
  });

  it('is monotone', () => {
    const float = fc.float({ noNaN: true });
    const table = halfTable();
    fc.assert(
      fc.property(float, float, (a, b) => {
        const [x, y] = [table[toHalf(Math.min(a, b))] as number, table[toHalf(Math.max(a, b))] as number];
        expect(x <= y).toBe(true);
      }),
    );
  });
});

describe('errors', () => {
  it('quotes any text on one short line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const quoted = quote(text);
        expect(quoted.length).toBeLessThanOrEqual(85);
        // eslint-disable-next-line no-control-regex
        expect(quoted).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
    expect(quote('a\nb')).toBe('"a?b"');
    expect(quote('x'.repeat(81))).toBe(`"${'x'.repeat(80)}..."`);
  });

  it('crosses a worker border with its code', () => {
    const wire = toWireError(new JoulewiseError('engine.lost', 'Gone.'));
    expect(wire).toEqual({ code: 'engine.lost', message: 'Gone.' });
    expect(fromWireError(wire)).toMatchObject({ code: 'engine.lost', message: 'Gone.' });
    expect(toWireError(new TypeError('x')).code).toBe('internal');
    expect([ERROR_CODES['input.format'].usage, ERROR_CODES['engine.lost'].usage]).toEqual([true, false]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VariantResult } from '../schema/result';
import { between, exact, exampleResult } from './example';
import { bestK, overlap, paretoFront, rankVariants } from './rank';
import { upperEnvelope, winnerAt, winnersByWeight } from './weights';

const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const spread = fc.option(fc.double({ min: 0, max: 2, noNaN: true }), { nil: null });
const around = (mid: number, by: number | null) =>
  by === null ? exact(mid) : between(Math.max(0, mid * (1 - by)), mid, mid * (1 + by));

/** Lists of 0 to 8 results with known or unknown energy and quality. */
const anyResults = fc
  .array(fc.record({ e: fc.option(positive, { freq: 8 }), q: fc.option(share, { freq: 8 }), es: spread, qs: spread }), {
    maxLength: 8,
  })
  .map((rows) =>
    rows.map(({ e, q, es, qs }, i) =>
      exampleResult({
        variant: `v${i}`,
        energy: e === null ? null : around(e, es),
        deviceRange: e === null ? null : { low: 0.5, high: 3 },
        quality: q === null ? null : around(q, qs),
      }),
    ),
  );

const names = (ranking: ReturnType<typeof rankVariants>) => ranking.ranked.map((row) => row.result.variant);

describe('rankVariants, by hand', () => {
  // phi: 0.25, 0.5, 1; R at 0.5: 0.525, 0.6, 0.65.
  const results = [
    exampleResult({ variant: 'fp16', energy: between(3.8, 4, 4.2), quality: between(0.75, 0.8, 0.85) }),
    exampleResult({ variant: 'int8', energy: between(1.9, 2, 2.1), quality: between(0.65, 0.7, 0.75) }),
    exampleResult({ variant: 'int4', energy: between(0.9, 1, 1.1), quality: between(0.25, 0.3, 0.35) }),
  ];
  it('computes phi, rho and R', () => {
    const { ranked } = rankVariants(results, 0.5);
    expect(ranked.map(({ result, phi, rho, score }) => [result.variant, phi.mid, rho.mid, score.mid])).toEqual([
      ['int4', 1, 0.3, 0.65],
      ['int8', 0.5, 0.7, 0.6],
      ['fp16', 0.25, 0.8, 0.525],
    ]);
    expect(ranked.every((row) => row.onFront)).toBe(true);
  });
  it('adds independent errors in quadrature', () => {
    const leader = rankVariants(results, 0.5).ranked[0];
    expect(leader?.phi.low).toBeCloseTo(1 / 1.1, 12);
    expect(leader?.score.high).toBeCloseTo(0.65 + 0.5 * Math.hypot(0.1, 0.05), 12);
  });
  it('calls overlapping scores tied, and separate ones behind', () => {
    expect(rankVariants(results, 0.5).ranked.map((row) => row.standing)).toEqual(['leader', 'tied', 'behind']);
  });
  it('does not say tied or behind without an interval', () => {
    const once = results.map((r) => ({ ...r, energy: r.energy && exact(r.energy.mid) }));
    expect(rankVariants(once, 0.5).ranked.map((row) => row.standing)).toEqual(['leader', 'unknown', 'unknown']);
    // At w = 0 energy does not count, so its missing interval does not matter.
    expect(rankVariants(once, 0).ranked.map((row) => row.standing)).toEqual(['leader', 'tied', 'behind']);
  });
  it('puts the unknown apart, with the reason', () => {
    const { ranked, apart } = rankVariants(
      [
        ...results,
        exampleResult({ variant: 'x', energy: null }),
        exampleResult({ variant: 'y', quality: null }),
        exampleResult({ variant: 'z', energy: exact(0) }),
      ],
      1,
    );
    expect(ranked).toHaveLength(3);
    expect(apart.map(({ result, why }) => [result.variant, why])).toEqual([
      ['x', 'Its energy is unknown.'],
      ['y', 'Its quality is unknown.'],
      ['z', 'Its energy reading is not above zero, so it cannot be right.'],
    ]);
    expect(rankVariants([], 0.5)).toEqual({ w: 0.5, ranked: [], apart: [], warnings: [] });
  });
  it('warns when energies of different kinds are compared', () => {
    const [a, b] = results as [VariantResult, VariantResult];
    expect(rankVariants([a, { ...b, tier: 'counter', boundary: 'gpu' }], 0.5).warnings).toEqual([
      'Energies of different tiers are compared here: counter, profile.',
      'Energies of different boundaries are compared here: gpu, package.',
    ]);
  });
  it('takes the best k language models on to the next stage', () => {
    const classical = exampleResult({
      variant: 'tfidf',
      engine: 'classical',
      energy: exact(0.001),
      quality: exact(0.9),
    });
    const all = [...results, classical];
    expect(names(rankVariants(all, 0.5))[0]).toBe('tfidf');
    expect(bestK(all, 0.5, 2).map((r) => r.variant)).toEqual(['int4', 'int8']);
    expect(bestK(all, 0, 1).map((r) => r.variant)).toEqual(['fp16']);
  });
});

describe('rankVariants, always', () => {
  it('does not depend on the order of the results', () => {
    fc.assert(
      fc.property(anyResults, share, fc.infiniteStream(fc.nat()), (results, w, keys) => {
        const shuffled = results
          .map((result) => ({ result, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ result }) => result);
        expect(rankVariants(shuffled, w)).toEqual(rankVariants(results, w));
        expect(winnersByWeight(shuffled)).toEqual(winnersByWeight(results));
      }),
    );
  });
  it('does not depend on the unit of energy', () => {
    fc.assert(
      fc.property(anyResults, share, fc.constantFrom(2 ** -20, 2 ** 9), (results, w, unit) => {
        const scaled = results.map((r) => ({
          ...r,
          energy: r.energy && {
            ...r.energy,
            mid: r.energy.mid * unit,
            low: r.energy.low === null ? null : r.energy.low * unit,
            high: r.energy.high === null ? null : r.energy.high * unit,
          },
        }));
        const strip = (ranking: ReturnType<typeof rankVariants>) =>
          ranking.ranked.map(({ result, phi, standing }) => [result.variant, phi, standing]);
        expect(strip(rankVariants(scaled, w))).toEqual(strip(rankVariants(results, w)));
      }),
    );
  });
  it('keeps low <= mid <= high, phi in (0, 1], and orders by R', () => {
    fc.assert(
      fc.property(anyResults, share, (results, w) => {
        const { ranked, apart } = rankVariants(results, w);
        expect(ranked.length + apart.length).toBe(results.length);
        for (const { phi, score } of ranked) {
          expect(phi.mid > 0 && phi.mid <= 1).toBe(true);
          for (const { low, mid, high } of [phi, score])
            if (low !== null && high !== null) expect(low <= mid && mid <= high).toBe(true);
        }
        const scores = ranked.map((row) => row.score.mid);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
        expect(ranked.filter((row) => row.standing === 'leader')).toHaveLength(ranked.length > 0 ? 1 : 0);
      }),
    );
  });
  it('is linear in w for each variant', () => {
    fc.assert(
      fc.property(anyResults, share, (results, w) => {
        const score = (at: number) =>
          new Map(rankVariants(results, at).ranked.map((r) => [r.result.variant, r.score.mid]));
        const [start, middle, end] = [score(0), score(w), score(1)];
        for (const [variant, r] of middle)
          expect(r).toBeCloseTo((1 - w) * (start.get(variant) ?? NaN) + w * (end.get(variant) ?? NaN), 9);
      }),
    );
  });
  it('has symmetric and reflexive ties', () => {
    const interval = fc.tuple(positive, positive, positive).map((xs) => {
      const [low, mid, high] = xs.toSorted((a, b) => a - b) as [number, number, number];
      return { low, mid, high };
    });
    fc.assert(fc.property(interval, interval, (a, b) => overlap(a, b) === overlap(b, a) && overlap(a, a) === true));
    expect(overlap({ mid: 1, low: null, high: null }, { mid: 1, low: 0, high: 2 })).toBeNull();
  });
});

describe('paretoFront', () => {
  it('keeps exactly the points that nothing dominates', () => {
    const point = fc.record({ energy: fc.integer({ min: 1, max: 6 }), quality: fc.integer({ min: 0, max: 6 }) });
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 12 }), (points) => {
        const front = paretoFront(points);
        const members = points.filter((_, i) => front[i]);
        // Sorted by energy, quality on the front never falls, and rises wherever energy does.
        const sorted = members.toSorted((a, b) => a.energy - b.energy || a.quality - b.quality);
        sorted.slice(1).forEach((p, i) => {
          const before = sorted[i] as (typeof sorted)[number];
          expect(p.energy === before.energy ? p.quality === before.quality : p.quality > before.quality).toBe(true);
        });
        // Whoever is off the front has a reason on it.
        points
          .filter((_, i) => !front[i])
          .forEach((p) => expect(members.some((m) => m.energy <= p.energy && m.quality >= p.quality)).toBe(true));
        expect(members.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('winnersByWeight', () => {
  it('finds the crossings exactly', () => {
    // R: fp16 0.8 - 0.55 w, int8 0.7 - 0.2 w, int4 0.3 + 0.7 w.
    const results = [
      exampleResult({ variant: 'fp16', energy: exact(4), deviceRange: null, quality: exact(0.8) }),
      exampleResult({ variant: 'int8', energy: exact(2), deviceRange: null, quality: exact(0.7) }),
      exampleResult({ variant: 'int4', energy: exact(1), deviceRange: null, quality: exact(0.3) }),
    ];
    const { segments, crossings, alternatives } = winnersByWeight(results);
    expect(segments.map((s) => s.variant)).toEqual(['fp16', 'int8', 'int4']);
    expect(crossings[0]).toBeCloseTo(0.1 / 0.35, 12);
    expect(crossings[1]).toBeCloseTo(0.4 / 0.9, 12);
    expect(winnerAt(segments, 0.3)).toBe('int8');
    expect(alternatives.map((a) => [a.name, a.agreement === 1])).toEqual([
      ['min-max', false],
      ['profile low', true],
      ['profile high', true],
    ]);
  });
  it('shows when the power profile decides', () => {
    const results = [
      exampleResult({
        variant: 'a',
        energy: exact(1),
        deviceRange: { low: 0.5, high: 5 },
        quality: exact(0.6),
      }),
      exampleResult({
        variant: 'b',
        energy: exact(1.2),
        deviceRange: { low: 0.5, high: 1.6 },
        quality: exact(0.6),
      }),
    ];
    const { segments, alternatives } = winnersByWeight(results);
    expect(winnerAt(segments, 1)).toBe('a');
    expect(alternatives.map((a) => winnerAt(a.segments, 1))).toEqual(['a', 'a', 'b']);
  });
  it('names the winner of rankVariants at every w', () => {
    fc.assert(
      fc.property(anyResults, share, (results, w) => {
        const { segments } = winnersByWeight(results);
        const { ranked } = rankVariants(results, w);
        const winner = winnerAt(segments, w);
        if (!ranked[0]) {
          expect(winner).toBeNull();
          return;
        }
        // At a crossing both are right: compare their scores.
        const own = ranked.find((row) => row.result.variant === winner);
        expect(own?.score.mid).toBeCloseTo(ranked[0].score.mid, 9);
      }),
    );
  });
  it('covers [0, 1] without gaps, each winner once', () => {
    const line = fc.record({ variant: fc.uuid(), atQuality: share, atEnergy: share });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (lines) => {
        const segments = upperEnvelope(lines);
        expect(segments[0]?.from).toBe(0);
        expect(segments.at(-1)?.to).toBe(1);
        segments.slice(1).forEach((s, i) => expect(s.from).toBe(segments[i]?.to));
        expect(new Set(segments.map((s) => s.variant)).size).toBe(segments.length);
      }),
    );
    expect(winnersByWeight([])).toMatchObject({ segments: [], crossings: [] });
    expect(winnerAt([], 0.5)).toBeNull();
  });
});

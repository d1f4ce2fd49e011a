import { describe, expect, it } from 'vitest';
import { between, exact, exampleResult } from '../rank/example';
import type { VariantResult } from '../schema/result';
import { formatJoules } from '../core/units';
import { baselineSentence, comparedIn, headline } from './headline';
import { rankVariants } from '../rank/rank';

describe('headline', () => {
  const fp16 = exampleResult({
    variant: 'fp16',
    energy: between(0.5, 0.525, 0.55),
    quality: between(0.68, 0.72, 0.76),
    storedBytes: 270,
  });
  const pruned = exampleResult({
    variant: 'int8+ffn25',
    energy: between(0.295, 0.31, 0.325),
    quality: between(0.66, 0.7, 0.74),
    storedBytes: 110,
  });
  it('says the answer with its uncertainty', () => {
    expect(headline(rankVariants([fp16, pruned], 0.5))).toBe(
      'int8+ffn25 does it on an estimated 0.31 J per ticket, 41 % less than fp16 (95 %: 37-45), quality tied.',
    );
  });
  it('says first where the classical baseline does the job better than all', () => {
    const say = (quality: VariantResult['quality']) =>
      headline(rankVariants([fp16, pruned], 0.5), {
        baseline: exampleResult({ variant: 'tf-idf', engine: 'classical', energy: exact(0.001), quality }),
      });
    expect(say(between(0.8, 0.85, 0.9))).toBe(
      'The classical baseline does it better than any of these: quality 0.85 against 0.72 at best. Of them, int8+ffn25 takes an estimated 0.31 J per ticket, 41 % less than fp16 (95 %: 37-45), quality tied.',
    );
    // Where the numbers cannot tell, or it is worse, nothing is said.
    for (const quality of [between(0.74, 0.85, 0.9), exact(0.85), between(0.1, 0.2, 0.3), null])
      expect(say(quality)).toMatch(/^int8\+ffn25 does it on/);
  });
  it('compares the uncompressed with the runner-up when it wins', () => {
    expect(headline(rankVariants([fp16, pruned], 0))).toBe(
      'fp16 does it on an estimated 0.53 J per ticket, 69 % more than int8+ffn25 (95 %: 59-81), quality tied; all in all tied with int8+ffn25.',
    );
  });
  it('says when energies cannot be told apart, when one slice gives no interval, and what is measured', () => {
    const near = { ...pruned, energy: between(0.45, 0.51, 0.57), quality: between(0.2, 0.3, 0.4) };
    expect(headline(rankVariants([fp16, near], 1))).toMatch(
      /energy tied with fp16 \(95 %: 14 % less to 9 % more\), quality lower \(0\.30 against 0\.72\); all in all tied with fp16\.$/,
    );
    const once = { ...pruned, energy: exact(0.0031), tier: 'counter' as const };
    expect(headline(rankVariants([fp16, once], 0.5))).toBe(
      'int8+ffn25 does it on a measured 3.1 mJ per ticket, 170 times less than fp16 (one slice, so no interval), quality tied.',
    );
  });
  it('has something to say of one variant, and of none', () => {
    expect(headline(rankVariants([fp16], 0.5))).toMatch(/nothing to compare it with yet\.$/);
    expect(headline(rankVariants([], 0.5))).toBe('No variant has both a known energy and a known quality yet.');
    expect(headline(rankVariants([fp16, pruned], 0.5), { reference: 'fp16' })).toMatch(/than fp16/);
  });
  it('compares what it says it compares', () => {
    const names = (w: number, reference?: string) =>
      comparedIn(rankVariants([fp16, pruned], w), reference).map(({ result }) => result.variant);
    expect(names(0.5)).toEqual(['int8+ffn25', 'fp16']);
    expect(names(0)).toEqual(['fp16', 'int8+ffn25']);
    expect(comparedIn(rankVariants([fp16], 0.5)).length).toBe(1);
    expect(comparedIn(rankVariants([], 0.5))).toEqual([]);
  });
  it('formats joules', () => {
    expect([2345, 12.34, 0.31, 0.0012, 4.2e-6, 1e-9, 0, -0.2].map(formatJoules)).toEqual([
      '2.3 kJ',
      '12 J',
      '0.31 J',
      '1.2 mJ',
      '4.2 µJ',
      '0.001 µJ',
      '0 J',
      '0 J',
    ]);
  });
  it('names at most three ties', () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ ...fp16, variant: `v${i}` }));
    const ties = (n: number) => headline(rankVariants(many.slice(0, n), 0.5)).replace(/^.*all in all /, '');
    expect([2, 3, 4, 9].map(ties)).toEqual([
      'tied with v1.',
      'tied with v1 and v2.',
      'tied with v1, v2 and v3.',
      'tied with v1, v2 and 6 more.',
    ]);
  });
  it('says a factor where percents would read 100 or more than 200', () => {
    const lean = { ...pruned, energy: between(0.00099, 0.001, 0.00101) };
    expect(headline(rankVariants([fp16, lean], 0.5))).toMatch(/, 530 times less than fp16 \(95 %: 500-550\),/);
    const better = { ...fp16, quality: between(0.95, 0.96, 0.97), energy: between(3, 3.1, 3.2) };
    expect(headline(rankVariants([better, pruned], 0))).toMatch(/, 10 times that of int8\+ffn25 \(95 %: 9\.5-11\),/);
  });
  it('does not pretend an interval where the energy could be zero', () => {
    const wild = { ...pruned, energy: between(-0.1, 0.31, 0.72) };
    expect(headline(rankVariants([fp16, wild], 0.5))).toMatch(
      /, 41 % less than fp16 \(no reliable interval yet: more slices\),/,
    );
  });
});

describe('baselineSentence', () => {
  const baseline = exampleResult({
    variant: 'tf-idf',
    engine: 'classical',
    energy: exact(0.0036),
    quality: between(0.4, 0.44, 0.48),
  });
  it('says what it took, and whether on the same meter', () => {
    const ranking = rankVariants([exampleResult()], 0.5);
    expect(baselineSentence(baseline, ranking)).toBe(
      'The classical baseline (tf-idf) takes an estimated 3.6 mJ per ticket at quality 0.44, on the same meter; it stands beside the ranking, not in it.',
    );
    expect(baselineSentence({ ...baseline, energy: null, quality: null, tier: 'counter' }, ranking)).toMatch(
      /takes an unknown energy at unknown quality, by another meter \(counter, package\);/,
    );
    expect(baselineSentence(baseline, rankVariants([], 0.5))).toMatch(/at quality 0\.44; it/);
  });
});

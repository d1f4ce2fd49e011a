import { describe, expect, it } from 'vitest';
import { pairsToText, toText } from '../core/log-bytes';
import type { Evidence, VariantResult } from '../schema/result';
import { claimsHere } from './claims';
import { between, exampleResult } from './example';

const result = (variant: string, energy: number, quality = 0.8) =>
  exampleResult({ variant, energy: between(energy, energy, energy), quality: between(quality, quality, quality) });
const evidence = (n: number, sd: number, more: Partial<Evidence> = {}): Evidence => ({
  reference: 0,
  margin: 0.05,
  slices: 9,
  df: 20,
  work: toText(Array.from({ length: n }, (_, i) => i)),
  energySd: pairsToText(n, () => sd),
  energyHalf: '',
  qualitySd: pairsToText(n, () => sd / 10),
  critical: { energy: 3.574, quality: 2.81 },
  share: toText(Array.from({ length: n }, () => 0)),
  floors: [],
  disturbed: { slices: 0, of: 9 },
  stopped: [],
  ...more,
});
const verdicts = (results: readonly VariantResult[], sd = 0.02, more: Partial<Evidence> = {}) =>
  claimsHere(results, evidence(results.length, sd, more), 0.5).map(({ verdict }) => verdict);

describe('claimsHere', () => {
  const rest = [result('fp32', 3), result('int8', 3), result('int4', 3)];
  const good = [result('fp16', 1), ...rest, result('fp16+2:4', 0.5)];

  it('confirms and refutes beyond the paired uncertainty, and decides nothing within it', () => {
    expect(verdicts(good)).toEqual(['confirmed', 'confirmed']);
    expect(verdicts([result('fp16', 2), ...rest.with(1, result('int8', 1)), result('fp16+2:4', 2)])).toEqual([
      'refuted',
      'refuted',
    ]);
    expect(verdicts(good, 1)).toEqual(['undecided', 'undecided']);
  });

  it('gives no verdict from another plan than the paper’s, from a disturbed run, or from too few slices', () => {
    expect(verdicts(good.filter(({ variant }) => variant !== 'int4'))).toEqual(['undecided', 'undecided']);
    expect(verdicts(good, 0.02, { disturbed: { slices: 4, of: 9 } })).toEqual(['undecided', 'undecided']);
    expect(verdicts(good, 0.02, { slices: 3 })).toEqual(['undecided', 'undecided']);
  });

  it('says what is missing, and keeps pruned variants out of the first claim', () => {
    const own = [result('fp16', 1), result('int8+ffn50', 0.1)];
    const [first, second] = claimsHere(own, evidence(2, 0.02), 0.5);
    expect(first).toMatchObject({ verdict: 'undecided', first: 'fp16', finding: { kind: 'alone' } });
    expect(second).toMatchObject({ first: 'fp16+2:4', finding: { kind: 'missing' }, tickets: null, slices: null });
  });

  it('compares fine-tuned variants alone where all precisions were fine-tuned, as the paper does', () => {
    const tuned = good.map((r) => ({ ...r, variant: `${r.variant}+lora8` }));
    // As they came, another precision leads.
    const plain = [result('fp16', 3), result('fp32', 0.1), result('int8', 3), result('int4', 3)];
    const all = [...plain, ...tuned];
    const found = claimsHere(all, evidence(all.length, 0.02), 0.5);
    expect(found.map(({ verdict, tuned: t }) => [verdict, t])).toEqual([
      ['confirmed', true],
      ['confirmed', true],
    ]);
    const some = [...plain, ...tuned.slice(0, 2)];
    expect(claimsHere(some, evidence(some.length, 0.02), 0.5)[0]).toMatchObject({ verdict: 'refuted', tuned: false });
  });

  it('leaves the classical baseline out', () => {
    const baseline = { ...result('tf-idf', 0.001), engine: 'classical' };
    expect(verdicts([...good, baseline])[0]).toBe('confirmed');
  });
});

import { describe, expect, it } from 'vitest';
import { claimsHere } from './claims';
import { between, exampleResult } from './example';

const result = (variant: string, energy: number, spread: number) =>
  exampleResult({
    variant,
    energy: between(energy - spread, energy, energy + spread),
    quality: between(0.78, 0.8, 0.82),
  });
const verdicts = (results: Parameters<typeof claimsHere>[0]) => claimsHere(results, 0.5).map(({ verdict }) => verdict);

describe('claimsHere', () => {
  it('confirms beyond the intervals, refutes beyond them, and decides nothing within them', () => {
    expect(verdicts([result('fp16', 1, 0.01), result('fp32', 2, 0.01), result('fp16+2:4', 0.5, 0.01)])).toEqual([
      'confirmed',
      'confirmed',
    ]);
    expect(verdicts([result('fp16', 2, 0.01), result('int8', 1, 0.01), result('fp16+2:4', 2, 0.01)])).toEqual([
      'refuted',
      'refuted',
    ]);
    expect(verdicts([result('fp16', 1, 0.5), result('int8', 1.1, 0.5), result('fp16+2:4', 1.2, 0.5)])).toEqual([
      'undecided',
      'undecided',
    ]);
  });

  it('says what is missing, and keeps pruned variants out of the first claim', () => {
    const [first, second] = claimsHere([result('fp16', 1, 0.01), result('int8+ffn50', 0.1, 0.001)], 0.5);
    expect(first).toMatchObject({ verdict: 'undecided', first: 'fp16', finding: { kind: 'alone' } });
    expect(second).toMatchObject({ first: 'fp16+2:4', finding: { kind: 'missing' }, tickets: null, slices: null });
  });

  it('leaves the classical baseline out', () => {
    const baseline = { ...result('tf-idf', 0.001, 0.0001), engine: 'classical' };
    expect(verdicts([result('fp16', 1, 0.01), result('fp32', 2, 0.01), baseline])[0]).toBe('confirmed');
  });
});

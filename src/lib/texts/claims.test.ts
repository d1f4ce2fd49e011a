import { expect, it } from 'vitest';
import { claimsHere } from '../rank/claims';
import { between, exampleResult } from '../rank/example';
import { CLAIMS } from './claims';

const result = (variant: string, energy: number, spread: number) =>
  exampleResult({
    variant,
    energy: between(energy - spread, energy, energy + spread),
    quality: between(0.78, 0.8, 0.82),
    tickets: 1,
    slices: 5,
  });
const why = (...results: ReturnType<typeof result>[]) => claimsHere(results, 0.5).map(CLAIMS.why);
const n = '(n = 1 ticket, 5 slices)';

it('says why each claim is confirmed, refuted or undecided', () => {
  expect(why(result('fp16', 1, 0.01), result('fp32', 2, 0.01), result('fp16+2:4', 0.5, 0.01))).toEqual([
    `fp16 leads fp32 beyond their intervals ${n}.`,
    `fp16+2:4 leads fp16, fp32 beyond their intervals ${n}.`,
  ]);
  expect(why(result('fp16', 2, 0.01), result('int8', 1, 0.01), result('fp16+2:4', 2, 0.01))).toEqual([
    `int8 leads, and fp16 is behind it beyond their intervals ${n}.`,
    `int8 leads, and fp16+2:4 is behind it beyond their intervals ${n}.`,
  ]);
  expect(why(result('fp16', 1, 0.5), result('int8', 1.1, 0.5), result('fp16+2:4', 1.2, 0.5))).toEqual([
    `fp16 leads, but not beyond the interval of int8 ${n}.`,
    `fp16 leads, but fp16+2:4 is within its interval ${n}.`,
  ]);
  expect(why(result('fp16', 1, 0.01), result('int8+ffn50', 0.1, 0.001))).toEqual([
    'fp16 stands alone here: there is nothing to compare it with.',
    'fp16+2:4 has not been run here. To decide this, add it under "Variants" and run again.',
  ]);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../core/canonical';
import { withoutPhrases, withPhrases } from './phrases';

it('gives any text back, private characters and escapes included', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '\ue000',
      '\uf8ff',
      '\ue013',
      ', relaxed SIMD',
      ' (own WASM kernels)',
      'stored fp32, computed fp32',
    ),
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(fc.array(text), text, (list, own) => {
      const value: Json = { list, own, n: 1, none: null };
      expect(withPhrases(withoutPhrases(value))).toEqual(value);
    }),
  );
});

it('says a common sentence in one character', () => {
  expect(withoutPhrases('stored fp32, computed fp32 (own WASM kernels), relaxed SIMD')).toHaveLength(3);
});

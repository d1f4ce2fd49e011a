import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromLogByte, logByte, pairsFromText, pairsToText } from './log-bytes';

it('keeps a number within 3 %, 0 and the unknown exactly', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-5, max: 10, noNaN: true }), (x) => {
      const back = fromLogByte(logByte(x)) as number;
      expect(Math.abs(back / x - 1)).toBeLessThan(0.03);
      // What was read back is written again as it was.
      expect(logByte(back)).toBe(logByte(x));
    }),
  );
  expect([fromLogByte(logByte(0)), fromLogByte(logByte(null)), fromLogByte(logByte(NaN))]).toEqual([0, null, null]);
});

it('finds every pair again, in either order', () => {
  for (let n = 0; n < 15; n++) {
    const of = pairsFromText(
      n,
      pairsToText(n, (i, j) => 1e-3 * (1 + i * n + j)),
    );
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) {
        expect((of(i, j) as number) / (1e-3 * (1 + i * n + j))).toBeCloseTo(1, 1);
        expect(of(j, i)).toBe(of(i, j));
      }
  }
  expect(pairsFromText(3, 'not base64!')(0, 1)).toBeNull();
});

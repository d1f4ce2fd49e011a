import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberReader, spellNumber, spellNumbers } from './spell';

const half = Math.floor(Number.MAX_SAFE_INTEGER / 4);
const whole = fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -half, max: half }));

describe('numbers as text', () => {
  it('come back, one after the other', () => {
    fc.assert(
      fc.property(whole, fc.array(whole, { maxLength: 20 }), whole, (before, list, after) => {
        const spelled = spellNumbers(list);
        if (spelled === null) return;
        const reader = numberReader(spellNumber(before) + spelled + spellNumber(after));
        expect([reader.number(), reader.numbers(list.length), reader.number(), reader.ended]).toEqual([
          before,
          list,
          after,
          true,
        ]);
      }),
      { numRuns: 2000 },
    );
  });
  it('take little more than the bits that they hold, and nothing where all are equal', () => {
    expect(spellNumbers([0, 599, ...Array.from({ length: 10 }, (_, i) => 50 * i)])).toHaveLength(1 + 2 + 17);
    expect(spellNumbers(Array.from({ length: 100 }, () => 7))).toHaveLength(2);
    expect(JSON.stringify(spellNumbers(Array.from({ length: 92 }, (_, i) => i)))).not.toContain('\\');
  });
  it('are refused where they are too large', () => {
    expect(spellNumbers([Number.MAX_SAFE_INTEGER, -5])).toBeNull();
    expect(spellNumbers([0.5])).toBeNull();
    expect(spellNumbers([])).toBeNull();
  });
  it('are null, never wrong or endless, in any other text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.nat(20), (text, length) => {
        const reader = numberReader(text);
        const [one, many] = [reader.number(), reader.numbers(length)];
        for (const x of [one, ...(many ?? [])]) expect(x === null || Number.isSafeInteger(x)).toBe(true);
      }),
    );
    expect(numberReader('').number()).toBeNull();
    expect(numberReader('é').number()).toBeNull();
    expect(numberReader('!').numbers(1)).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { ByteDot } from '../core/dot';
import { LEAST_GAIN } from '../core/gain';
import { candidatesOf, chooseForm, choiceOf, timeForms, type KernelKind, type TimedForm } from './choice';
import { loadModule, spawnThread } from './testing';

/** Microseconds of one token and of many for each candidate of a kind, in every round alike unless rounds are given. */
type Given = readonly (readonly [one: number | readonly number[], many: number | readonly number[]])[];
const rounds = (x: number | readonly number[]) => (typeof x === 'number' ? [x, x, x, x, x] : x);
const timed = (kind: KernelKind, dot: ByteDot, given: Given): TimedForm[] =>
  candidatesOf(kind, dot).map((c, i) => {
    const [one, many] = given[i] as Given[number];
    return { ...c, one: rounds(one), many: rounds(many) };
  });

const INT8: KernelKind = { precision: 'int8', sparse: false };
const INT4: KernelKind = { precision: 'int4', sparse: false };
const chosen = (t: readonly TimedForm[]) => {
  const { format, dot, streams } = chooseForm(t).chosen;
  return [format, dot, streams];
};

describe('which form a device takes', () => {
  it('candidates begin with what is taken where nothing is timed', () => {
    expect(candidatesOf(INT8, 'unsigned').map((c) => [c.format, c.dot, c.streams])).toEqual([
      ['byte8', 'unsigned', 8],
      ['byte8', 'unsigned', 4],
      ['byte8', 'unsigned', 2],
      ['byte8', 'unsigned', 1],
      ['int8', null, 8],
    ]);
    expect(candidatesOf(INT8, null)).toHaveLength(1);
    expect(candidatesOf({ precision: 'fp32', sparse: false }, 'signed')).toHaveLength(1);
    // Floats know no byte dot, and stay with the one that the rest of the model uses.
    expect(new Set(candidatesOf({ precision: 'fp16', sparse: true }, 'signed').map((c) => c.dot))).toEqual(
      new Set(['signed']),
    );
  });

  it('fewer streams where memory is faster so: an AMD Zen 5, byte products in 8, 4, 2, 1 streams and 16-bit ones', () => {
    const many = [2738, 2738, 2738, 2738] as const;
    const given: Given = [
      [78, many[0]],
      [30, many[1]],
      [28, many[2]],
      [36, many[3]],
      [40, 6800],
    ];
    expect(chosen(timed(INT8, 'unsigned', given))).toEqual(['byte8', 'unsigned', 2]);
    expect(choiceOf([timed(INT8, 'unsigned', given)], 'unsigned')).toEqual({ dot: 'unsigned', streams: { byte8: 2 } });
  });

  it('ARM without the dot-product extension: byte products are exact there and slow, so 16 bits are taken', () => {
    const given: Given = [
      [900, 40_000],
      [880, 40_000],
      [890, 40_000],
      [910, 40_000],
      [500, 21_000],
    ];
    expect(chosen(timed(INT8, 'signed', given))).toEqual(['int8', null, 8]);
    expect(choiceOf([timed(INT8, 'signed', given)], 'signed')).toEqual({ dot: null, streams: {} });
  });

  it('what one phase gains is not taken where the other loses: both read the same panels', () => {
    const decodeOnly: Given = [
      [100, 3000],
      [100, 3000],
      [100, 3000],
      [100, 3000],
      [70, 6000],
    ];
    expect(chosen(timed(INT8, 'unsigned', decodeOnly))).toEqual(['byte8', 'unsigned', 8]);
    const level: Given = [
      [100, 3000],
      [100, 3000],
      [100, 3000],
      [100, 3000],
      [70, 3300],
    ];
    expect(chosen(timed(INT8, 'unsigned', level))).toEqual(['int8', null, 8]);
    const prefillOnly: Given = [
      [100, 3000],
      [100, 3000],
      [100, 3000],
      [100, 3000],
      [100, 2000],
    ];
    expect(chosen(timed(INT8, 'unsigned', prefillOnly))).toEqual(['int8', null, 8]);
  });

  it('one round that was not faster keeps the usual form', () => {
    const given: Given = [
      [100, 3000],
      [[80, 80, 80, 90, 80], 3000],
      [100, 3000],
      [100, 3000],
      [100, 6000],
    ];
    expect(chosen(timed(INT8, 'unsigned', given))).toEqual(['byte8', 'unsigned', 8]);
  });

  it('the output projection of a 4-bit model follows its linear layers', () => {
    const int4 = timed(
      INT4,
      'signed',
      Array.from({ length: 8 }, (_, i) => (i < 4 ? [100, 3000] : [60, 2000])),
    );
    const int8 = timed(INT8, 'signed', [
      [100, 3000],
      [50, 3000],
      [100, 3000],
      [100, 3000],
      [100, 6000],
    ]);
    expect(choiceOf([int4, int8], 'signed')).toEqual({ dot: null, streams: {} });
    expect(choiceOf([int8, int4], 'signed')).toEqual({ dot: 'signed', streams: { byte8: 4 } });
  });

  it('nothing timed, nothing changed', () => {
    expect(choiceOf([], 'unsigned')).toEqual({ dot: 'unsigned', streams: {} });
  });

  it('whatever the timings: what is taken is never slower than the usual by more than the gain asked, and faster somewhere', () => {
    const us = fc.integer({ min: 10, max: 1000 });
    const noisy = fc.tuple(us, fc.array(fc.integer({ min: 90, max: 140 }), { minLength: 5, maxLength: 5 }));
    const spread = ([base, percent]: [number, number[]]) => percent.map((p) => (base * p) / 100);
    const mid = (xs: readonly number[]) => [...xs].sort((a, b) => a - b)[xs.length >> 1] as number;
    fc.assert(
      fc.property(fc.array(noisy, { minLength: 5, maxLength: 5 }), noisy, noisy, (ones, bytes, levels) => {
        const given: Given = ones.map((one, i) => [spread(one), spread(i < 4 ? bytes : levels)]);
        const { usual, chosen } = chooseForm(timed(INT8, 'unsigned', given));
        if (chosen === usual) return;
        expect(mid(chosen.one)).toBeLessThanOrEqual(mid(usual.one) * LEAST_GAIN);
        expect(mid(chosen.many)).toBeLessThanOrEqual(mid(usual.many) * LEAST_GAIN);
        expect(Math.min(mid(chosen.one) / mid(usual.one), mid(chosen.many) / mid(usual.many))).toBeLessThan(1);
      }),
    );
  });

  it('times every candidate in every round on kernels of their own', async () => {
    const o = { module: await loadModule('plain'), dot: null, threads: 2, spawn: spawnThread };
    const forms = await timeForms({ precision: 'int4', sparse: false }, o);
    expect(forms.map((f) => f.streams)).toEqual([8, 4, 2, 1]);
    for (const f of forms) {
      expect(f.one.length).toBe(5);
      expect(f.many.length).toBe(5);
      expect([...f.one, ...f.many].every((s) => s > 0)).toBe(true);
    }
  }, 30_000);
});

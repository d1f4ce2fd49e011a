import { describe, expect, it } from 'vitest';
import { bytes, dateTime, duration, interval, listed, percent, plural, seconds, significant } from './format';

describe('format', () => {
  it('never writes an exponent or a zero for the unknown', () => {
    for (const x of [1e-9, 0.00123, 0.5, 12345678]) expect(significant(x)).not.toMatch(/e/);
    expect([9.996, 9.994, 0.09996, 999.6].map((x) => significant(x))).toEqual(['10.0', '9.99', '0.100', '1000']);
    expect(interval(null)).toBe('unknown');
    expect(bytes(null)).toBe('unknown');
    expect(percent(null)).toBe('unknown');
    expect(percent(0.004)).toBe('<1 %');
    expect(percent(0)).toBe('0 %');
  });

  it('writes times coarsely', () => {
    expect([3, 44, 100, 3599, 5401, 7300].map(duration)).toEqual([
      'under 10 s',
      '40 s',
      '2 min',
      '60 min',
      '1 h 30 min',
      '2 h',
    ]);
    expect(seconds(0.0123)).toBe('12.3 ms');
    expect(seconds(1.5)).toBe('1.50 s');
  });

  it('writes lists and counts', () => {
    expect(listed(['a', 'b', 'c'])).toBe('a, b and c');
    expect(listed(['a'])).toBe('a');
    expect(plural(1, 'repeat')).toBe('1 repeat');
    expect(bytes(7_086_544)).toBe('6.76 MiB');
  });

  it('leaves what is no date as text', () => {
    expect(dateTime('<b>no</b>')).toBe('<b>no</b>');
    expect(dateTime('2026-01-02T03:04:05Z', 'en')).toMatch(/2026/);
  });
});

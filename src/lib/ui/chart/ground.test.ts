import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { groundOf } from './ground';

const css = readFileSync(new URL('../base/theme.css', import.meta.url), 'utf8');
/** Relative luminance (WCAG 2) of `#rrggbb`. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
/** Values of a variable in theme.css: light, then dark. */
const tones = (name: string) =>
  [...css.matchAll(new RegExp(`${name}: (#[0-9a-f]{6})`, 'g'))].map(([, hex]) => luminance(hex ?? ''));

it('tells tasks apart by lightness, and leaves lines and words readable on every ground', () => {
  const tasks = ['rca', 'response', 'summary'].map((phase) => groundOf(phase).tone);
  for (const theme of [0, 1]) {
    const at = (name: string) => tones(name)[theme] ?? NaN;
    const grounds = [at('--paper'), ...tasks.map(at)];
    for (const [i, ground] of grounds.entries())
      for (const other of grounds.slice(i + 1)) expect(contrast(ground, other)).toBeGreaterThan(1.12);
    for (const ground of grounds) {
      for (const line of ['--ink', '--joule']) expect(contrast(ground, at(line))).toBeGreaterThan(3);
      expect(contrast(ground, at('--ink'))).toBeGreaterThan(4.5);
    }
  }
});

it('has a ground for what nobody named', () => {
  expect(groundOf('something new').pattern).toBe('solid');
});

import { normalQuantile } from './distributions';
import type { Estimate } from './stats';

/**
 * The share `successes / n` with Wilson's two-sided score interval (Wilson 1927, JASA 22, 209-212): all shares that the
 * score test does not reject. Within [0, 1], and never of width 0. Without trials mid is NaN and the interval [0, 1].
 */
export function wilson(successes: number, n: number, level = 0.95): Estimate {
  if (n === 0) return { mid: NaN, low: 0, high: 1, n };
  const z2 = normalQuantile((1 + level) / 2) ** 2;
  const mid = successes / n;
  const centre = (successes + z2 / 2) / (n + z2);
  const half = Math.sqrt(z2 * (n * mid * (1 - mid) + z2 / 4)) / (n + z2);
  // At its ends the formula is 0 or 1 but for rounding.
  return { mid, low: successes === 0 ? 0 : centre - half, high: successes === n ? 1 : centre + half, n };
}

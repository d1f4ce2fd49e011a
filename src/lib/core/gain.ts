import { median } from './stats';

/** A way of computing is taken instead of the usual one where it is so many times as fast, in every round. */
export const LEAST_GAIN = 1.15;

/** Whether seconds `a` are LEAST_GAIN times less than `b` in every round; false where there is none. */
export const isFaster = (a: readonly number[], b: readonly number[]): boolean =>
  a.length > 0 && a.every((s, round) => s * LEAST_GAIN <= (b[round] as number));

/** How many times as fast `a` is as `b`, by medians. */
export const gainOf = (a: readonly number[], b: readonly number[]): number => median([...b]) / median([...a]);

import { median } from '../core/stats';

/** Robust least squares whose coefficients cannot fall below 0. */

export interface Solution {
  /** One for each column. */
  x: number[];
  /** Of x; rows and columns of coefficients at their bound are 0. */
  covariance: number[][];
}

/** Solves a positive definite system by Cholesky; null where it is not one to working precision. */
function cholesky(a: readonly (readonly number[])[], rhs: readonly (readonly number[])[]): number[][] | null {
  const n = a.length;
  const l = a.map((row) => row.slice());
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = l[i]![j]!;
      for (let k = 0; k < j; k++) sum -= l[i]![k]! * l[j]![k]!;
      if (i === j) {
        if (!(sum > 1e-12)) return null;
        l[i]![i] = Math.sqrt(sum);
      } else l[i]![j] = sum / l[j]![j]!;
    }
  }
  return rhs.map((b) => {
    const x = b.slice();
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i]! -= l[i]![k]! * x[k]!;
      x[i]! /= l[i]![i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i]! -= l[k]![i]! * x[k]!;
      x[i]! /= l[i]![i]!;
    }
    return x;
  });
}

const submatrix = (a: readonly (readonly number[])[], at: readonly number[]) => at.map((i) => at.map((j) => a[i]![j]!));

/**
 * Non-negative least squares on a Gram matrix with unit diagonal (Lawson and Hanson 1974, algorithm 23.10); `free` are the
 * columns above 0.
 */
function nonNegative(gram: readonly (readonly number[])[], rhs: readonly number[]): { x: number[]; free: number[] } {
  const n = rhs.length;
  let x = new Array<number>(n).fill(0);
  let free: number[] = [];
  for (let round = 0; round < 10 * n; round++) {
    const gradient = rhs.map((b, i) => b - gram[i]!.reduce((sum, g, j) => sum + g * x[j]!, 0));
    const next = gradient.reduce(
      (best, g, i) =>
        !free.includes(i) && g > 1e-9 * Math.abs(rhs[i]!) && (best < 0 || g > gradient[best]!) ? i : best,
      -1,
    );
    if (next < 0) break;
    free = [...free, next].sort((a, b) => a - b);
    for (;;) {
      const solved = cholesky(submatrix(gram, free), [free.map((i) => rhs[i]!)])?.[0];
      // Two columns that say the same: the newcomer stays out.
      if (!solved) {
        free = free.filter((i) => i !== next);
        break;
      }
      if (solved.every((s) => s > 0)) {
        x = new Array<number>(n).fill(0);
        free.forEach((i, k) => (x[i] = solved[k]!));
        break;
      }
      const step = Math.min(...free.map((i, k) => (solved[k]! <= 0 ? x[i]! / (x[i]! - solved[k]!) : 1)));
      free.forEach((i, k) => (x[i]! += step * (solved[k]! - x[i]!)));
      free = free.filter((i) => x[i]! > 1e-12);
      x = x.map((value, i) => (free.includes(i) ? value : 0));
      if (!free.includes(next)) break;
    }
    if (!free.includes(next)) break;
  }
  return { x, free };
}

const HUBER = 1.345;
const BISQUARE = 4.685;
const ROUNDS = 12;
/** SD of a normal sample over the median of its absolute residuals. */
const MAD = 1.4826;

/**
 * Coefficients at or above 0 of `rows` x = `y` with SDs `sd`, by iterated weights: Huber's, then Tukey's bisquare, which a
 * burst of something else on the device does not move.
 *
 * @param rows n x m; a column of zeros gets 0
 */
export function solveRobust(
  rows: readonly (readonly number[])[],
  y: readonly number[],
  sd: readonly number[],
): Solution {
  const m = rows[0]?.length ?? 0;
  const a = rows.map((row, i) => row.map((value) => value / sd[i]!));
  const b = y.map((value, i) => value / sd[i]!);
  const scale = Array.from({ length: m }, (_, j) => Math.hypot(...a.map((row) => row[j]!)));
  const used = scale.flatMap((s, j) => (s > 0 ? [j] : []));
  const columns = a.map((row) => used.map((j) => row[j]! / scale[j]!));
  let weights = b.map(() => 1);
  let x = used.map(() => 0);
  let free: number[] = [];
  let gram: number[][] = [];
  let residuals = b;
  for (let round = 0; round <= 2 * ROUNDS; round++) {
    gram = used.map((_, i) =>
      used.map((__, j) => columns.reduce((sum, row, k) => sum + weights[k]! * row[i]! * row[j]!, 0)),
    );
    const rhs = used.map((_, i) => columns.reduce((sum, row, k) => sum + weights[k]! * row[i]! * b[k]!, 0));
    ({ x, free } = nonNegative(gram, rhs));
    residuals = b.map((value, k) => value - columns[k]!.reduce((sum, c, i) => sum + c * x[i]!, 0));
    const s = Math.max(1e-9, MAD * median(residuals.map(Math.abs)));
    const last = weights;
    weights = residuals.map((r) => {
      const u = Math.abs(r) / s;
      return round < ROUNDS
        ? Math.min(1, HUBER / Math.max(u, 1e-12))
        : u < BISQUARE
          ? (1 - (u / BISQUARE) ** 2) ** 2
          : 0;
    });
    if (round === 2 * ROUNDS) weights = last;
  }
  const freedom = Math.max(1, weights.reduce((sum, w) => sum + w, 0) - free.length);
  const variance = residuals.reduce((sum, r, k) => sum + weights[k]! * r * r, 0) / freedom;
  const inverse = cholesky(
    submatrix(gram, free),
    free.map((_, i) => free.map((__, j) => (i === j ? 1 : 0))),
  );
  const solution = new Array<number>(m).fill(0);
  const covariance = Array.from({ length: m }, () => new Array<number>(m).fill(0));
  free.forEach((i, k) => {
    const column = used[i]!;
    solution[column] = x[i]! / scale[column]!;
    free.forEach((j, l) => {
      const other = used[j]!;
      covariance[column]![other] = (variance * (inverse?.[k]?.[l] ?? 0)) / (scale[column]! * scale[other]!);
    });
  });
  return { x: solution, covariance };
}

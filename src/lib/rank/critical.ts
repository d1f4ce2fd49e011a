import { isModel } from '../schema/engines';
import { maxT, tQuantile } from '../core/distributions';
import { pairsFromText } from '../core/log-bytes';
import type { Evidence, VariantResult } from '../schema/result';

/**
 * Level of each of the two families of simultaneous intervals, joules of all pairs and quality against the reference:
 * timing and tickets are independent, so both hold at once in 95 % of plans.
 */
const LEVEL = Math.sqrt(0.95);

/** Places of language models whose joules and quality are known: what comparisons are made among. */
export const modelsAmong = (results: readonly VariantResult[]): number[] =>
  results.flatMap((r, i) => (!isModel(r.engine) || r.energy === null || r.quality === null ? [] : [i]));

/** Simultaneous critical value of some differences, by the SDs of all pairs: Cov(a-r, b-r) = (Var ar + Var br - Var ab) / 2. */
function critical(
  pairs: readonly (readonly [number, number])[],
  sd: (i: number, j: number) => number | null,
  df: number,
): number {
  const variance = (i: number, j: number) => (sd(i, j) ?? 0) ** 2;
  const used = pairs.filter(([i, j]) => (sd(i, j) ?? 0) > 0);
  if (used.length === 0) return tQuantile(0.5 + LEVEL / 2, df);
  // Cov(a - b, c - d), from variances of differences alone.
  const covariance = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]) =>
    (variance(a, d) + variance(b, c) - variance(a, c) - variance(b, d)) / 2;
  const correlation = used.map((p) =>
    used.map((q) =>
      p === q ? 1 : Math.max(-1, Math.min(1, covariance(p, q) / Math.sqrt(covariance(p, p) * covariance(q, q)))),
    ),
  );
  return maxT(correlation, df, LEVEL);
}

/**
 * Factors by which SDs of differences are multiplied where all intervals of a family hold at once: joules of all pairs of
 * models, and quality of each against the reference. Worked out once, from the SDs as a link carries them, and carried
 * along: they take tens of thousands of draws.
 */
export function criticalsOf(
  results: readonly VariantResult[],
  { reference, df, energySd, qualitySd }: Pick<Evidence, 'reference' | 'df' | 'energySd' | 'qualitySd'>,
): Evidence['critical'] {
  const models = modelsAmong(results);
  const four = (x: number) => Number(x.toPrecision(4));
  return {
    energy: four(
      critical(
        models.flatMap((x, k) => models.slice(k + 1).map((y) => [x, y] as const)),
        pairsFromText(results.length, energySd),
        Math.max(1, df),
      ),
    ),
    quality: four(
      critical(
        models.flatMap((x) => (reference === null || x === reference ? [] : [[x, reference] as const])),
        pairsFromText(results.length, qualitySd),
        Infinity,
      ),
    ),
  };
}

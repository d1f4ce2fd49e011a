import { createRandom } from './random';

/** Density of the standard normal at x. */
const normalDensity = (x: number) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/** P(Z > x) of the standard normal for x >= 0, relative error below 1e-12 (Marsaglia 2004, J. Stat. Software 11(4)). */
function normalTail(x: number): number {
  if (x > 38.6) return 0;
  if (x < 3) {
    // Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...)
    let term = x;
    let total = x;
    for (let i = 3; Math.abs(term) > 1e-17 * total; i += 2) total += term *= (x * x) / i;
    return 0.5 - normalDensity(x) * total;
  }
  // Mills' ratio as Laplace's continued fraction 1/(x + 1/(x + 2/(x + ...))), from its end.
  let fraction = x;
  for (let i = 120; i >= 1; i--) fraction = x + i / fraction;
  return normalDensity(x) / fraction;
}

/** P(Z <= x) of the standard normal; small values keep their relative precision. */
export const normalCdf = (x: number): number => (x > 0 ? 1 - normalTail(x) : normalTail(-x));

/** The x with P(Z <= x) = p of the standard normal, for p in [0, 1]; -Infinity and Infinity at its ends. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  const tail = Math.min(p, 1 - p);
  if (tail === 0) return p === 0 ? -Infinity : Infinity;
  if (tail === 0.5) return 0;
  // Abramowitz and Stegun 26.2.23 (error below 4.5e-4), then Halley's steps, each of which triples the digits.
  const t = Math.sqrt(-2 * Math.log(tail));
  let x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let i = 0; i < 3; i++) {
    const step = (normalCdf(-x) - tail) / normalDensity(x);
    x += step / (1 - 0.5 * x * step);
  }
  return p < 0.5 ? -x : x;
}

/** From here on Student's t is the normal to double precision. */
const NORMAL_DF = 1e12;

/**
 * ln(Gamma(a + 1/2) / Gamma(a)): its asymptotic series (Tricomi and Erdelyi 1951) from a = 20 on, below it by
 * Gamma(a + 1) = a Gamma(a). A difference of two log-gammas would lose the digits that large degrees of freedom need.
 */
function logGammaHalfStep(a: number): number {
  let shift = 0;
  for (; a < 20; a++) shift += Math.log(a / (a + 0.5));
  const r = 1 / (a * a);
  return shift + 0.5 * Math.log(a) - (1 / 8 - r * (1 / 192 - r * (1 / 640 - (r * 17) / 14336))) / a;
}

/** Density of Student's t at x with real df > 0. */
function tDensity(x: number, df: number): number {
  if (df > NORMAL_DF) return normalDensity(x);
  const log = logGammaHalfStep(df / 2) - 0.5 * Math.log(df * Math.PI) - 0.5 * (df + 1) * Math.log1p((x * x) / df);
  return Math.exp(log);
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const guard = (v: number) => (Math.abs(v) < tiny ? tiny : v);
  let c = 1;
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < 100_000; m++) {
    const steps = [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ];
    let factor = 1;
    for (const step of steps) {
      d = 1 / guard(1 + step * d);
      c = guard(1 + step / c);
      factor = c * d;
      value *= factor;
    }
    if (Math.abs(factor - 1) < 1e-15) break;
  }
  return value;
}

/** P(T > x) of Student's t for x >= 0: half of I_y(df/2, 1/2) at y = df / (df + x^2) (DLMF 8.17). */
function tTail(x: number, df: number): number {
  if (df > NORMAL_DF) return normalTail(x);
  if (x === Infinity) return 0;
  const a = df / 2;
  // Their sum is 1; each is computed by itself, since the smaller one is what has to keep its digits.
  const near = 1 / (1 + (x * x) / df);
  const far = 1 / (1 + df / (x * x));
  // y^a (1 - y)^(1/2) / B(a, 1/2)
  const log = logGammaHalfStep(a) - 0.5 * Math.log(Math.PI) - a * Math.log1p((x * x) / df) + 0.5 * Math.log(far);
  const front = Math.exp(log);
  // The fraction is quick on its own side of the mean.
  return near < (a + 1) / (a + 2.5)
    ? (0.5 * front * betaFraction(a, 0.5, near)) / a
    : 0.5 - front * betaFraction(0.5, a, far);
}

/** P(T <= x) of Student's t with real df >= 1, Infinity included; absolute error below 1e-12. */
export const tCdf = (x: number, df: number): number => (x > 0 ? 1 - tTail(x, df) : tTail(-x, df));

/** The x with P(T <= x) = p of Student's t with real df >= 1 (Infinity: the normal), for p in [0, 1]. */
export function tQuantile(p: number, df: number): number {
  const z = normalQuantile(p);
  if (df > NORMAL_DF || !Number.isFinite(z) || z === 0) return z;
  // Newton on ln P(T > x) over ln x: nearly straight in heavy tails and concave, so it cannot run away.
  const tail = Math.min(p, 1 - p);
  let x = Math.abs(z);
  for (let i = 0; i < 100; i++) {
    const above = tTail(x, df);
    const step = (above * Math.log(above / tail)) / (x * tDensity(x, df));
    x *= Math.exp(step);
    if (Math.abs(step) < 1e-14) break;
  }
  return p < 0.5 ? -x : x;
}

/**
 * P(R <= x) where R^2 / rank has the F distribution of (rank, df) degrees of freedom: the length of a multivariate t
 * vector of `rank` independent parts. By I_y(a + 1, b) = I_y(a, b) - y^a (1 - y)^b / (a B(a, b)) (DLMF 8.17.20) from
 * rank 1 (|t|) or 2, so that df may be real or Infinity (then the chi distribution).
 */
function radialCdf(x: number, rank: number, df: number): number {
  const ratio = (x * x) / df;
  const even = rank % 2 === 0;
  let probability = even ? 1 - survival2(x, df) : 1 - 2 * tTail(x, df);
  let term = even ? (survival2(x, df) * x * x) / (2 * (1 + ratio)) : 2 * x * tDensity(x, df);
  for (let r = even ? 2 : 1; r < rank; r += 2) {
    probability -= term;
    term *= (x * x * (1 + r / df)) / ((1 + ratio) * (r + 2));
  }
  return Math.min(Math.max(probability, 0), 1);
}

/** P(R > x) at rank 2: (1 + x^2 / df)^(-df / 2). */
const survival2 = (x: number, df: number) =>
  df > NORMAL_DF ? Math.exp(-0.5 * x * x) : Math.exp(-0.5 * df * Math.log1p((x * x) / df));

/**
 * Rows [contrasts][rank] of unit length whose products are the correlations: Cholesky with the largest remaining pivot
 * first, ended where nothing but rounding is left, so a singular matrix (or one that rounding made indefinite) has the
 * rank that it has. Contrasts without variance are left out.
 */
export function correlationRoot(correlation: readonly (readonly number[])[]): Float64Array[] {
  const kept = correlation.map((row, i) => [i, row[i] as number] as const).filter(([, variance]) => variance > 1e-12);
  const a = kept.map(([i, v]) => kept.map(([j, w]) => ((correlation[i] as number[])[j] as number) / Math.sqrt(v * w)));
  const left = kept.map(() => 1);
  const columns: number[][] = [];
  for (;;) {
    const pivot = left.indexOf(Math.max(...left));
    const size = left[pivot] ?? 0;
    if (size < 1e-9) break;
    const column = kept.map((_, i) => {
      const done = columns.reduce((sum, c) => sum + (c[i] as number) * (c[pivot] as number), 0);
      return (left[i] as number) === 0 ? 0 : (((a[i] as number[])[pivot] as number) - done) / Math.sqrt(size);
    });
    column.forEach((v, i) => (left[i] = Math.max((left[i] as number) - v * v, 0)));
    left[pivot] = 0;
    columns.push(column);
  }
  return kept.map((_, i) => {
    const row = Float64Array.from(columns, (c) => c[i] as number);
    const length = Math.hypot(...row);
    return row.map((v) => v / length);
  });
}

const DRAWS = 20_000;

/**
 * The two-sided equicoordinate quantile c of a multivariate t: P(max |T_i| <= c) = level, the factor of simultaneous
 * intervals (Hothorn, Bretz and Westfall 2008). T = R L u with u a random direction and R its length: directions are
 * drawn (fixed seed), while the length is integrated exactly, so c is smooth in all its arguments and has a standard
 * error of about 0.002 at level 0.95 (of 3.6, for the 66 pairs of 12 variants at 22 degrees of freedom). One contrast, or several that are the same but for their sign, give the exact
 * quantile of Student's t; so do none, since then there is nothing to widen.
 * @param correlation of the contrasts [k][k]; may be singular; rows of zeros (no variance) are left out
 * @param df degrees of freedom of the common variance; may be Infinity
 */
export function maxT(correlation: readonly (readonly number[])[], df: number, level: number): number {
  const single = -tQuantile((1 - level) / 2, df);
  const rows = correlationRoot(correlation);
  const rank = rows[0]?.length ?? 0;
  if (rank <= 1) return single;

  const flat = new Float64Array(rows.length * rank);
  rows.forEach((row, i) => flat.set(row, i * rank));
  const random = createRandom(1);
  const direction = new Float64Array(rank);
  const logs = new Float64Array(DRAWS);
  for (let draw = 0; draw < DRAWS; draw++) {
    let square = 0;
    for (let j = 0; j < rank; j++) {
      const v = random.normal();
      direction[j] = v;
      square += v * v;
    }
    let top = 0;
    for (let at = 0; at < flat.length;) {
      let product = 0;
      for (let j = 0; j < rank; j++) product += (flat[at++] as number) * (direction[j] as number);
      top = Math.max(top, Math.abs(product));
    }
    logs[draw] = Math.log(top) - 0.5 * Math.log(square);
  }

  // Directions of about the same largest coordinate share an evaluation: each is split between its two neighbours.
  const low = logs.reduce((a, b) => Math.min(a, b));
  const step = (logs.reduce((a, b) => Math.max(a, b)) - low) / 200 || 1;
  const weights = new Float64Array(202);
  for (const log of logs) {
    const at = (log - low) / step;
    const i = Math.floor(at);
    weights[i] = (weights[i] as number) + (i + 1 - at) / DRAWS;
    weights[i + 1] = (weights[i + 1] as number) + (at - i) / DRAWS;
  }
  const inside = (c: number) =>
    weights.reduce((p, w, i) => (w === 0 ? p : p + w * radialCdf(c / Math.exp(low + i * step), rank, df)), 0);

  // Between the quantile of one contrast and Bonferroni's, by false position that halves the end which stays (Illinois).
  let [a, b] = [single, -tQuantile((1 - level) / (2 * rows.length), df)];
  let [below, above] = [inside(a) - level, inside(b) - level];
  if (below >= 0) return a;
  if (above <= 0) return b;
  let stayed = 0;
  for (let i = 0; i < 30 && b - a > 1e-7 * b; i++) {
    const c = (a * above - b * below) / (above - below);
    const off = inside(c) - level;
    if (Math.abs(off) < 1e-9) return c;
    if (off < 0) {
      [a, below] = [c, off];
      if (stayed < 0) above /= 2;
      stayed = -1;
    } else {
      [b, above] = [c, off];
      if (stayed > 0) below /= 2;
      stayed = 1;
    }
  }
  return (a + b) / 2;
}

import { normalCdf, normalQuantile, tQuantile } from '../core/distributions';

/** What one look may conclude. */
export interface Boundary {
  /** The test statistic, standard normal under the hypothesis, has to exceed this in size; Infinity where nothing is spent. */
  z: number;
  /** Probability of having concluded wrongly up to and including this look. */
  alphaSpent: number;
  /** Two-sided p value that belongs to z, 2 (1 - Phi(z)). */
  nominal: number;
}

/**
 * Probability spent when a share `fraction` of the information is in: Lan and DeMets (1983, Biometrika 70, 659-663), the
 * function of O'Brien and Fleming's type for two sides of alpha / 2 each. Next to nothing early, all of it at 1.
 */
const spent = (fraction: number, alpha: number) => 4 * normalCdf(normalQuantile(alpha / 4) / Math.sqrt(fraction));

/** Where the sum S = Z sqrt(fraction) may be while the looks go on: density at evenly spaced points, with weights. */
interface Grid {
  points: Float64Array;
  /** Density times Simpson's weight. */
  mass: Float64Array;
}

/** Points a standard deviation of the coming step: Simpson's error is then below 1e-6. */
const RESOLUTION = 10;
const MOST_POINTS = 4001;

/** Density of S within +-bound, resolved for a step of standard deviation `step`. */
function gridOf(bound: number, step: number, density: (s: number) => number): Grid {
  const half = Math.min(Math.max(Math.ceil((bound / step) * RESOLUTION), 40), (MOST_POINTS - 1) / 2);
  const h = bound / half;
  const points = Float64Array.from({ length: 2 * half + 1 }, (_, i) => (i - half) * h);
  const last = points.length - 1;
  const weight = (i: number) => (h / 3) * (i === 0 || i === last ? 1 : i % 2 === 1 ? 4 : 2);
  return { points, mass: points.map((s, i) => weight(i) * density(s)) };
}

/**
 * Two-sided boundaries for looks at the given shares of the planned information (rising, in (0, 1]): whichever looks are
 * taken, concluding wrongly at any of them has probability alpha at most. By recursive numerical integration over the
 * sums that have not crossed before (Armitage, McPherson and Rowe 1969, JRSS A 132, 235-244; Reboussin, DeMets, Kim and
 * Lan 2000, Controlled Clinical Trials 21, 190-207). A boundary depends on earlier looks only, so later ones need not be
 * known in advance.
 */
export function boundaries(fractions: readonly number[], alpha: number): Boundary[] {
  const out: Boundary[] = [];
  let grid: Grid = { points: Float64Array.of(0), mass: Float64Array.of(1) };
  let before = 0;
  let spentBefore = 0;
  for (const [k, fraction] of fractions.entries()) {
    if (!(fraction > before && fraction <= 1))
      throw new RangeError('Looks are at rising shares of the information, up to 1.');
    const step = Math.sqrt(fraction - before);
    const alphaSpent = spent(fraction, alpha);
    /** Probability of crossing +-bound at this look, not earlier; both sides are equally likely. */
    const crossing = (bound: number) => {
      let p = 0;
      for (let i = 0; i < grid.points.length; i++)
        p += (grid.mass[i] as number) * normalCdf(((grid.points[i] as number) - bound) / step);
      return 2 * p;
    };
    const goal = alphaSpent - spentBefore;
    let bound = Infinity;
    // Below that p values have no meaning, and the integral loses its digits.
    if (goal > 1e-20) {
      let [low, high] = [0, 40 * Math.sqrt(fraction)];
      while (high - low > 1e-10 * high) {
        bound = (low + high) / 2;
        if (crossing(bound) > goal) low = bound;
        else high = bound;
      }
    }
    const z = bound / Math.sqrt(fraction);
    out.push({ z, alphaSpent, nominal: 2 * normalCdf(-z) });

    const next = fractions[k + 1];
    if (next === undefined) break;
    const { points, mass } = grid;
    const scale = 1 / (step * Math.sqrt(2 * Math.PI));
    // Beyond 12 standard deviations there is no mass that a double could add.
    grid = gridOf(Math.min(bound, 12 * Math.sqrt(fraction)), Math.sqrt(next - fraction), (s) => {
      let density = 0;
      for (let i = 0; i < points.length; i++) {
        const distance = (s - (points[i] as number)) / step;
        if (distance * distance < 160) density += (mass[i] as number) * Math.exp(-0.5 * distance * distance);
      }
      return density * scale;
    });
    before = fraction;
    spentBefore = alphaSpent;
  }
  return out;
}

/**
 * The same nominal p value as a bound for |t| with df degrees of freedom: boundaries are made for known variances, and an
 * estimated one needs a wider bound (Jennison and Turnbull 2000, Group Sequential Methods, ch. 11.4).
 */
export const tBoundary = (nominal: number, df: number): number => -tQuantile(nominal / 2, df);

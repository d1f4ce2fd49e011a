import { tQuantile } from '../core/distributions';

/** Numbers that decide, in all (not beyond those at hand); Infinity where the true difference sits on the border. */
export interface Needed {
  /** To tell the difference from 0, two-sided. */
  different: number;
  /**
   * To tell on which side of the margin it lies, one-sided: that it is not worse by more than the margin, or (where the
   * difference given is beyond it) that it is.
   */
  notWorse: number;
}

/** Far beyond what anybody runs; what needs more needs an infinity. */
const MOST = 1e9;

/** The least n from 2 to MOST at which `enough` holds, which then holds for all larger n; Infinity where none does. */
function least(enough: (n: number) => boolean): number {
  let high = 2;
  while (!enough(high)) {
    if (high >= MOST) return Infinity;
    high *= 2;
  }
  let low = high / 2;
  while (high - low > 1) {
    const n = Math.floor((low + high) / 2);
    if (enough(n)) high = n;
    else low = n;
  }
  return high;
}

/**
 * The least n whose standard error sd / sqrt(n) is small enough that a true distance is found with probability `power`:
 * distance >= (t_alpha + t_power) sd / sqrt(n), t with degreesOf(n) degrees of freedom (the usual approximation to the
 * noncentral t; within one of the exact n, or one in a hundred).
 * @param tail probability on the side that is tested
 */
function needed(distance: number, sd: number, tail: number, power: number, degreesOf: (n: number) => number): number {
  if (distance === 0) return Infinity;
  return least((n) => {
    const df = degreesOf(n);
    return distance * Math.sqrt(n) >= (-tQuantile(tail, df) + tQuantile(power, df)) * sd;
  });
}

/** Tickets that differ none of the time can still differ as often as 1 - alpha^(1/n) (`rareDifference`), solved for n. */
function neededWithoutSpread(distance: number, alpha: number): number {
  if (distance === 0) return Infinity;
  return distance >= 1 ? 2 : Math.max(2, Math.ceil(Math.log(alpha) / Math.log1p(-distance)));
}

/**
 * Tickets that both variants have to answer until their difference in a metric is decided.
 *
 * Where no ticket has differed yet (`sdPerTicket` 0) there is no standard error to shrink; then it takes as many tickets
 * as the rule of three asks for, with the margin as a share of the metric's range: 59 for a margin of 0.05.
 * @param question.difference expected true difference, first minus second, higher the better
 * @param question.sdPerTicket standard deviation of a ticket's difference (of the estimate: times the root of its n)
 * @param question.margin loss that one would put up with, in units of the difference, not negative
 * @param question.level confidence, e.g. 0.95
 * @param question.power probability of the decision if the difference is as expected
 */
export function ticketsFor({
  difference,
  sdPerTicket,
  margin,
  level,
  power = 0.8,
}: {
  difference: number;
  sdPerTicket: number;
  margin: number;
  level: number;
  power?: number;
}): Needed {
  const [toZero, toMargin] = [Math.abs(difference), Math.abs(difference + margin)];
  if (sdPerTicket === 0)
    return {
      different: neededWithoutSpread(toZero, (1 - level) / 2),
      notWorse: neededWithoutSpread(toMargin, 1 - level),
    };
  const degreesOf = (n: number) => n - 1;
  return {
    different: needed(toZero, sdPerTicket, (1 - level) / 2, power, degreesOf),
    notWorse: needed(toMargin, sdPerTicket, 1 - level, power, degreesOf),
  };
}

/**
 * Slices that all variants have to answer until the ratio of two variants' energies is decided. In complete slices
 * Var(effect_i - effect_j) = 2 sigma^2 / n, and sigma is estimated from all variants, with (n - 1)(variants - 1) degrees
 * of freedom (`core/two-way.ts`).
 * @param question.logRatio expected ln(energy of the first / energy of the second); below 0 the first is leaner
 * @param question.sigma residual standard deviation of ln(energy) of one variant in one slice
 * @param question.margin ln of the factor by which the first may cost more, not negative
 * @param question.variants how many share sigma
 */
export function slicesFor({
  logRatio,
  sigma,
  margin,
  level,
  power = 0.8,
  variants = 2,
}: {
  logRatio: number;
  sigma: number;
  margin: number;
  level: number;
  power?: number;
  variants?: number;
}): Needed {
  const sd = sigma * Math.SQRT2;
  const degreesOf = (n: number) => (n - 1) * (variants - 1);
  return {
    different: needed(Math.abs(logRatio), sd, (1 - level) / 2, power, degreesOf),
    // Worse is more here.
    notWorse: needed(Math.abs(margin - logRatio), sd, 1 - level, power, degreesOf),
  };
}

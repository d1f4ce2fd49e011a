import { t975 } from '../core/stats';
import { COEFFICIENTS, type Coefficient, type EnergyModelRecord } from '../schema/energy-model';
import type { Range } from '../schema/run';
import type { CountedWork } from './model';

/** The energy model that was fitted on this very device, as a meter takes it. */

/** What a stretch of time did, by coefficient: seconds, seconds awake, bytes, operations by arithmetic. */
export type Spent = Partial<Record<Coefficient, number>>;

const sumOver = (f: (i: number) => number) => COEFFICIENTS.reduce((sum, _, i) => sum + f(i), 0);

/**
 * Joules with a 95 % interval: the coefficients' own errors, and the spread of kernels that the fit had not seen, both
 * relative, so that neither end falls below 0. Null where the routine did not span what was spent.
 *
 * log E +- t(kernels) sqrt(spread^2 + x'Cx / E^2)
 */
export function fittedJoules(model: EnergyModelRecord, spent: Spent): Range | null {
  const x = COEFFICIENTS.map((name) => spent[name] ?? 0);
  if (x.some((amount, i) => amount > 0 && model.coefficients[i] === null)) return null;
  const mid = sumOver((i) => (x[i] as number) * (model.coefficients[i] ?? 0));
  if (mid <= 0) return { low: 0, mid: 0, high: 0 };
  const variance = sumOver((i) =>
    sumOver((j) => (x[i] as number) * (model.covariance[i]?.[j] ?? 0) * (x[j] as number)),
  );
  const sd = Math.sqrt(model.spread ** 2 + Math.max(0, variance) / mid ** 2);
  const factor = Math.exp(t975(model.kernels) * sd);
  return { low: mid / factor, mid, high: mid * factor };
}

/** What counted work spends. Processors compute half precision in 32 bits (`OPERATION_COST`, model.ts). */
export function spentBy(model: EnergyModelRecord, seconds: number, work: readonly CountedWork[] | null): Spent {
  const spent: Spent = { idle: seconds };
  for (const { arithmetic, bytes, operations } of work ?? []) {
    const b = model.hardware === 'cpu' && arithmetic === 'f16' ? 'f32' : arithmetic;
    spent.awake = seconds;
    spent.byte = (spent.byte ?? 0) + bytes;
    spent[b] = (spent[b] ?? 0) + operations;
  }
  return spent;
}

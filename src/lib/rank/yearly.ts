import { JOULES_PER_KWH } from '../core/units';
import type { VariantResult } from '../schema/result';
import type { Range } from '../schema/run';

/** What a year of tickets takes, over what is not known of the device. */
export interface Yearly {
  kWh: Range;
  /** In the currency of the price. */
  money: Range;
  kgCO2e: Range;
}

/**
 * The energy of a year, its price and its emissions; null where a variant's joules are unknown.
 * @param o tickets a year, price of a kWh, grams of CO2e a kWh
 */
export function calculate(
  { energy, deviceRange }: Pick<VariantResult, 'energy' | 'deviceRange'>,
  o: { tickets: number; price: number; gramsPerKWh: number },
): Yearly | null {
  if (!energy || ![o.tickets, o.price, o.gramsPerKWh].every((x) => Number.isFinite(x) && x >= 0)) return null;
  const mid = (energy.mid * o.tickets) / JOULES_PER_KWH;
  const times = (factor: number): Range => ({
    low: mid * factor * (deviceRange?.low ?? 1),
    mid: mid * factor,
    high: mid * factor * (deviceRange?.high ?? 1),
  });
  return { kWh: times(1), money: times(o.price), kgCO2e: times(o.gramsPerKWh / 1000) };
}

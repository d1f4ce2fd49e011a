import { JOULES_PER_KWH } from '../core/units';
import { fixed, joulesInterval, LOCALE, significant } from './format';

/** Joules in another unit; null rates are unknown and stay so. */
export type EnergyUnit =
  | { kind: 'J' }
  | { kind: 'Wh' }
  /** Grams of CO2 equivalent a kWh of the chosen grid. */
  | { kind: 'gCO2e'; gramsPerKWh: number | null }
  | { kind: 'cost'; pricePerKWh: number | null; currency: string };

export const JOULES: EnergyUnit = { kind: 'J' };

interface Ends {
  mid: number;
  low: number | null;
  high: number | null;
}

/** Prices are said for this many tickets: one costs less than any coin. */
export const PRICED_TICKETS = 1_000_000;

const PREFIXES = [
  { from: 1, scale: 1, prefix: '' },
  { from: 1e-3, scale: 1e-3, prefix: 'm' },
  { from: 1e-6, scale: 1e-6, prefix: 'µ' },
  { from: 0, scale: 1e-9, prefix: 'n' },
] as const;

function spread(x: Ends, write: (value: number) => string, unit: string): string {
  // No ticket takes less than nothing.
  const at = (value: number) => write(Math.max(0, value));
  return x.low === null || x.high === null
    ? `${at(x.mid)}${unit} (no interval)`
    : `${at(x.mid)}${unit} (${at(x.low)} to ${at(x.high)})`;
}

const times = ({ mid, low, high }: Ends, factor: number): Ends => ({
  mid: mid * factor,
  low: low === null ? null : low * factor,
  high: high === null ? null : high * factor,
});

function prefixed(x: Ends, unit: string): string {
  const { scale, prefix } = PREFIXES.find(({ from }) => x.mid >= from) ?? PREFIXES[3];
  return spread(times(x, 1 / scale), (value) => significant(value), ` ${prefix}${unit}`);
}

/** Energy of one ticket in a unit, with its interval; cost for `PRICED_TICKETS` of them. */
export function energyInterval(x: Ends | null, unit: EnergyUnit): string {
  if (!x) return 'unknown';
  switch (unit.kind) {
    case 'J':
      return joulesInterval(x);
    case 'Wh':
      return prefixed(times(x, 1000 / JOULES_PER_KWH), 'Wh');
    case 'gCO2e':
      return unit.gramsPerKWh === null ? 'unknown' : prefixed(times(x, unit.gramsPerKWh / JOULES_PER_KWH), 'g');
    case 'cost': {
      if (unit.pricePerKWh === null) return 'unknown';
      const priced = times(x, (unit.pricePerKWh * PRICED_TICKETS) / JOULES_PER_KWH);
      const money = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: unit.currency });
      return spread(priced, (value) => money.format(value), '');
    }
    default:
      return unit satisfies never;
  }
}

/** Head of a column of such figures. */
export const ENERGY_HEAD: Readonly<Record<EnergyUnit['kind'], string>> = {
  J: 'Joules per ticket',
  Wh: 'Watt-hours per ticket',
  gCO2e: 'Grams CO₂e per ticket',
  cost: 'Electricity per million tickets',
};

/** The switch of units above a result. */
export const UNITS = {
  label: 'Energy as',
  kind: { J: 'joules', Wh: 'watt-hours', gCO2e: 'grams CO₂e', cost: 'cost of electricity' } satisfies Record<
    EnergyUnit['kind'],
    string
  >,
  source: 'Grid data',
  region: 'Region',
  choose: 'Choose',
  price: 'Price of a kWh',
  currency: 'Currency',
  reading: 'Reading the grid data.',
  intensity: (grams: number, region: string, source: string) =>
    `${fixed(grams, 0)} g CO₂e per kWh: ${region}, ${source}. Average of the year, not of this hour; making the device is not in it.`,
  noRegion: 'Choose a region: without one, grams are unknown.',
  noPrice: 'Enter what a kWh costs you: without it, cost is unknown.',
  cost: 'Electricity only: the device, its wear and your time are not in it.',
} as const;

import { formatJoules, JOULES_PER_KWH, jouleUnit } from '../core/units';
import { fixed, LOCALE, significant } from './format';

/**
 * In which unit energy is read. Whoever chose grams or cost but no region or price yet reads joules: a unit without its
 * rate is none.
 */
export type EnergyUnit =
  | { kind: 'J' }
  | { kind: 'Wh' }
  /** Grams of CO2 equivalent a kWh of the chosen grid. */
  | { kind: 'gCO2e'; gramsPerKWh: number }
  | { kind: 'cost'; pricePerKWh: number; currency: string };

export const JOULES: EnergyUnit = { kind: 'J' };

interface Ends {
  mid: number;
  low: number | null;
  high: number | null;
}

/** One ticket costs less than any coin, so its cost is said for this many. */
const PRICED_TICKETS = 1_000_000;

const PREFIXES = [
  { from: 1, scale: 1, prefix: '' },
  { from: 1e-3, scale: 1e-3, prefix: 'm' },
  { from: 1e-6, scale: 1e-6, prefix: 'µ' },
  { from: 0, scale: 1e-9, prefix: 'n' },
] as const;

/** How much of the unit one joule is, without a prefix. */
export function perJoule(unit: EnergyUnit): number {
  switch (unit.kind) {
    case 'J':
      return 1;
    case 'Wh':
      return 1000 / JOULES_PER_KWH;
    case 'gCO2e':
      return unit.gramsPerKWh / JOULES_PER_KWH;
    case 'cost':
      return unit.pricePerKWh / JOULES_PER_KWH;
    default:
      return unit satisfies never;
  }
}

/** Writes amounts about the size of `joules`, all with one prefix, so that an interval has one unit. */
function writer(joules: number, unit: EnergyUnit, digits: number): { at: (joules: number) => string; name: string } {
  const factor = perJoule(unit);
  // What rounds up to 1,000 of a unit is 1 of the next.
  const size = +(joules * factor).toPrecision(digits);
  if (unit.kind === 'cost') {
    const coins = size >= 1 ? {} : { minimumSignificantDigits: digits, maximumSignificantDigits: digits };
    const money = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: unit.currency, ...coins });
    return { at: (x) => money.format(x * factor), name: '' };
  }
  if (unit.kind === 'J') {
    const { scale, unit: name } = jouleUnit(joules);
    return { at: (x) => significant(x / scale, digits), name: ` ${name}` };
  }
  const { scale, prefix } = PREFIXES.find(({ from }) => size >= from) ?? PREFIXES[3];
  const name = ` ${prefix}${unit.kind === 'Wh' ? 'Wh' : 'g CO₂e'}`;
  return { at: (x) => significant((x * factor) / scale, digits), name };
}

/** An amount of energy with two digits: `0.31 J`, `86 µWh`, `41 µg CO₂e`, `€0.000026`. */
export function energyAmount(joules: number, unit: EnergyUnit): string {
  if (unit.kind === 'J') return formatJoules(joules);
  const { at, name } = writer(joules, unit, 2);
  return `${at(joules)}${name}`;
}

/**
 * What is not known of a device spans powers of ten, so each end has its own prefix and two digits:
 * `240 J (14 J to 2.5 kJ)`.
 */
export function energyRange(x: { low: number; mid: number; high: number }, unit: EnergyUnit): string {
  const [low, mid, high] = [x.low, x.mid, x.high].map((joules) => energyAmount(joules, unit));
  return `${mid} (${low} to ${high})`;
}

const priced = (joules: number, unit: EnergyUnit) => (unit.kind === 'cost' ? joules * PRICED_TICKETS : joules);

/** Joules of one ticket in the chosen unit, for an axis or a column that says "per ticket"; cost is that of a million tickets. */
export const ticketAmount = (joules: number, unit: EnergyUnit) => energyAmount(priced(joules, unit), unit);

/** `0.31 J per ticket`, `€26 per million tickets`. */
export const perTicket = (joules: number, unit: EnergyUnit) =>
  `${ticketAmount(joules, unit)} ${unit.kind === 'cost' ? 'per million tickets' : 'per ticket'}`;

/** Energy with its interval, in one unit for all three: `0.310 J (0.290 to 0.330)`. Nothing takes less than nothing: ends stop at 0. */
export function energyInterval(x: Ends | null, unit: EnergyUnit): string {
  if (!x) return 'unknown';
  const { at, name } = writer(x.mid, unit, 3);
  const end = (joules: number) => at(Math.max(0, joules));
  return x.low === null || x.high === null
    ? `${end(x.mid)}${name} (no interval)`
    : `${end(x.mid)}${name} (${end(x.low)} to ${end(x.high)})`;
}

/** The amount on an axis, whose title names the unit: `30 µg` of grams CO2e. */
export const tickAmount = (joules: number, unit: EnergyUnit) => ticketAmount(joules, unit).replace(' CO₂e', '');

/** Joules of one ticket with their unit; cost is that of a million. */
export const ticketInterval = (x: Ends | null, unit: EnergyUnit) =>
  energyInterval(
    x && {
      mid: priced(x.mid, unit),
      low: x.low === null ? null : priced(x.low, unit),
      high: x.high === null ? null : priced(x.high, unit),
    },
    unit,
  );

/** Head of a column of such figures. */
export const ENERGY_HEAD: Readonly<Record<EnergyUnit['kind'], string>> = {
  J: 'Joules per ticket',
  Wh: 'Watt-hours per ticket',
  gCO2e: 'Grams CO₂e per ticket',
  cost: 'Electricity per million tickets',
};

/** Joules of one ticket within a sentence. */
export const energyWords = ({ kind }: EnergyUnit) =>
  `${ENERGY_HEAD[kind].charAt(0).toLowerCase()}${ENERGY_HEAD[kind].slice(1)}`;

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
  noRegion: 'Choose a region: its grid says how many grams a kWh is. Until then figures stay in joules.',
  noPrice: 'Enter what a kWh costs you. Until then figures stay in joules.',
  cost: 'Electricity only: the device, its wear and your time are not in it.',
} as const;

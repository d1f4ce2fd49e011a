import { extremeHours, type Difference, type Ends, type WhatIfRow, type Workload } from '../rank/what-if';
import { isEstimated } from '../schema/run';
import { significant } from './format';
import { plainName } from './names';
import { RESULTS } from './results';

/** Units of kWh and of kg, largest first, so that neither a fleet nor a baseline takes more than a few digits. */
const UNITS = {
  energy: [['MWh', 1e3], ['kWh', 1], ['Wh', 1e-3], ['mWh', 1e-6], ['µWh', 1e-9]],
  mass: [['t', 1e3], ['kg', 1], ['g', 1e-3], ['mg', 1e-6], ['µg', 1e-9]],
} as const; // prettier-ignore

/** Writes amounts about as large as `size`, all in one unit. */
function writer(size: number, kind: keyof typeof UNITS): { unit: string; at: (x: number, digits?: number) => string } {
  const rounded = Math.abs(Number(size.toPrecision(2)));
  const [unit, scale] = UNITS[kind].find(([, least]) => rounded >= least) ?? UNITS[kind][4];
  return { unit, at: (x, digits = 2) => significant(x / scale, digits) };
}

const ended = ({ low, high }: Ends, at: (x: number) => string): string =>
  low === null || high === null ? ' (no interval)' : at(low) === at(high) ? '' : ` (${at(low)}–${at(high)})`;

/** `94 Wh (47–190)`; without an interval it says so. */
function amount(x: Ends | null, kind: keyof typeof UNITS): string {
  if (!x) return WHAT_IF.unknown;
  const { unit, at } = writer(x.mid, kind);
  return `${at(x.mid)} ${unit}${ended(x, at)}`;
}

/** Less than half a coin is none. */
const COIN = 0.01;
const money = (x: Ends | null): string =>
  !x
    ? WHAT_IF.unknown
    : (x.high ?? x.mid) < COIN / 2
      ? `under ${COIN}`
      : `${significant(x.mid, 2)}${ended(x, (n) => significant(n, 2))}`;

const MINUS = '\u2212';
const signed = (x: number, at: (x: number) => string) => `${x < 0 ? MINUS : '+'}${at(Math.abs(x))}`;
/** From here on, and down to its inverse, factors are said: "+900 %" and "−100 %" mislead. */
const FACTOR = 3;

/** `+120 Wh, +129 % (+126 to +132)`; factors where percents mislead. */
function difference(x: Difference | null): string {
  if (!x) return WHAT_IF.cannotTell;
  const { kWh, ratio } = x;
  const { unit, at } = writer(kWh.mid, 'energy');
  const share = (r: number) => signed(100 * (r - 1), (n) => significant(n, Math.abs(n) < 10 ? 2 : 3));
  const factor = (r: number) => significant(r, 2);
  const isFactor = ratio.high > FACTOR || ratio.low < 1 / FACTOR;
  const relative = isFactor
    ? `×${factor(ratio.mid)} (${factor(ratio.low)}–${factor(ratio.high)})`
    : `${share(ratio.mid)} % (${share(ratio.low)} to ${share(ratio.high)})`;
  return `${kWh.mid === 0 ? '0 Wh' : `${signed(kWh.mid, (n) => at(n))} ${unit}`}, ${relative}`;
}

/** A workload on this device and on others, in a year. */
export const WHAT_IF = {
  title: 'What if: a year of this work',
  table: 'Energy and emissions of a year by choice',
  tickets: 'Tickets a day',
  price: (currency: string) => `Price of a kWh, ${currency}`,
  noPrice: 'none',
  grid: 'Grid, g CO₂e a kWh',
  /** Ember, world average of 2024 (g CO2e a kWh), until a region is chosen above. */
  world: 473,
  columns: { variant: 'Variant', kWh: 'Energy a year', co2: 'CO₂e', against: 'Against the answer' },
  answer: 'answer',
  here: 'On this device',
  there: (device: string) => `On ${device}`,
  /** Behind a device's name: how its joules are known, and of what. */
  kind: (row: WhatIfRow) =>
    row.result
      ? `${isEstimated(row.result.tier) ? 'estimated' : 'measured'} (${row.result.tier}), ${RESULTS.boundary[row.result.boundary]}`
      : '',
  energy: (x: Ends | null) => amount(x, 'energy'),
  mass: (x: Ends | null) => amount(x, 'mass'),
  money,
  difference,
  unknown: 'unknown',
  cannotTell: 'cannot tell',
  notRun: 'not run there',
  /** The row that saves most against what the others are held against, or the answer alone; null without any. */
  sentence(rows: readonly WhatIfRow[], { ticketsPerDay }: Workload): string | null {
    const [first] = rows;
    if (!first?.yearly) return null;
    const { kWh } = first.yearly;
    const other = rows.find(({ role, where }) => role === 'reference' && where === 'here');
    const tickets = ticketsPerDay.toLocaleString('en');
    const takes = `At ${tickets} tickets a day ${plainName(first.variant)} takes ${amount(kWh, 'energy')} a year on this device`;
    if (!other?.difference) return `${takes}.`;
    const { low, mid, high } = other.difference.kWh;
    if (low <= 0 && high >= 0) return `${takes}; ${plainName(other.variant)} cannot be told from it.`;
    const { unit, at } = writer(mid, 'energy');
    const [least, most] = [Math.abs(low), Math.abs(high)].toSorted((a, b) => a - b) as [number, number];
    return `${takes}; ${plainName(other.variant)} takes ${at(Math.abs(mid))} ${unit} ${mid > 0 ? 'more' : 'less'} (95 %: ${at(least, 3)}–${at(most, 3)}, at the middle of the estimate).`;
  },
  byHour: 'Grid by hour',
  /** What there is, and what there is not. */
  noHours:
    'The grid data in this app (CO2.js: Ember, Electricity Maps) are averages of a year; none comes by hour, so no hour is shown. If you have 24 figures for your grid, midnight first, paste them: they replace the average.',
  hours: '24 figures, g CO₂e a kWh',
  badHours: '24 numbers are wanted, one for each hour.',
  /** The first row's emissions if all were answered in the best or the worst hour. */
  extremes(grid: Workload['grid'], kWh: number): string | null {
    const ends = extremeHours(grid);
    if (!ends) return null;
    const { cleanest, dirtiest } = ends;
    const at = ({ hour, grams }: typeof cleanest) =>
      `${String(hour).padStart(2, '0')}:00 (${significant(grams, 3)} g a kWh): ${amount({ low: null, mid: (kWh * grams) / 1000, high: null }, 'mass').replace(' (no interval)', '')}`;
    return `The table is for work at all hours alike. All of the answer’s work at ${at(cleanest)}; at ${at(dirtiest)}.`;
  },
  other: 'Another device',
  none: 'none',
  stored: (name: string, date: string) => `${name}, ${date}`,
  file: 'Its result file (JSON)',
  link: 'Its result link',
  add: 'Add',
  about:
    'Brackets: the 95 % interval of timing and what is not known of the device, together. "Against the answer" on one device is paired: both answered the same tickets side by side, so what is not known of the device is no part of it. Across devices it is not paired, and is told only where both did the same work and their joules are of one kind. Gross joules of answering alone: loading, idle time between tickets and making the device are not in it.',
  worldNote: 'The grid is the world’s average (Ember, 2024) until you choose a region or enter a figure.',
} as const;

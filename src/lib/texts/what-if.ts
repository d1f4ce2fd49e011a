import { extremeHours, type Difference, type Ends, type WhatIfRow, type Workload } from '../rank/what-if';
import { isEstimated } from '../schema/run';
import { significant } from './format';
import { plainName } from './names';
import { RESULTS } from './results';

/** `1.2 (0.5–2.6)`; without an interval it says so. */
function amount(x: Ends | null): string {
  if (!x) return WHAT_IF.unknown;
  const at = (n: number) => significant(n, 2);
  if (x.low === null || x.high === null) return `${at(x.mid)} (no interval)`;
  return x.low === x.high ? at(x.mid) : `${at(x.mid)} (${at(x.low)}–${at(x.high)})`;
}

const MINUS = '\u2212';
const signed = (x: number, digits = 2) => `${x < 0 ? MINUS : '+'}${significant(Math.abs(x), digits)}`;
/** From here on, and down to its inverse, factors are said: "+900 %" and "−100 %" mislead. */
const FACTOR = 3;

/** `+1.1 kWh (+0.9 to +1.3), ×1.7`; percents where they are small. */
function difference(x: Difference | null): string {
  if (!x) return WHAT_IF.cannotTell;
  const { kWh, ratio } = x;
  const share = (r: number) => signed(100 * (r - 1));
  const factor = (r: number) => significant(r, 2);
  const isFactor = ratio.high > FACTOR || ratio.low < 1 / FACTOR;
  const relative = isFactor
    ? `×${factor(ratio.mid)} (${factor(ratio.low)}–${factor(ratio.high)})`
    : `${share(ratio.mid)} % (${share(ratio.low)} to ${share(ratio.high)})`;
  return `${signed(kWh.mid)} kWh, ${relative}`;
}

/** A workload on this device and on others, in a year. */
export const WHAT_IF = {
  title: 'What if: a year of this work',
  tickets: 'Tickets a day',
  price: (currency: string) => `Price of a kWh, ${currency}`,
  noPrice: 'none',
  grid: 'Grid, g CO₂e a kWh',
  /** Ember, world average of 2024 (g CO2e a kWh), until a region is chosen above. */
  world: 473,
  columns: { variant: 'Variant', kWh: 'kWh a year', co2: 'kg CO₂e', against: 'Against the answer' },
  role: { answer: 'answer', reference: 'widest', baseline: 'baseline' } satisfies Record<WhatIfRow['role'], string>,
  here: 'On this device',
  there: (device: string) => `On ${device}`,
  /** Behind a device's name: how its joules are known, and of what. */
  kind: (row: WhatIfRow) =>
    row.result
      ? `${isEstimated(row.result.tier) ? 'estimated' : 'measured'} (${row.result.tier}), ${RESULTS.boundary[row.result.boundary]}`
      : '',
  amount,
  difference,
  unknown: 'unknown',
  cannotTell: 'cannot tell',
  notRun: 'not run there',
  same: '',
  /** The row that saves most against what the others are held against, or the answer alone; null without any. */
  sentence(rows: readonly WhatIfRow[], { ticketsPerDay }: Workload): string | null {
    const [first] = rows;
    if (!first?.yearly) return null;
    const { kWh } = first.yearly;
    const other = rows.find(({ role, where }) => role === 'reference' && where === 'here');
    const tickets = ticketsPerDay.toLocaleString('en');
    const takes = `At ${tickets} tickets a day ${plainName(first.variant)} takes ${amount(kWh)} kWh a year on this device`;
    if (!other?.difference) return `${takes}.`;
    const { kWh: more } = other.difference;
    const [low, high] = [Math.min(more.low, more.high), Math.max(more.low, more.high)];
    if (low <= 0 && high >= 0) return `${takes}; ${plainName(other.variant)} cannot be told from it.`;
    const sure = `${significant(Math.min(Math.abs(low), Math.abs(high)), 2)}–${significant(Math.max(Math.abs(low), Math.abs(high)), 2)}`;
    return `${takes}; ${plainName(other.variant)} takes ${significant(Math.abs(more.mid), 2)} kWh ${more.mid > 0 ? 'more' : 'less'} (95 %: ${sure}, at the middle of the estimate).`;
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
      `${String(hour).padStart(2, '0')}:00 (${significant(grams, 3)} g a kWh): ${significant((kWh * grams) / 1000, 2)} kg`;
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
  world_note: 'The grid is the world’s average (Ember, 2024) until you choose a region or enter a figure.',
} as const;

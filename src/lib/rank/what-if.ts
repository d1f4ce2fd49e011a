import { JOULES_PER_KWH } from '../core/units';
import type { VariantResult } from '../schema/result';
import type { Range } from '../schema/run';
import { compareDevices, type DeviceResults } from './compare';
import type { DecidedRow, Decision } from './decide';

const DAYS = 365;
export const HOURS = 24;

/** A mid value; its ends are null where no interval is known. */
export interface Ends {
  low: number | null;
  mid: number;
  high: number | null;
}

/** What a year of tickets takes: gross, answering alone. */
export interface Yearly {
  kWh: Ends;
  /** In the currency of the price; null without a price. */
  money: Ends | null;
  /** Null without the grid's intensity. */
  kgCO2e: Ends | null;
}

/** What one choice takes more, or less where it is negative, than what the answer on this device takes. */
export interface Difference {
  /** Joules over the answer's, 95 %. */
  ratio: Range;
  /** kWh a year: the answer's middle times ratio - 1. */
  kWh: Range;
  /**
   * Whether both answered the same tickets side by side: then what is not known of the device is alike for both and falls
   * out. If not, it is in the ratio's ends, for both devices.
   */
  paired: boolean;
}

export interface Workload {
  ticketsPerDay: number;
  /** Price of a kWh; null = not asked for. */
  price: number | null;
  /** Grams of CO2e a kWh: one figure for the year, or one for each hour of a day; null = not known. */
  grid: number | readonly number[] | null;
}

export interface WhatIfRow {
  where: 'here' | 'there';
  variant: string;
  /** Null where that device did not run it. */
  result: VariantResult | null;
  /** Why this row stands here. */
  role: 'answer' | 'reference' | 'baseline';
  /** Null where joules, or the number of tickets, are unknown. */
  yearly: Yearly | null;
  /** Null for what the others are held against, and where nothing can be told. */
  difference: Difference | null;
}

const isAmount = (x: number) => Number.isFinite(x) && x >= 0;

/** Mean of a day's hours, or the one figure; null where one of them is unknown or none. */
export function meanIntensity(grid: Workload['grid']): number | null {
  const all = typeof grid === 'number' ? [grid] : (grid ?? []);
  return all.length > 0 && all.every(isAmount) ? all.reduce((a, x) => a + x, 0) / all.length : null;
}

/** The hours, 0 to 23, at which a day's grid is cleanest and dirtiest; null without one figure for each hour. */
export function extremeHours(
  grid: Workload['grid'],
): Record<'cleanest' | 'dirtiest', { hour: number; grams: number }> | null {
  if (grid === null || typeof grid === 'number' || grid.length !== HOURS || !grid.every(isAmount)) return null;
  const at = (grams: number) => ({ hour: grid.indexOf(grams), grams });
  return { cleanest: at(Math.min(...grid)), dirtiest: at(Math.max(...grid)) };
}

/** The 24 figures of a text, one for each hour from midnight on, parted by anything but digits and points; null where there are not 24. */
export function hoursIn(text: string): number[] | null {
  const all = text
    .trim()
    .split(/[^\d.]+/)
    .filter(Boolean)
    .map(Number);
  return all.length === HOURS && all.every(isAmount) ? all : null;
}

/**
 * Joules a ticket with all that is not known of them: the 95 % interval of timing, times what is not known of the device.
 * Ends are null where neither is known.
 */
function whole({ energy, deviceRange }: Pick<VariantResult, 'energy' | 'deviceRange'>): Ends | null {
  if (!energy) return null;
  const { low, mid, high } = energy;
  if (low === null && high === null && !deviceRange) return { low: null, mid, high: null };
  return {
    low: Math.max(0, low ?? mid) * (deviceRange?.low ?? 1),
    mid,
    high: (high ?? mid) * (deviceRange?.high ?? 1),
  };
}

const times = ({ low, mid, high }: Ends, factor: number): Ends => ({
  low: low === null ? null : low * factor,
  mid: mid * factor,
  high: high === null ? null : high * factor,
});

/** kWh, money and emissions of a year; null where joules or the number of tickets are unknown. */
export function yearlyOf(
  result: Pick<VariantResult, 'energy' | 'deviceRange'>,
  { ticketsPerDay, price, grid }: Workload,
): Yearly | null {
  const joules = whole(result);
  if (!joules || !isAmount(ticketsPerDay)) return null;
  const kWh = times(joules, (ticketsPerDay * DAYS) / JOULES_PER_KWH);
  const grams = meanIntensity(grid);
  return {
    kWh,
    money: price === null || !isAmount(price) ? null : times(kWh, price),
    kgCO2e: grams === null ? null : times(kWh, grams / 1000),
  };
}

const inKWh = (ratio: Range, against: Yearly | null): Range | null => {
  if (!against) return null;
  const of = (r: number) => against.kWh.mid * (r - 1);
  return { low: of(ratio.low), mid: of(ratio.mid), high: of(ratio.high) };
};

/** Rows of one device side by side: the contrast of its fit. */
function paired(row: DecidedRow, against: Yearly | null): Difference | null {
  if (!row.energy) return null;
  const { low, mid, high } = row.energy;
  const kWh = inKWh({ low, mid, high }, against);
  return kWh && { ratio: { low, mid, high }, kWh, paired: true };
}

/**
 * Two devices: errors of timing are independent, and what is not known of either device stays in. Null where joules are of
 * different kinds, or an interval is missing.
 */
function unpaired(here: VariantResult, there: VariantResult, against: Yearly | null): Difference | null {
  const [a, b] = [here.energy, there.energy];
  if (!a || !b || here.tier !== there.tier || here.boundary !== there.boundary) return null;
  if (a.high === null || b.high === null || !(a.mid > 0) || !(b.mid > 0)) return null;
  const half = Math.hypot(Math.log(a.high / a.mid), Math.log(b.high / b.mid));
  const mid = b.mid / a.mid;
  const end = (side: 'low' | 'high', other: 'low' | 'high') =>
    (there.deviceRange?.[side] ?? 1) / (here.deviceRange?.[other] ?? 1);
  const ratio = {
    low: mid * Math.exp(-half) * end('low', 'high'),
    mid,
    high: mid * Math.exp(half) * end('high', 'low'),
  };
  const kWh = inKWh(ratio, against);
  return kWh && { ratio, kWh, paired: false };
}

/**
 * This workload in a year: the answer (without one, the leanest), the reference and the baseline on this device, and the same
 * variants on another one.
 *
 * @param there results of another device, and how both compare; none = this device alone
 * @returns rows, this device's first, and in sentences why the other's are not the same work
 */
export function whatIf(
  decision: Decision,
  load: Workload,
  there: { here: DeviceResults; there: DeviceResults } | null = null,
): { rows: WhatIfRow[]; warnings: string[] } {
  const first = decision.answer ?? decision.against;
  if (!first) return { rows: [], warnings: [] };
  const base = yearlyOf(first.result, load);
  const own = [
    { row: first, role: 'answer' as const },
    { row: decision.reference, role: 'reference' as const },
    { row: decision.baseline, role: 'baseline' as const },
  ].flatMap(({ row, role }) => (row && (row === first) === (role === 'answer') ? [{ row, role }] : []));
  const rows = own.map(({ row, role }): WhatIfRow => {
    const { result } = row;
    const difference = row === first ? null : paired(row, base);
    return { where: 'here', variant: result.variant, result, role, yearly: yearlyOf(result, load), difference };
  });
  if (!there) return { rows, warnings: [] };
  const comparison = compareDevices([there.here, there.there]);
  const sameWork = comparison.works[0] === comparison.works[1];
  const others = own.map(({ row: { result }, role }): WhatIfRow => {
    const other = comparison.rows.find(({ variant }) => variant === result.variant)?.cells[1] ?? null;
    return {
      where: 'there',
      variant: result.variant,
      result: other,
      role,
      yearly: other && yearlyOf(other, load),
      difference: other && sameWork ? unpaired(first.result, other, base) : null,
    };
  });
  return { rows: [...rows, ...others], warnings: comparison.warnings };
}

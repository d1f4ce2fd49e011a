import { formatJoules } from '../core/units';

/** Numbers, units, dates and lists as people read them. Unknown is "unknown" or empty, never 0. */

/** Language of the texts, and so of the numbers within them. */
export const LOCALE = 'en';

interface Ends {
  mid: number;
  low: number | null;
  high: number | null;
}

const formats = new Map<number, Intl.NumberFormat>();

/** With exactly `places` after the point; no grouping, so that figures in tables keep their width. */
export function fixed(x: number, places: number): string {
  let format = formats.get(places);
  if (!format) {
    format = new Intl.NumberFormat(LOCALE, {
      minimumFractionDigits: places,
      maximumFractionDigits: places,
      useGrouping: false,
    });
    formats.set(places, format);
  }
  return format.format(x);
}

/** A count: whole, grouped (`12,345`). */
export const whole = (n: number) => new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 }).format(n);

/** `digits` significant ones, or the whole number where it has more, without an exponent. */
export function significant(x: number, digits = 3): string {
  if (x === 0) return '0';
  // Of the rounded number: 9.996 has one place fewer than 9.99.
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(+x.toPrecision(digits)))));
  return fixed(x, Math.min(places, 12));
}

/** `0.72 (0.65 to 0.79)` with a fixed number of places. */
export function interval(x: Ends | null, places = 3): string {
  if (!x) return 'unknown';
  const at = (value: number) => fixed(value, places);
  return x.low === null || x.high === null
    ? `${at(x.mid)} (no interval)`
    : `${at(x.mid)} (${at(x.low)} to ${at(x.high)})`;
}

export const joules = formatJoules;

/** Seconds per ticket and the like. */
export function seconds(s: number): string {
  if (s < 1e-3) return `${significant(s * 1e6, 2)} µs`;
  if (s < 1) return `${significant(s * 1e3, 3)} ms`;
  return s < 120 ? `${significant(s, 3)} s` : duration(s);
}

/** Time left: coarse on purpose, so that it does not pretend. */
export function duration(s: number): string {
  if (s < 10) return 'under 10 s';
  if (s < 90) return `${Math.round(s / 10) * 10} s`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min`;
  const minutes = Math.round(s / 600) * 10;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}

export function bytes(n: number | null): string {
  if (n === null) return 'unknown';
  if (n < 2 ** 20) return `${significant(n / 2 ** 10, 2)} KiB`;
  return n < 2 ** 30 ? `${significant(n / 2 ** 20)} MiB` : `${significant(n / 2 ** 30)} GiB`;
}

export const percent = (share: number | null) =>
  share === null ? 'unknown' : `${share > 0 && share < 0.01 ? '<1' : Math.round(share * 100)} %`;

const PLURAL = new Intl.PluralRules(LOCALE);

export const plural = (n: number, one: string, many = `${one}s`) => `${n} ${PLURAL.select(n) === 'one' ? one : many}`;

/** `a, b and c`. */
export const listed = (items: readonly string[]) =>
  items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

/** ISO 8601 as local date and time; what is no date stays as it is, as text. */
export function dateTime(iso: string, locale?: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time)
    ? iso
    : new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
}

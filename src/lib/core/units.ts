/**
 * Branded units: a number that crosses a module border says what it counts.
 * Arithmetic gives a plain `number` again; wrap the result where its unit is known.
 */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

export type Joules = Unit<'J'>;
export type Watts = Unit<'W'>;
export type Seconds = Unit<'s'>;
export type Milliseconds = Unit<'ms'>;
export type Bytes = Unit<'B'>;
/** Floating-point (or integer) operations; a multiply-add counts as two. */
export type Operations = Unit<'operation'>;

export const joules = (n: number) => n as Joules;
export const watts = (n: number) => n as Watts;
export const seconds = (n: number) => n as Seconds;
export const milliseconds = (n: number) => n as Milliseconds;
export const bytes = (n: number) => n as Bytes;
export const operations = (n: number) => n as Operations;

export const JOULES_PER_KWH = 3.6e6;

/** From this many joules on, in units of that many. */
const JOULE_UNITS = [
  { from: 1e3, scale: 1e3, unit: 'kJ' },
  { from: 1e-2, scale: 1, unit: 'J' },
  { from: 1e-5, scale: 1e-3, unit: 'mJ' },
  { from: 0, scale: 1e-6, unit: 'µJ' },
] as const;

/** The unit that keeps `x` joules readable, to two digits: 999.6 J is 1 kJ. */
export const jouleUnit = (x: number) => JOULE_UNITS.find(({ from }) => +x.toPrecision(2) >= from) ?? JOULE_UNITS[3];

/** Two significant digits with their unit. */
export function formatJoules(x: number): string {
  if (x <= 0) return '0 J';
  const { scale, unit } = jouleUnit(x);
  return `${Number((x / scale).toPrecision(2))} ${unit}`;
}

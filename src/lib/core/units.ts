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
export type Flops = Unit<'FLOP'>;

export const joules = (n: number) => n as Joules;
export const watts = (n: number) => n as Watts;
export const seconds = (n: number) => n as Seconds;
export const milliseconds = (n: number) => n as Milliseconds;
export const bytes = (n: number) => n as Bytes;
export const flops = (n: number) => n as Flops;

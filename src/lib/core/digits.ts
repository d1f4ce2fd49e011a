/** x = digits x 10^exponent with the fewest digits. */
export function decimal(x: number): { digits: string; exponent: number } {
  const [digits = '0', exponent] = x.toExponential().split('e');
  return { digits, exponent: Number(exponent) };
}

/** x / 10^place, a whole number by the choice of the place; exact, as it goes through decimal text. */
export const inUnitsOf = (place: number, x: number) => {
  const { digits, exponent } = decimal(x);
  return Number(`${digits}e${exponent - place}`);
};

/** Significant digits of a number whose uncertainty is not known. */
const DIGITS = 4;
/** Counts up to here stay exact. */
const EXACT = 1e6;
/** More digits than this between the largest end and the last place mean nothing. */
const MOST_DIGITS = 8;

/** To four significant digits. */
export const stateNumber = (x: number) =>
  Number.isInteger(x) && Math.abs(x) < EXACT ? x : Number(x.toPrecision(DIGITS));

/** Power of ten of the first digit. */
const magnitude = (x: number) => decimal(x).exponent;

const roundAt = (place: number, x: number) => Number(`${Math.round(inUnitsOf(place, x))}e${place}`);

/** An estimate (with `n`), or a range of what is not known; ends are null where there is no interval. */
interface Ends {
  low: number | null;
  mid: number;
  high: number | null;
  n?: number;
}

/**
 * An estimate is stated to two digits of its uncertainty (GUM, 7.2.6), but to no fewer than three of its value: 0.72346
 * in 0.6516-0.7912 becomes 0.723 in 0.652-0.791. Wider digits are noise, and noise does not deflate. A range (what is
 * not known of the device) is stated likewise, and to two digits of its lower end, which may be far below the middle.
 * What was stated stays as it is: who gets it, and states it again, sees the same. So does what is not finite.
 */
export function stateEstimate<T extends Ends>(estimate: T): T {
  if (![estimate.low ?? 0, estimate.mid, estimate.high ?? 0].every(Number.isFinite)) return estimate;
  // Rounding may widen the interval by a digit, and then the place moves once more; it only ever moves up.
  for (let stated = estimate; ;) {
    const next = { ...stated, ...stateOnce(stated) };
    if (next.low === stated.low && next.mid === stated.mid && next.high === stated.high) return stated;
    stated = next;
  }
}

function stateOnce(estimate: Ends): Omit<Ends, 'n'> {
  const { low, mid, high } = estimate;
  const half = low === null || high === null ? 0 : Math.max(mid - low, high - mid);
  if (low === null || high === null || !(half > 0)) {
    const end = (x: number | null) => (x === null ? null : stateNumber(x));
    return { low: end(low), mid: stateNumber(mid), high: end(high) };
  }
  const finest = magnitude(Math.max(Math.abs(low), Math.abs(mid), Math.abs(high))) - MOST_DIGITS;
  const places = [
    magnitude(half) - 1,
    mid === 0 ? Infinity : magnitude(mid) - 2,
    'n' in estimate || low === 0 ? Infinity : magnitude(low) - 1,
  ];
  const place = Math.max(finest, Math.min(...places));
  const end = (x: number) => (x === 0 ? 0 : roundAt(Math.max(place, magnitude(x) - DIGITS + 1), x));
  return { low: end(low), mid: end(mid), high: end(high) };
}

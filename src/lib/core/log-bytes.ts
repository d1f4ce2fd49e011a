/**
 * Positive numbers as one byte each, by their logarithm: what an uncertainty needs. Byte 0 is exactly 0, byte 255 is
 * unknown, 1 to 254 span 1e-5 to 10 in equal steps of 5.6 % (so a number moves by 2.8 % at most); beyond, the nearest end.
 */
const [LOW, HIGH] = [Math.log(1e-5), Math.log(10)];
const STEPS = 253;
const UNKNOWN = 255;

/** The byte of a number >= 0, or of null for unknown. */
export function logByte(x: number | null): number {
  if (x === null || !Number.isFinite(x)) return UNKNOWN;
  if (x <= 0) return 0;
  return 1 + Math.round((STEPS * Math.min(Math.max(Math.log(x) - LOW, 0), HIGH - LOW)) / (HIGH - LOW));
}

/** The number that a byte stands for; null where it is unknown. */
export const fromLogByte = (byte: number): number | null =>
  byte === UNKNOWN ? null : byte === 0 ? 0 : Math.exp(LOW + ((byte - 1) * (HIGH - LOW)) / STEPS);

/** Bytes as base64url text, without padding. */
export const toText = (bytes: readonly number[]): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

/** Bytes of base64url text; the empty list where it is none. */
export function fromText(text: string): number[] {
  try {
    return Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  } catch {
    return [];
  }
}

/** A symmetric table of n x n with an empty diagonal, its upper triangle row by row as text of one byte a pair. */
export const pairsToText = (n: number, of: (i: number, j: number) => number | null): string =>
  toText(
    Array.from({ length: n }, (_, i) => Array.from({ length: n - i - 1 }, (__, k) => logByte(of(i, i + 1 + k)))).flat(),
  );

/** What `pairsToText` wrote: the number of pair i, j in either order; 0 on the diagonal, null where it is unknown or missing. */
export function pairsFromText(n: number, text: string): (i: number, j: number) => number | null {
  const bytes = fromText(text);
  return (i, j) => {
    if (i === j) return 0;
    const [a, b] = i < j ? [i, j] : [j, i];
    return fromLogByte(bytes[a * n - (a * (a + 1)) / 2 + (b - a - 1)] ?? UNKNOWN);
  };
}

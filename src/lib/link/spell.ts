/**
 * Whole numbers as text of few characters: digits of base 92. JSON needs not escape them, and deflate makes of a digit
 * about the six and a half bits that it holds, where a decimal digit with its share of commas takes more.
 */

/** Printable ASCII without the quotation mark and the backslash. */
const DIGITS = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i))
  .filter((character) => character !== '"' && character !== '\\')
  .join('');
const BASE = DIGITS.length;
/** Of a number of unknown length all digits but the last are of the upper half. */
const HALF = BASE / 2;

const digit = (x: number) => DIGITS.charAt(x);

/** Remainders are exact where quotients of large numbers are not. */
const without = (x: number, base: number) => (x - (x % base)) / base;

/** One number that ends by itself; its double must be a safe integer. */
export function spellNumber(x: number): string {
  // 0, -1, 1, -2, 2, ...: small ones are short, whatever their sign.
  const folded = x < 0 ? -2 * x - 1 : 2 * x;
  let text = digit(folded % HALF);
  for (let rest = without(folded, HALF); rest > 0; rest = without(rest, HALF))
    text = digit(HALF + (rest % HALF)) + text;
  return text;
}

/** Digits that `count` numbers below `radix` take together. */
function widthOf(radix: number, count: number): number {
  let width = 0;
  for (let left = BigInt(radix) ** BigInt(count) - 1n; left > 0n; left /= BigInt(BASE)) width++;
  return width;
}

/**
 * Numbers as the least of them, how many values there are from it to the largest, and the distances from it as the
 * digits of one number: twelve of 0 to 599 take 17 characters, where two for each would be 24. Null: too large.
 */
export function spellNumbers(list: readonly number[]): string | null {
  const least = list.reduce((a, x) => Math.min(a, x), Infinity);
  const distances = list.map((x) => x - least);
  const radix = distances.reduce((a, x) => Math.max(a, x), 0) + 1;
  if (![2 * least, 2 * radix, ...list].every(Number.isSafeInteger)) return null;
  let whole = distances.reduce((all, x) => all * BigInt(radix) + BigInt(x), 0n);
  let text = '';
  for (const width = widthOf(radix, list.length); text.length < width; whole /= BigInt(BASE))
    text = digit(Number(whole % BigInt(BASE))) + text;
  return spellNumber(least) + spellNumber(radix) + text;
}

/** Reads what the two above wrote, one after the other. Null: the text holds no such thing. */
export function numberReader(text: string) {
  let at = 0;
  const number = (): number | null => {
    let folded = 0;
    for (;;) {
      const place = at < text.length ? DIGITS.indexOf(text.charAt(at)) : -1;
      at++;
      if (place < 0) return null;
      folded = folded * HALF + (place % HALF);
      if (!Number.isSafeInteger(folded)) return null;
      if (place < HALF) return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
    }
  };
  return {
    number,
    numbers(length: number): number[] | null {
      const [least, radix] = [number(), number()];
      if (least === null || radix === null || radix < 1) return null;
      let whole = 0n;
      for (const end = at + widthOf(radix, length); at < end; at++) {
        const place = at < text.length ? DIGITS.indexOf(text.charAt(at)) : -1;
        if (place < 0) return null;
        whole = whole * BigInt(BASE) + BigInt(place);
      }
      const list: number[] = [];
      for (let i = 0; i < length; i++, whole /= BigInt(radix)) list.unshift(least + Number(whole % BigInt(radix)));
      return whole === 0n && list.every(Number.isSafeInteger) ? list : null;
    },
    get ended() {
      return at === text.length;
    },
  };
}

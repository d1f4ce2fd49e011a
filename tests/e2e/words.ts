import { bytes, duration, joules, whole } from '../../src/lib/texts/format';

/**
 * Texts of the interface as patterns: a test calls the function that makes a sentence with what it knows, and with `SOME`
 * and `ANY` for what it does not. `like(LIVE.at(SOME, 18, ANY))` is any run of 18, whatever the words around the numbers.
 */

/** Any number in a text, also as bytes, joules or seconds. */
export const SOME = 987_654_321;

/** Any words in a text. */
export const ANY: string = '\ue000';

/** What texts make of them. */
const MARKS: readonly [mark: string, pattern: string][] = [
  [whole(SOME), '[\\d,]+'],
  [String(SOME), '[\\d.]+'],
  [bytes(SOME), '[\\d.]+ [KMG]iB'],
  [joules(SOME), '[\\d.]+ [nµmkM]?J'],
  [duration(SOME), '(?:under )?[\\d.]+ (?:µs|ms|s|min|h)(?: \\d+ min)?'],
  [ANY, '.+'],
];

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** One of the texts, as part of a pattern. */
export const source = (...texts: readonly string[]): string =>
  `(?:${texts
    .map((text) => MARKS.reduce((all, [mark, pattern]) => all.replaceAll(escaped(mark), pattern), escaped(text)))
    .join('|')})`;

/** One of the texts, whatever is before and after it. */
export const like = (...texts: readonly string[]): RegExp => new RegExp(source(...texts));

/** One of the texts, whatever is after it. */
export const begins = (...texts: readonly string[]): RegExp => new RegExp(`^\\s*${source(...texts)}`);

/** One of the texts, and nothing else. */
export const exactly = (...texts: readonly string[]): RegExp => new RegExp(`^\\s*${source(...texts)}\\s*$`);

/** A text of a table whose keys are not all known. */
export function entry(texts: Readonly<Record<string, string>>, key: string): string {
  const text = texts[key];
  if (text === undefined) throw new Error(`there is no text for ${key}`);
  return text;
}

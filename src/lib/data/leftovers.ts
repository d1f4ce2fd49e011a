import { isOrdinary } from './ordinary';

/** What is probably left of names: two or three capitalised words, with the texts that hold them. */
export interface Leftover {
  words: string;
  /** Texts that hold it. */
  count: number;
}

/** Texts that are looked through, and pairs and small words that are kept in mind: a large file tells no more. */
const MOST_TEXTS = 20_000;
const MOST_PAIRS = 20_000;
const MOST_WORDS = 100_000;
const SHOWN = 60;

const WORD = "\\p{Lu}\\p{Ll}[\\p{L}\\p{M}]{0,24}(?:['’-][\\p{L}\\p{M}]{1,24}){0,2}";
const PAIR = new RegExp(
  `(?<![\\p{L}\\p{M}\\p{N}_-])(?:${WORD}|\\p{Lu}\\.)(?:[ \\t]{1,2}(?:van|von|de|da|del|di|al|bin)?[ \\t]?${WORD}){1,2}(?![\\p{N}_-])`,
  'gu',
);
const SMALL = /(?<![\p{L}\p{M}])\p{Ll}[\p{L}\p{M}]{2,24}/gu;

/**
 * Counts capitalised pairs that redaction left: none of their words is an ordinary one, or is written small anywhere in
 * the same file. Memory and time are bounded: the first 20,000 texts are looked at.
 */
export class Leftovers {
  readonly #pairs = new Map<string, number>();
  readonly #small = new Set<string>();
  #texts = 0;

  add(text: string): void {
    if (++this.#texts > MOST_TEXTS) return;
    if (this.#small.size < MOST_WORDS) for (const [word] of text.matchAll(SMALL)) this.#small.add(word);
    for (const words of new Set(Array.from(text.matchAll(PAIR), ([pair]) => pair.replace(/\s+/g, ' '))))
      if (!words.split(' ').some(isOrdinary) && (this.#pairs.has(words) || this.#pairs.size < MOST_PAIRS))
        this.#pairs.set(words, (this.#pairs.get(words) ?? 0) + 1);
  }

  /** Most frequent first, at most 60. */
  get list(): Leftover[] {
    return [...this.#pairs]
      .filter(([words]) => !words.split(' ').some((word) => this.#small.has(word.toLowerCase())))
      .map(([words, count]) => ({ words, count }))
      .sort((a, b) => b.count - a.count || (a.words < b.words ? -1 : 1))
      .slice(0, SHOWN);
  }
}

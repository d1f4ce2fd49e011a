import { JoulewiseError } from '../core/errors';
import type { RedactionKind } from './redact';

const TOKENS = /[\p{L}\p{M}\p{N}]+/gu;
/** More are no list of names but a file of something else; and so is a line that long. */
const MAX_WORDS = 200_000;
const LONGEST = 80;

/** A word that is written small is meant in any case; a capital is meant as one, or in capitals throughout. */
const keysOf = (word: string) => (word === word.toLowerCase() ? [] : [word, word.toUpperCase()]);

/**
 * A list of the user's own, one name or word a line, that is hidden wherever it stands as whole words. Time to search is
 * linear in the text's length, however long the list is.
 */
export class OwnWords {
  /** Entries by their first token, longest first. */
  readonly #any = new Map<string, string[]>();
  readonly #cased = new Map<string, string[]>();

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const small = keysOf(entry).length === 0;
      for (const key of small ? [entry] : keysOf(entry)) {
        const [first] = key.match(TOKENS) ?? [];
        if (first === undefined) continue;
        const map = small ? this.#any : this.#cased;
        map.set(
          first,
          [...(map.get(first) ?? []), key].sort((a, b) => b.length - a.length),
        );
      }
    }
  }

  /** Where entries stand, in order and without overlap; offsets are UTF-16. */
  search(text: string): { kind: RedactionKind; start: number; end: number }[] {
    const found: { kind: RedactionKind; start: number; end: number }[] = [];
    let at = 0;
    TOKENS.lastIndex = 0;
    for (let match = TOKENS.exec(text); match; match = TOKENS.exec(text)) {
      if (match.index < at) continue;
      const start = match.index;
      const fits = (entry: string, said: string) => {
        const lead = entry.search(/[\p{L}\p{M}\p{N}]/u);
        const rest = entry.slice(lead);
        return said === rest && !/[\p{L}\p{M}\p{N}]/u.test(text.charAt(start + rest.length)) ? rest.length : 0;
      };
      const longest = (map: ReadonlyMap<string, string[]>, token: string, small: boolean) => {
        for (const entry of map.get(token) ?? []) {
          const said = text.slice(start, start + entry.length);
          const n = fits(entry, small ? said.toLowerCase() : said);
          if (n > 0) return n;
        }
        return 0;
      };
      const n = Math.max(longest(this.#cased, match[0], false), longest(this.#any, match[0].toLowerCase(), true));
      if (n === 0) continue;
      at = start + n;
      found.push({ kind: 'listed', start, end: at });
    }
    return found;
  }
}

/**
 * Entries of a text file: one a line, without empty lines and comments (#). Throws `input.format` where lines are too long
 * or too many to be names.
 */
export function parseOwnWords(text: string): string[] {
  const entries = text
    .split(/\r?\n/)
    .map((line) => line.normalize('NFC').trim())
    .filter((line) => line.length > 1 && !line.startsWith('#'));
  if (entries.length > MAX_WORDS || entries.some((line) => line.length > LONGEST))
    throw new JoulewiseError(
      'input.format',
      `A list of words to hide has one name or word a line, of at most ${LONGEST} characters and ${MAX_WORDS} lines: this file has others.`,
    );
  return [...new Set(entries)];
}

/** Tokenizers of the reference implementations, character class by character class, and the counting they share. */

/**
 * What Python's str.split() and str.isspace() call white space. It differs from \s in JavaScript: it has the
 * separators 1C-1F and 85, and lacks FEFF.
 */
const PYTHON_SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACES = new RegExp(`[${PYTHON_SPACE}]+`, 'gu');
const TRAILING_SPACES = new RegExp(`[${PYTHON_SPACE}]+$`, 'u');

/** str.split(): words between runs of white space. */
export const splitWords = (text: string): string[] => text.split(SPACES).filter((word) => word !== '');

/** ''.join(text.split()), as code points: what chrF takes its n-grams from. */
export const solidCodePoints = (text: string): string[] => Array.from(text.replace(SPACES, ''));

/** rouge_score.tokenize without stemmer: lower case, runs of a-z0-9; every other character separates. */
export const rougeTokens = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

/** Written without spaces between words: each sign is taken as a word, as multilingual ROUGE does. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const UNICODE_WORDS = new RegExp(`[${UNSPACED}]\\p{M}*|(?:(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}])+`, 'gu');

/** Words of any script: lower case, composed (NFC), runs of letters, marks and digits; signs of scripts without spaces one by one. */
export const unicodeTokens = (text: string): string[] => text.normalize('NFC').toLowerCase().match(UNICODE_WORDS) ?? [];

/** How words of texts are told apart: `ascii` as rouge-score does it, `unicode` where that would lose them. */
export type Words = 'ascii' | 'unicode';

/** Share of texts that may be lost to a tokenizer of a-z and 0-9 before another is taken. */
const LOST = 0.01;

/**
 * Which words these references have: `unicode` where most letters are not a-z, with or without an accent, or where more
 * than one text in a hundred has letters but no word of a-z and 0-9, and so would score 0 whatever was written.
 */
export function wordKindOf(references: readonly string[]): Words {
  let [latin, letters, lost] = [0, 0, 0];
  for (const text of references) {
    const own = text.match(/\p{L}/gu)?.length ?? 0;
    letters += own;
    latin += text.match(/\p{Script=Latin}/gu)?.length ?? 0;
    if (own > 0 && rougeTokens(text).length === 0) lost++;
  }
  return latin < letters / 2 || lost > LOST * references.length ? 'unicode' : 'ascii';
}

/** Whether most letters are of scripts without spaces between words, where an n-gram of words has no meaning. */
export function isUnspaced(references: readonly string[]): boolean {
  const sign = new RegExp(`[${UNSPACED}]`, 'gu');
  const count = (pattern: RegExp) => references.reduce((n, text) => n + (text.match(pattern)?.length ?? 0), 0);
  const letters = count(/\p{L}/gu);
  return letters > 0 && count(sign) > letters / 2;
}

/**
 * scikit-learn's default token_pattern (?u)\b\w\w+\b on lower-cased text. Python's \w is str.isalnum() or "_":
 * letters and numbers, not marks.
 */
export const wordTokens = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [];

/** Applied in order; sacrebleu/tokenizers/tokenizer_13a.py and tokenizer_re.py. */
const REWRITES_13A: readonly (readonly [RegExp, string])[] = [
  [/<skipped>/g, ''],
  [/-\n/g, ''],
  [/\n/g, ' '],
  [/&quot;/g, '"'],
  [/&amp;/g, '&'],
  [/&lt;/g, '<'],
  [/&gt;/g, '>'],
  [/^|$/g, ' '],
  [/([{-~[-` -&(-+:-@/])/gu, ' $1 '],
  // Period and comma, unless between digits; then a dash after a digit.
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  [/([0-9])(-)/gu, '$1 $2 '],
];

/** mteval-v13a tokenizer, after sacrebleu's rstrip(). */
export const tokens13a = (text: string): string[] =>
  splitWords(
    REWRITES_13A.reduce((line, [pattern, by]) => line.replace(pattern, by), text.replace(TRAILING_SPACES, '')),
  );

/** Occurrences of each n-gram of exactly `n` tokens, joined by `glue`. */
export function countNgrams(tokens: readonly string[], n: number, glue: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    const gram = n === 1 ? (tokens[i] as string) : tokens.slice(i, i + n).join(glue);
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** Clipped matches: sum over n-grams of the smaller of both counts. */
export function overlap(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let matches = 0;
  for (const [gram, count] of a) matches += Math.min(count, b.get(gram) ?? 0);
  return matches;
}

import { byteLevelBpe, type TokenizerFiles } from './tokenizer';

/**
 * A byte-level BPE tokenizer learnt from texts, as Hugging Face's `BpeTrainer` learns it (tokenizers: models/bpe/trainer.rs):
 * of all pairs of neighbouring tokens the most frequent becomes a token, of equals the one of lower ids, until the vocabulary
 * is full. Words are what GPT-2's pattern leaves, digits apart (SmolLM2's form).
 */

/** Printable characters for the 256 bytes, in the order of bytes (OpenAI's bytes_to_unicode). */
function byteCharacters(): string[] {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : next++));
}

const DIGIT = /(\p{N})/u;
/** GPT-2's pattern. */
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

interface Word {
  tokens: number[];
  count: number;
}

/** How often each word stands in the texts, in the order of first appearance. */
function countWords(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const piece of text.split(DIGIT))
      for (const [word] of piece.matchAll(WORDS)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Two ids as one key, in the order of pairs. */
const keyOf = (a: number, b: number) => a * 2 ** 21 + b;

/** tokenizer.json of a tokenizer of `size` tokens, the special ones first, then bytes, then what was merged. */
export function trainBpe(
  texts: Iterable<string>,
  { size, special }: { size: number; special: readonly string[] },
): TokenizerFiles['tokenizer'] {
  const characters = byteCharacters();
  const tokens = [...special, ...characters.toSorted((a, b) => (a < b ? -1 : 1))];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const encoder = new TextEncoder();
  const words: Word[] = Array.from(countWords(texts), ([word, count]) => ({
    tokens: Array.from(encoder.encode(word), (byte) => ids.get(characters[byte] as string) as number),
    count,
  }));
  const counts = new Map<number, number>();
  const places = new Map<number, Set<Word>>();
  const add = (a: number, b: number, word: Word, change: number) => {
    const key = keyOf(a, b);
    counts.set(key, (counts.get(key) ?? 0) + change);
    if (change < 0) return;
    const known = places.get(key);
    if (known) known.add(word);
    else places.set(key, new Set([word]));
  };
  for (const word of words)
    word.tokens.forEach((b, i) => {
      if (i > 0) add(word.tokens[i - 1] as number, b, word, word.count);
    });
  const merges: [string, string][] = [];
  while (tokens.length < size) {
    let [best, most] = [-1, 0];
    for (const [key, count] of counts)
      if (count > most || (count === most && count > 0 && key < best)) [best, most] = [key, count];
    if (best < 0) break;
    const [a, b] = [Math.floor(best / 2 ** 21), best % 2 ** 21];
    const pair = [tokens[a], tokens[b]] as [string, string];
    const merged = pair.join('');
    const id = ids.get(merged) ?? tokens.length;
    if (id === tokens.length) {
      tokens.push(merged);
      ids.set(merged, id);
    }
    merges.push(pair);
    for (const word of places.get(best) ?? []) {
      const { tokens: own, count } = word;
      for (let i = 0; i + 1 < own.length; i++) {
        if (own[i] !== a || own[i + 1] !== b) continue;
        const [before, after] = [own[i - 1], own[i + 2]];
        if (before !== undefined) {
          add(before, a, word, -count);
          add(before, id, word, count);
        }
        if (after !== undefined) {
          add(b, after, word, -count);
          add(id, after, word, count);
        }
        own.splice(i, 2, id);
      }
    }
    counts.delete(best);
    places.delete(best);
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    ...byteLevelBpe(tokens, merges),
  };
}

import type { Json } from '../core/canonical';

/**
 * Sentences that most results say, as one character each: deflate alone must spell each out once, and a link has 2,000.
 * **Frozen** with codec e3: append only.
 */
const PHRASES = [
  'stored 8-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32',
  'stored 4-bit blocks of 32, computed as stored x 8-bit levels in blocks of 32, output projection as int8',
  ' (own WASM kernels, byte products)',
  ' (own WASM kernels)',
  ', relaxed SIMD',
  ', baseline SIMD',
  'stored fp16, unpacked to fp32 as it is read',
  'stored fp32, computed fp32',
  'stored 8-bit blocks of 32, computed int8 per output x 16-bit levels per token',
  ' matrices as 2:4 values and places',
  'TF-IDF + multinomial logistic regression (JavaScript)',
  'nearest training ticket by TF-IDF (JavaScript)',
  'The weights were compressed and packed in an earlier run and kept; this run read them.',
  ' threads: with all of them equal pieces of work took longer or swung more, because something else needs a thread.',
  'This page is not cross-origin isolated, so WebAssembly runs on 1 thread instead of ',
  'The checkpoint has no chat template; prompts are plain text.',
  'The processor was under heavy load',
  'Generated telecom tickets',
  'cpu-x86-any',
  'SmolLM2-135M-Instruct',
] as const;

/** Phrase i is U+E000 + i; a character of that range in the text itself has this before it. */
const FIRST = 0xe000;
const ESCAPE = '\uf8ff';
const OWN = /[\ue000-\uf8ff]/g;

const shorten = (text: string): string =>
  PHRASES.reduce(
    (short, phrase, i) => short.replaceAll(phrase, String.fromCharCode(FIRST + i)),
    text.replace(OWN, (c) => ESCAPE + c),
  );

const spellOut = (text: string): string =>
  text.replace(/\uf8ff([\s\S])|[\ue000-\uf8fe]/g, (c, escaped: string | undefined) =>
    escaped === undefined ? (PHRASES[c.charCodeAt(0) - FIRST] ?? '') : escaped,
  );

/** Every text of a JSON value changed; keys stay. */
function overTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => overTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, overTexts(item, change)]));
}

/** A value with common phrases as one character each; `withPhrases` gives it back. */
export const withoutPhrases = (value: Json): Json => overTexts(value, shorten);

/** What `withoutPhrases` was given. */
export const withPhrases = (value: Json): Json => overTexts(value, spellOut);

import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { JoulewiseError, quote } from '../core/errors';

/**
 * @huggingface/tokenizers 0.2 gives other ids than the Rust library in places: what it ignores is rewritten into what it
 * does right, computed here, or refused by name. Held against tokenizers 0.23 in cases.real.test.ts.
 */

type Json = Record<string, unknown>;
const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const refused = (why: string) =>
  new JoulewiseError(
    'checkpoint.unsupported',
    `The checkpoint's tokenizer cannot be used: ${why}. Use a checkpoint with another one.`,
  );

const escape = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
/** A pattern of tokenizer.json as a regular expression in its own letters (Oniguruma); null where it has none. */
function regexOf(pattern: unknown): string | null {
  if (!isObject(pattern)) return null;
  if (typeof pattern['Regex'] === 'string') return pattern['Regex'];
  return typeof pattern['String'] === 'string' ? escape(pattern['String']) : null;
}
const ANY = '[\\s\\S]';
/** Pieces are what matches: `invert` with "Removed" is how the library is told so. */
const pieces = (regex: string) => ({ type: 'Split', pattern: { Regex: regex }, behavior: 'Removed', invert: true });

/** Split by what becomes of its matches, each as the pieces that a text falls into. `p` is the pattern. */
const BEHAVIORS: Readonly<Record<string, (p: string) => string>> = {
  removed: (p) => `(?:(?!${p})${ANY})+`,
  mergedwithprevious: (p) => `${ANY}*?(?:${p})|${ANY}+`,
  mergedwithnext: (p) => `(?:${p})(?:(?!${p})${ANY})*|(?:(?!${p})${ANY})+`,
  contiguous: (p) => `(?:${p})+|(?:(?!${p})${ANY})+`,
};

/** Punctuation as BERT has it: ASCII's signs besides, in a class. */
const PUNCTUATION = '\\p{P}\\u0021-\\u002F\\u003A-\\u0040\\u005B-\\u0060\\u007B-\\u007E';

/** Steps that the library does otherwise, as steps that it does right. */
const STEPS: Readonly<Record<string, (step: Json) => Json>> = {
  // `$` in a replacement is a text here; in JavaScript it would be what was found.
  Replace: (step) =>
    typeof step['content'] === 'string' ? { ...step, content: step['content'].replaceAll('$', '$$$$') } : step,
  // JavaScript's `\w` and `\s` know ASCII letters and other white space; the library translates those of patterns.
  // Rust's `\w` holds the joiners U+200C and U+200D too.
  Whitespace: () => pieces('[\\w\u200c\u200d]+|[^\\w\u200c\u200d\\s]+'),
  WhitespaceSplit: () => pieces('\\S+'),
  BertPreTokenizer: () => pieces(`[^\\s${PUNCTUATION}]+|[${PUNCTUATION}]`),
  Strip(step) {
    // A decoder of this name takes a count of characters away.
    if (!('strip_left' in step) && !('strip_right' in step)) return step;
    const cut = (regex: string) => ({ type: 'Replace', pattern: { Regex: regex }, content: '' });
    return {
      type: 'Sequence',
      normalizers: [
        ...(step['strip_left'] === true ? [cut('\\A\\s+')] : []),
        ...(step['strip_right'] === true ? [cut('\\s+\\z')] : []),
      ],
    };
  },
  Split(step) {
    const [pattern, behavior] = [regexOf(step['pattern']), String(step['behavior']).toLowerCase().replaceAll('_', '')];
    if (pattern === null) throw refused('it splits text by a pattern of an unknown form');
    if (step['invert'] === true) {
      if (behavior === 'removed') return step;
      // Matches and what lies between them are pieces either way.
      if (behavior === 'isolated') return { ...step, invert: false };
      throw refused(`it splits text by the inverse of a pattern as ${quote(String(step['behavior']))}`);
    }
    if (behavior === 'isolated') return step;
    const row = Object.hasOwn(BEHAVIORS, behavior) ? BEHAVIORS[behavior] : undefined;
    if (!row) throw refused(`it splits text as ${quote(String(step['behavior']))}`);
    return pieces(row(`(?:${pattern})`));
  },
};

/** A normalizer, pre-tokenizer or decoder with every step rewritten. */
function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (!isObject(value)) return value;
  const own = Object.fromEntries(
    Object.entries(value).map(([key, v]) => [
      key,
      /^(?:normalizers|pretokenizers|decoders)$/.test(key) ? rewritten(v) : v,
    ]),
  );
  const step = typeof own['type'] === 'string' && Object.hasOwn(STEPS, own['type']) ? STEPS[own['type']] : undefined;
  return step ? step(own) : own;
}

/** GPT-2's split with the white space of Unicode, which U+0085 belongs to and U+FEFF does not. */
const GPT2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d]';
const [ENDS_WITH_WORD, STARTS_WITH_WORD] = [new RegExp(`${WORD}$`, 'u'), new RegExp(`^${WORD}`, 'u')];

/** What of the library's tokenizer is reached into: it declares these private. */
interface Inside {
  normalizer: ((text: string) => string) | null;
  pre_tokenizer: ((text: string, o: { section_index: number }) => string[]) | null;
  model: ((pieces: string[]) => string[]) & { encode(pieces: string[]): string[]; tokens_to_ids: Map<string, number> };
  added_tokens_map: Map<string, { single_word: boolean; lstrip: boolean; rstrip: boolean }>;
  splitter_unnormalized: { split(text: string): string[] };
  splitter_normalized: { split(text: string): string[] };
}
interface Section {
  text: string;
  added: boolean;
}

/** A tokenizer that gives the Rust library's ids. Throws `checkpoint.unsupported` for what it would do otherwise. */
export function exactTokenizer(tokenizer: Json, config: Json): HfTokenizer {
  const model = isObject(tokenizer['model']) ? tokenizer['model'] : {};
  if ((model['dropout'] ?? 0) !== 0) throw refused('it leaves out merges by chance ("dropout")');
  const hf = new HfTokenizer(
    {
      ...tokenizer,
      normalizer: rewritten(tokenizer['normalizer']),
      pre_tokenizer: rewritten(tokenizer['pre_tokenizer']),
      decoder: rewritten(tokenizer['decoder']),
    },
    // Of old slow tokenizers; the Rust library knows neither.
    { ...config, remove_space: false, do_lowercase_and_remove_accent: false },
  );
  const inside = hf as unknown as Inside;
  const patterns = (step: unknown): void => {
    const {
      config: own,
      pattern,
      tokenizers,
    } = (step ?? {}) as { config?: Json; pattern?: unknown; tokenizers?: unknown[] };
    tokenizers?.forEach(patterns);
    if (own?.['type'] === 'ByteLevel' && pattern instanceof RegExp) (step as { pattern: RegExp }).pattern = GPT2;
  };
  patterns(inside.pre_tokenizer);

  const bytes = (model['type'] ?? 'BPE') === 'Unigram' && model['byte_fallback'] === true ? byteTokens(inside) : null;
  const tokensOf = (parts: string[]): string[] => {
    // Unknown pieces are fused within a word only; the library would fuse those of neighbouring words too.
    if (!bytes) return parts.flatMap((part) => inside.model([part]));
    // The library gives one unknown token for each run; SentencePiece gives the bytes of what it does not know.
    return inside.model
      .encode(parts)
      .flatMap((piece) =>
        inside.model.tokens_to_ids.has(piece)
          ? [piece]
          : Array.from(new TextEncoder().encode(piece), (b) => bytes[b] as string),
      );
  };
  const sections = (text: string, splitter: Inside['splitter_normalized']): Section[] => {
    const out: Section[] = [];
    let [at, cut] = [0, 0];
    const push = (part: string) => {
      const last = out.at(-1);
      if (last && !last.added) last.text += part;
      else if (part !== '') out.push({ text: part, added: false });
    };
    for (const part of splitter.split(text)) {
      const start = at;
      at += part.length;
      const token = inside.added_tokens_map.get(part);
      if (
        !token ||
        (token.single_word && (ENDS_WITH_WORD.test(text.slice(0, start)) || STARTS_WITH_WORD.test(text.slice(at))))
      ) {
        push(text.slice(Math.max(start, cut), at));
        continue;
      }
      const last = out.at(-1);
      if (token.lstrip && last && !last.added) last.text = last.text.replace(/\p{White_Space}+$/u, '');
      out.push({ text: part, added: true });
      cut = at;
      if (token.rstrip) cut += /^\p{White_Space}*/u.exec(text.slice(at))?.[0].length ?? 0;
    }
    return out.filter((s) => s.text !== '');
  };
  Object.assign(hf, {
    encode_text: (text: string | null): string[] | null =>
      text === null
        ? null
        : sections(text, inside.splitter_unnormalized).flatMap(({ text: section, added }, first) => {
            if (added) return [section];
            const normal = inside.normalizer ? inside.normalizer(section) : section;
            return sections(normal, inside.splitter_normalized).flatMap(({ text: part, added: own }, second) => {
              if (own) return [part];
              // Only what the whole text begins with is its first section.
              const parts = inside.pre_tokenizer
                ? inside.pre_tokenizer(part, { section_index: first + second })
                : [part];
              return tokensOf(parts);
            });
          }),
  });
  return hf;
}

/** The token of each byte. Throws where one is missing. */
function byteTokens({ model }: Inside): string[] {
  const all = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);
  const missing = all.find((token) => !model.tokens_to_ids.has(token));
  if (missing !== undefined) throw refused(`it falls back to bytes and has no token ${quote(missing)}`);
  return all;
}

/** The largest id that a tokenizer.json can give, vocabulary and added tokens together; -1 where it has none. */
export function largestId(tokenizer: Json): number {
  const model = isObject(tokenizer['model']) ? tokenizer['model'] : {};
  const vocab = model['vocab'];
  let most = -1;
  const see = (id: unknown) => {
    if (typeof id === 'number' && id > most) most = id;
  };
  if (Array.isArray(vocab)) see(vocab.length - 1);
  else if (isObject(vocab)) Object.values(vocab).forEach(see);
  const added = tokenizer['added_tokens'];
  if (Array.isArray(added)) added.forEach((t) => see(isObject(t) ? t['id'] : null));
  return most;
}

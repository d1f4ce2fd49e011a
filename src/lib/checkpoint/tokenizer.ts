import { Template } from '@huggingface/jinja';
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { JoulewiseError, quote } from '../core/errors';
import type { GgufValue } from './gguf';

/** tokenizer.json and tokenizer_config.json, as transformers writes them. */
export interface TokenizerFiles {
  tokenizer: Record<string, unknown>;
  config: Record<string, unknown>;
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface Tokenizer {
  /** Ids as the tokenizer's own post-processor gives them (a BOS only where it adds one). */
  encode(text: string): number[];
  /** Text without special tokens. */
  decode(ids: readonly number[]): string;
  /** Ids of a conversation through the checkpoint's chat template, ready for the assistant's answer. */
  chat(messages: readonly ChatMessage[]): number[];
  /** Ids of a piece of an answer: no special tokens added. */
  piece(text: string): number[];
  /** False where the checkpoint has no chat template and a plain transcript is used instead. */
  hasTemplate: boolean;
}

/** Used where a checkpoint brings no chat template; said in the record. */
const PLAIN_TEMPLATE = "{% for m in messages %}{{ m['content'] + '\n' }}{% endfor %}";

export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const broken = (cause: unknown) =>
    new JoulewiseError(
      'checkpoint.format',
      `The checkpoint's tokenizer cannot be used: ${cause instanceof Error ? quote(cause.message) : 'unknown form'}.`,
      {
        cause,
      },
    );
  let hf: HfTokenizer;
  let template: Template;
  const source = chatTemplate(files.config);
  try {
    hf = new HfTokenizer(files.tokenizer, files.config);
    template = new Template(source ?? PLAIN_TEMPLATE);
  } catch (cause) {
    throw broken(cause);
  }
  const token = (key: string) => {
    const value = files.config[key];
    return typeof value === 'string' ? value : ((value as { content?: string } | null | undefined)?.content ?? '');
  };
  const special = { bos_token: token('bos_token'), eos_token: token('eos_token') };
  const encode = (text: string, add: boolean) => [...hf.encode(text, { add_special_tokens: add }).ids];
  return {
    encode: (text) => encode(text, true),
    piece: (text) => encode(text, false),
    decode: (ids) => (ids.length ? hf.decode([...ids], { skip_special_tokens: true }) : ''),
    chat(messages) {
      const text = template.render({ messages: [...messages], add_generation_prompt: true, ...special });
      return encode(text, false);
    },
    hasTemplate: source !== null,
  };
}

/** `chat_template` is a text, or a list of named ones of which "default" counts. */
export function chatTemplate(config: Record<string, unknown>): string | null {
  const value = config['chat_template'];
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const rows = value as { name?: string; template?: string }[];
    return (rows.find((t) => t.name === 'default') ?? rows[0])?.template ?? null;
  }
  return null;
}

const DIGITS_1 = { type: 'Digits', individual_digits: true };
const split = (regex: string) => ({ type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false });
const byteLevel = (useRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});
const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2 = LLAMA3.replace('\\p{N}{1,3}', '\\p{N}');

/** `tokenizer.ggml.pre` -> the pre-tokenizer of the model it names (llama.cpp: llama-vocab.cpp). */
export const PRE_TOKENIZERS: Record<string, unknown[]> = {
  default: [byteLevel(true)],
  'gpt-2': [byteLevel(true)],
  smollm: [DIGITS_1, byteLevel(true)],
  'llama-bpe': [split(LLAMA3), byteLevel(false)],
  llama3: [split(LLAMA3), byteLevel(false)],
  qwen2: [split(QWEN2), byteLevel(false)],
  'deepseek-r1-qwen': [split(QWEN2), byteLevel(false)],
  tekken: [
    split(
      '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
    ),
    byteLevel(false),
  ],
};

/** GGUF token types (llama.h: llama_token_type). */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
const { control: CONTROL, userDefined: USER_DEFINED } = TOKEN_TYPES;

/** Names of pre-tokenizers that also take a whole word that is a token, whatever its merges say. */
export const IGNORES_MERGES = ['llama-bpe', 'llama3', 'tekken'];

/** Builds tokenizer.json and tokenizer_config.json from GGUF metadata. Unknown kinds are refused by name. */
export function tokenizerFromGguf(metadata: ReadonlyMap<string, GgufValue>): TokenizerFiles {
  const get = (key: string) => metadata.get(`tokenizer.ggml.${key}`);
  const model = get('model');
  const tokens = get('tokens');
  const types = get('token_type');
  if (!Array.isArray(tokens) || tokens.length === 0 || !tokens.every((t) => typeof t === 'string'))
    throw new JoulewiseError('checkpoint.format', 'The GGUF file has no tokenizer vocabulary.');
  const typeOf = (id: number) => (types instanceof Float64Array ? types[id] : undefined) ?? 1;
  const added = tokens.flatMap((content, id) =>
    typeOf(id) === CONTROL || typeOf(id) === USER_DEFINED
      ? [
          {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: typeOf(id) === CONTROL,
          },
        ]
      : [],
  );
  const at = (key: string): string | null => {
    const id = get(key);
    return typeof id === 'number' ? (tokens[id] ?? null) : null;
  };
  const row = typeof model === 'string' && Object.hasOwn(GGUF_TOKENIZERS, model) ? GGUF_TOKENIZERS[model] : undefined;
  if (!row)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `GGUF tokenizer ${quote(String(model))} is not known here. Known: ${Object.keys(GGUF_TOKENIZERS).join(', ')}.`,
    );
  const bos = at('bos_token_id');
  const addBos = get('add_bos_token') ?? row.addsBos;
  const template = metadata.get('tokenizer.chat_template');
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      ...row.build(tokens, get),
      post_processor:
        addBos === true && bos !== null ? bosProcessor(bos, get('bos_token_id') as number) : row.postProcessor,
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: bos,
      eos_token: at('eos_token_id'),
      unk_token: at('unknown_token_id'),
      pad_token: at('padding_token_id'),
      add_bos_token: addBos === true,
      ...(typeof template === 'string' ? { chat_template: template } : {}),
    },
  };
}

interface GgufTokenizerRow {
  addsBos: boolean;
  postProcessor: unknown;
  build(tokens: string[], get: (key: string) => GgufValue | undefined): Record<string, unknown>;
}

/** Decoder and model of tokenizer.json for byte-level BPE, ids in the order of `tokens`. */
export const byteLevelBpe = (tokens: readonly string[], merges: readonly unknown[], ignoreMerges = false) => ({
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: ignoreMerges,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  },
});

const GGUF_TOKENIZERS: Record<string, GgufTokenizerRow> = {
  /** Byte-level BPE with explicit merges. */
  gpt2: {
    addsBos: false,
    postProcessor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    build(tokens, get) {
      const merges = get('merges');
      if (!Array.isArray(merges))
        throw new JoulewiseError('checkpoint.format', 'The GGUF file has no tokenizer merges.');
      const pre = get('pre') ?? 'default';
      const steps = typeof pre === 'string' && Object.hasOwn(PRE_TOKENIZERS, pre) ? PRE_TOKENIZERS[pre] : undefined;
      if (!steps)
        throw new JoulewiseError(
          'checkpoint.unsupported',
          `GGUF pre-tokenizer ${quote(String(pre))} is not known here. Known: ${Object.keys(PRE_TOKENIZERS).join(', ')}.`,
        );
      return {
        normalizer: null,
        pre_tokenizer: { type: 'Sequence', pretokenizers: steps },
        ...byteLevelBpe(tokens, merges.map(String), IGNORES_MERGES.includes(String(pre))),
      };
    },
  },
  /** SentencePiece BPE: merges follow from the scores, as transformers' converter derives them. */
  llama: {
    addsBos: true,
    postProcessor: null,
    build(tokens, get) {
      const scores = get('scores');
      if (!(scores instanceof Float64Array))
        throw new JoulewiseError('checkpoint.format', 'The GGUF file has no tokenizer scores.');
      const prefix = get('add_space_prefix') !== false;
      const replace = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
      return {
        normalizer: {
          type: 'Sequence',
          normalizers: prefix ? [{ type: 'Prepend', prepend: '\u2581' }, replace] : [replace],
        },
        pre_tokenizer: null,
        decoder: {
          type: 'Sequence',
          decoders: [
            { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
            { type: 'ByteFallback' },
            { type: 'Fuse' },
            ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
          ],
        },
        model: {
          type: 'BPE',
          dropout: null,
          unk_token: tokens[Number(get('unknown_token_id') ?? 0)] ?? null,
          continuing_subword_prefix: null,
          end_of_word_suffix: null,
          fuse_unk: true,
          byte_fallback: true,
          vocab: Object.fromEntries(tokens.map((t, i) => [t, i])),
          merges: mergesFromScores(tokens, scores),
        },
      };
    },
  },
};

const bosProcessor = (bos: string, id: number) => ({
  type: 'TemplateProcessing',
  single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
  pair: [
    { SpecialToken: { id: bos, type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: bos, type_id: 1 } },
    { Sequence: { id: 'B', type_id: 1 } },
  ],
  special_tokens: { [bos]: { id: bos, ids: [id], tokens: [bos] } },
});

/** Every split of every piece into two pieces is a merge; better-scored pieces merge first, ties by the parts' ids. */
export function mergesFromScores(tokens: readonly string[], scores: Float64Array): string[] {
  const ids = new Map(tokens.map((t, i) => [t, i]));
  const rows: { left: string; right: string; score: number; l: number; r: number }[] = [];
  tokens.forEach((token, id) => {
    const chars = [...token];
    for (let i = 1, left = ''; i < chars.length; i++) {
      left += chars[i - 1] as string;
      const right = chars.slice(i).join('');
      const l = ids.get(left);
      const r = ids.get(right);
      if (l !== undefined && r !== undefined) rows.push({ left, right, score: scores[id] ?? 0, l, r });
    }
  });
  rows.sort((a, b) => b.score - a.score || a.l - b.l || a.r - b.r);
  return rows.map((m) => `${m.left} ${m.right}`);
}

/** An answer ends with the end-of-turn token, so that "power" is not credited with what continues "power supply". */
export function answerIds(tokenizer: Tokenizer, stopIds: readonly number[], text: string): number[] {
  const stop = stopIds[0];
  return [...tokenizer.piece(text), ...(stop === undefined ? [] : [stop])];
}

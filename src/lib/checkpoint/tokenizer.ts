import type { Template } from '@huggingface/jinja';
import type { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { JoulewiseError, quote } from '../core/errors';
import type { GgufValue } from './gguf';
import { createTemplate } from './jinja';
import { exactTokenizer } from './tokenizer-exact';

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
  /** What is done otherwise than the files ask, in sentences for the record. */
  notes: readonly string[];
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
    hf = exactTokenizer(files.tokenizer, files.config);
    template = createTemplate(source ?? PLAIN_TEMPLATE);
  } catch (cause) {
    throw cause instanceof JoulewiseError ? cause : broken(cause);
  }
  const token = (key: string) => {
    const value = files.config[key];
    return typeof value === 'string' ? value : ((value as { content?: string } | null | undefined)?.content ?? '');
  };
  const special = { bos_token: token('bos_token'), eos_token: token('eos_token') };
  // The library would take spaces before commas away unless it is told not to; transformers 5 never does of byte-level BPE.
  const cleans = files.config['clean_up_tokenization_spaces'] === true && !hasByteLevel(files.tokenizer['decoder']);
  const encode = (text: string, add: boolean) => [...hf.encode(text, { add_special_tokens: add }).ids];
  const render = (messages: readonly ChatMessage[]) => {
    try {
      return template.render({ messages: [...messages], add_generation_prompt: true, ...special });
    } catch (cause) {
      throw new JoulewiseError(
        'checkpoint.unsupported',
        `The checkpoint's chat template cannot write a prompt: ${cause instanceof Error ? quote(cause.message) : 'unknown fault'}. Use a checkpoint with another chat template.`,
        { cause },
      );
    }
  };
  const systemRead = readsSystem(render);
  const notes =
    systemRead === 'yes'
      ? []
      : [
          `The checkpoint's chat template ${systemRead === 'raises' ? 'refuses' : 'leaves out'} the system message, so the instruction stands at the beginning of the user's.`,
        ];
  return {
    encode: (text) => encode(text, true),
    piece: (text) => encode(text, false),
    decode: (ids) =>
      ids.length ? hf.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: cleans }) : '',
    chat: (messages) => encode(render(systemRead === 'yes' ? messages : folded(messages)), false),
    hasTemplate: source !== null,
    notes,
  };
}

/** What a template does with a system message, found by trying: two that differ must give prompts that differ. */
function readsSystem(render: (messages: readonly ChatMessage[]) => string): 'yes' | 'raises' | 'leaves out' {
  const user: ChatMessage = { role: 'user', content: 'user' };
  const tried = (content: string) => render([{ role: 'system', content }, user]);
  try {
    const text = tried('one instruction');
    return text.includes('one instruction') && tried('another rule').includes('another rule') ? 'yes' : 'leaves out';
  } catch {
    return 'raises';
  }
}

/** Messages with the system's text at the beginning of the first of the user. */
function folded(messages: readonly ChatMessage[]): ChatMessage[] {
  const system = messages.filter((m) => m.role === 'system').map((m) => m.content);
  const rest = messages.filter((m) => m.role !== 'system');
  const at = rest.findIndex((m) => m.role === 'user');
  if (system.length === 0) return rest;
  if (at < 0) return [{ role: 'user', content: system.join('\n\n') }, ...rest];
  return rest.map((m, i) => (i === at ? { ...m, content: [...system, m.content].join('\n\n') } : m));
}

/** Whether a decoder works on bytes. */
function hasByteLevel(decoder: unknown): boolean {
  const { type, decoders } = (decoder ?? {}) as { type?: unknown; decoders?: unknown };
  return type === 'ByteLevel' || (Array.isArray(decoders) && decoders.some(hasByteLevel));
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

/** What hangs on the name of a pre-tokenizer in GGUF. */
interface PreTokenizerRow {
  /** Steps of tokenizer.json. */
  steps: readonly unknown[];
  /** Whether texts begin with a BOS where the file does not say (llama.cpp: llama-vocab.cpp sets it by this name). */
  addsBos: boolean;
  /** Takes a whole word that is a token, whatever its merges say. */
  ignoresMerges: boolean;
}
const row = (steps: readonly unknown[], more: Partial<PreTokenizerRow> = {}): PreTokenizerRow => ({
  steps,
  addsBos: false,
  ignoresMerges: false,
  ...more,
});
const LLAMA3_ROW = row([split(LLAMA3), byteLevel(false)], { addsBos: true, ignoresMerges: true });

/**
 * `tokenizer.ggml.pre` -> the pre-tokenizer of the model it names (llama.cpp: llama-vocab.cpp). A file without the name, or
 * with "default", does not say how its text was split: llama.cpp guesses and warns, and it is refused here.
 */
export const PRE_TOKENIZERS: Readonly<Record<string, PreTokenizerRow>> = {
  'gpt-2': row([byteLevel(true)]),
  smollm: row([DIGITS_1, byteLevel(true)]),
  'llama-bpe': LLAMA3_ROW,
  llama3: LLAMA3_ROW,
  'llama-v3': LLAMA3_ROW,
  qwen2: row([split(QWEN2), byteLevel(false)]),
  'deepseek-r1-qwen': row([split(QWEN2), byteLevel(false)]),
  tekken: row(
    [
      split(
        '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
      ),
      byteLevel(false),
    ],
    { addsBos: true, ignoresMerges: true },
  ),
};

/** GGUF token types (llama.h: llama_token_type). */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
const { control: CONTROL, userDefined: USER_DEFINED } = TOKEN_TYPES;

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
  const kind = typeof model === 'string' && Object.hasOwn(GGUF_TOKENIZERS, model) ? GGUF_TOKENIZERS[model] : undefined;
  if (!kind)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `GGUF tokenizer ${quote(String(model))} is not known here. Known: ${Object.keys(GGUF_TOKENIZERS).join(', ')}.`,
    );
  const bos = at('bos_token_id');
  const addBos = get('add_bos_token') ?? kind.addsBos(get('pre'));
  const addEos = get('add_eos_token') === true;
  const eos = at('eos_token_id');
  const template = metadata.get('tokenizer.chat_template');
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      ...kind.build(tokens, get),
      post_processor: framed([addBos === true ? bos : null, addEos ? eos : null], tokens) ?? kind.postProcessor,
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: bos,
      eos_token: eos,
      unk_token: at('unknown_token_id'),
      pad_token: at('padding_token_id'),
      add_bos_token: addBos === true,
      ...(typeof template === 'string' ? { chat_template: template } : {}),
    },
  };
}

interface GgufTokenizerRow {
  addsBos(pre: unknown): boolean;
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
    addsBos: (pre) => preTokenizerOf(pre).addsBos,
    postProcessor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    build(tokens, get) {
      const merges = get('merges');
      if (!Array.isArray(merges))
        throw new JoulewiseError('checkpoint.format', 'The GGUF file has no tokenizer merges.');
      const { steps, ignoresMerges } = preTokenizerOf(get('pre'));
      return {
        normalizer: null,
        pre_tokenizer: { type: 'Sequence', pretokenizers: steps },
        ...byteLevelBpe(tokens, merges.map(String), ignoresMerges),
      };
    },
  },
  /** SentencePiece BPE: merges follow from the scores, as transformers' converter derives them. */
  llama: {
    addsBos: () => true,
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

/** The row of a pre-tokenizer's name. Throws `checkpoint.unsupported` where it has none that says how text is split. */
function preTokenizerOf(name: unknown): PreTokenizerRow {
  const found = typeof name === 'string' && Object.hasOwn(PRE_TOKENIZERS, name) ? PRE_TOKENIZERS[name] : undefined;
  if (found) return found;
  throw new JoulewiseError(
    'checkpoint.unsupported',
    name === undefined || name === 'default'
      ? `The GGUF file does not say how its text is split ("tokenizer.ggml.pre" is ${name === undefined ? 'missing' : '"default"'}), so its tokens would be a guess. Convert the model again with a newer llama.cpp, or use its original files.`
      : `GGUF pre-tokenizer ${quote(typeof name === 'string' ? name : JSON.stringify(name))} is not known here. Known: ${Object.keys(PRE_TOKENIZERS).join(', ')}.`,
  );
}

/** A post-processor that puts special tokens before and behind a text; null where there is neither. */
function framed([first, last]: readonly (string | null)[], tokens: readonly string[]): unknown {
  const given = [first, last].filter((token) => typeof token === 'string');
  if (given.length === 0) return null;
  const special = (token: string | null | undefined, type: number) =>
    typeof token === 'string' ? [{ SpecialToken: { id: token, type_id: type } }] : [];
  const around = (id: string, type: number) => [
    ...special(first, type),
    { Sequence: { id, type_id: type } },
    ...special(last, type),
  ];
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(
      given.map((token) => [token, { id: token, ids: [tokens.indexOf(token)], tokens: [token] }]),
    ),
  };
}

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

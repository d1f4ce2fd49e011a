import { JoulewiseError, quote } from '../core/errors';
import type { GgufField } from './gguf-write';
import { chatTemplate, PRE_TOKENIZERS, TOKEN_TYPES, type TokenizerFiles } from './tokenizer';

type Json = Record<string, unknown>;
const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const listOf = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);

const shown = (v: unknown) => quote(typeof v === 'string' ? v : JSON.stringify(v ?? 'unknown'));

const refused = (why: string) =>
  new JoulewiseError(
    'checkpoint.unsupported',
    `This checkpoint's tokenizer cannot be written as GGUF: ${why}. Export the variant as ONNX.`,
  );

/** What is written, and what the file cannot say. */
export interface GgufTokenizer {
  fields: ReadonlyMap<string, GgufField>;
  notes: readonly string[];
}

interface AddedToken {
  id: number;
  content: string;
  special: boolean;
}

/**
 * `tokenizer.*` of a GGUF file from tokenizer.json: as many tokens as the embedding has rows (`vocabSize`), their types,
 * merges or scores, special ids and the chat template. `ids` are those of the model's configuration.
 */
export function tokenizerToGguf(
  { tokenizer, config }: TokenizerFiles,
  vocabSize: number,
  ids: { bos: number | null; eos: readonly number[] },
): GgufTokenizer {
  const model = isObject(tokenizer['model']) ? tokenizer['model'] : {};
  if ((model['type'] ?? 'BPE') !== 'BPE' || !isObject(model['vocab']))
    throw refused(`its kind is ${shown(model['type'])}, not BPE`);
  const added = listOf(tokenizer['added_tokens']).filter(
    (t): t is Json & AddedToken => isObject(t) && typeof t['id'] === 'number' && typeof t['content'] === 'string',
  );
  const notes: string[] = [];
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`);
  const types = new Array<number>(vocabSize).fill(TOKEN_TYPES.unused);
  let outside = 0;
  const put = (id: number, content: string, type: number) => {
    if (id >= vocabSize) outside++;
    else {
      tokens[id] = content;
      types[id] = type;
    }
  };
  const bytes = model['byte_fallback'] === true;
  for (const [content, id] of Object.entries(model['vocab']))
    put(Number(id), content, bytes && /^<0x[0-9A-F]{2}>$/.test(content) ? TOKEN_TYPES.byte : TOKEN_TYPES.normal);
  for (const { id, content, special } of added)
    put(id, content, special ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined);
  if (outside > 0) notes.push(`${outside} tokens beyond the ${vocabSize} rows of the embedding are left out.`);

  const idOf = new Map(tokens.map((t, i) => [t, i]));
  const special = (key: string): number | null => {
    const value = config[key];
    const content = typeof value === 'string' ? value : isObject(value) ? value['content'] : null;
    return typeof content === 'string' ? (idOf.get(content) ?? null) : null;
  };
  const eos = [...new Set([special('eos_token'), ...ids.eos].filter((id) => id !== null))];
  if (eos.length > 3) notes.push(`GGUF has places for three end tokens; of ${eos.length} the first three are written.`);
  const unknown =
    special('unk_token') ?? (typeof model['unk_token'] === 'string' ? idOf.get(model['unk_token']) : null);
  const { begins, ends } = framing(tokenizer['post_processor']);
  const kind = bytes ? sentencePiece(tokenizer, model, tokens, types, unknown ?? null) : byteLevel(tokenizer, model);
  notes.push(...kind.notes);

  const fields = new Map<string, GgufField>();
  const number = (key: string, value: number | null | undefined) => {
    if (value !== null && value !== undefined) fields.set(`tokenizer.ggml.${key}`, { type: 'u32', value });
  };
  for (const [key, field] of kind.fields) fields.set(`tokenizer.ggml.${key}`, field);
  fields.set('tokenizer.ggml.tokens', { type: 'strings', value: tokens });
  fields.set('tokenizer.ggml.token_type', { type: 'i32s', value: types });
  number('bos_token_id', special('bos_token') ?? ids.bos);
  number('eos_token_id', eos[0]);
  number('eot_token_id', eos[1]);
  number('eom_token_id', eos[2]);
  number('unknown_token_id', unknown);
  number('padding_token_id', special('pad_token'));
  fields.set('tokenizer.ggml.add_bos_token', { type: 'bool', value: begins });
  fields.set('tokenizer.ggml.add_eos_token', { type: 'bool', value: ends });
  const template = chatTemplate(config);
  if (template !== null) fields.set('tokenizer.chat_template', { type: 'string', value: template });
  return { fields, notes };
}

/** Whether the post-processor puts a special token before the text, and one behind it. */
function framing(processor: unknown): { begins: boolean; ends: boolean } {
  if (!isObject(processor)) return { begins: false, ends: false };
  if (processor['type'] === 'Sequence')
    return listOf(processor['processors'])
      .map(framing)
      .reduce((a, b) => ({ begins: a.begins || b.begins, ends: a.ends || b.ends }), { begins: false, ends: false });
  const single = processor['type'] === 'TemplateProcessing' ? listOf(processor['single']) : [];
  const isSpecial = (step: unknown) => isObject(step) && 'SpecialToken' in step;
  return { begins: isSpecial(single[0]), ends: single.length > 1 && isSpecial(single.at(-1)) };
}

interface Kind {
  fields: [string, GgufField][];
  notes: string[];
}

/** What a step of a pre-tokenizer does, in a form that compares; null where GGUF has no word for it. */
function stepKey(step: unknown): string | null {
  if (!isObject(step)) return null;
  if (step['type'] === 'Digits') return `digits ${step['individual_digits'] === true}`;
  if (step['type'] === 'ByteLevel') return `bytes ${step['add_prefix_space'] === true} ${step['use_regex'] !== false}`;
  const pattern = isObject(step['pattern']) ? step['pattern']['Regex'] : null;
  return step['type'] === 'Split' && step['behavior'] === 'Isolated' && step['invert'] !== true
    ? `split ${String(pattern)}`
    : null;
}
const stepsKey = (steps: readonly unknown[]) => JSON.stringify(steps.map(stepKey));

/** Byte-level BPE: the pre-tokenizer goes by the name that llama.cpp knows it by. */
function byteLevel(tokenizer: Json, model: Json): Kind {
  const pre = isObject(tokenizer['pre_tokenizer']) ? tokenizer['pre_tokenizer'] : {};
  const steps = pre['type'] === 'Sequence' ? listOf(pre['pretokenizers']) : [pre];
  const named = Object.keys(PRE_TOKENIZERS);
  const name = named.find((name) => stepsKey(PRE_TOKENIZERS[name]?.steps ?? []) === stepsKey(steps));
  if (!name) throw refused(`how it splits text is none of the ways that have a name there (${named.join(', ')})`);
  const normalizer = isObject(tokenizer['normalizer']) ? tokenizer['normalizer']['type'] : null;
  if (normalizer !== null && normalizer !== 'NFC') throw refused(`its normalizer ${shown(normalizer)} has no name`);
  const notes = [];
  if (normalizer === 'NFC') notes.push('llama.cpp does not bring text to the form NFC first, as this tokenizer does.');
  if ((model['ignore_merges'] === true) !== PRE_TOKENIZERS[name]?.ignoresMerges)
    notes.push(
      `llama.cpp's pre-tokenizer "${name}" treats whole words that are tokens differently than this tokenizer.`,
    );
  const merges = listOf(model['merges']).map((m) => (Array.isArray(m) ? m.join(' ') : String(m)));
  return {
    fields: [
      ['model', { type: 'string', value: 'gpt2' }],
      ['pre', { type: 'string', value: name }],
      ['merges', { type: 'strings', value: merges }],
    ],
    notes,
  };
}

/** Of tokens that no merge makes: they are never a merge's result, so any score below all others will do. */
const NO_MERGE = -1e6;

/** SentencePiece BPE: a token's score is minus the rank of the first merge that makes it, so merges come in their order. */
function sentencePiece(tokenizer: Json, model: Json, tokens: string[], types: number[], unknown: number | null): Kind {
  const scores = new Map<string, number>();
  listOf(model['merges']).forEach((merge, rank) => {
    const made = (Array.isArray(merge) ? merge.map(String) : String(merge).split(' ')).join('');
    if (!scores.has(made)) scores.set(made, -rank);
  });
  if (unknown !== null) types[unknown] = TOKEN_TYPES.unknown;
  return {
    fields: [
      ['model', { type: 'string', value: 'llama' }],
      ['pre', { type: 'string', value: 'default' }],
      [
        'scores',
        {
          type: 'f32s',
          value: tokens.map((t, i) => scores.get(t) ?? (types[i] === TOKEN_TYPES.normal ? NO_MERGE : 0)),
        },
      ],
      ['add_space_prefix', { type: 'bool', value: spacePrefix(tokenizer) }],
    ],
    notes: [],
  };
}

/** Whether a space is put before the text. Throws where spaces are treated in a way that GGUF has no key for. */
function spacePrefix(tokenizer: Json): boolean {
  const pre = tokenizer['pre_tokenizer'];
  if (isObject(pre)) {
    if (pre['type'] !== 'Metaspace') throw refused(`its pre-tokenizer ${shown(pre['type'])} has no name there`);
    return pre['prepend_scheme'] !== 'never' && pre['add_prefix_space'] !== false;
  }
  const normalizer = tokenizer['normalizer'];
  const steps = isObject(normalizer) ? listOf(normalizer['normalizers'] ?? [normalizer]) : [];
  const kinds = steps.map((s) => (isObject(s) ? String(s['type']) : ''));
  const other = kinds.find((kind) => kind !== 'Prepend' && kind !== 'Replace');
  if (other !== undefined) throw refused(`its normalizer ${quote(other)} has no name there`);
  return kinds.includes('Prepend');
}

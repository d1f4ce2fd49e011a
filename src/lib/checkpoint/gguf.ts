import { JoulewiseError, quote } from '../core/errors';
import { checkConfig, type ModelConfig } from './config';
import { LINEARS, names, placeOf, rotatedHeads, type LinearName } from './block';
import { FAMILIES, type Family } from './families';
import { checkGgufKeys } from './known-keys';
import { ropeFromGguf } from './rope';
import type { ByteSource } from './source';
import type { StorageType } from './storage';
import { STORAGE } from './storage';
import { checkEntry, elementsOf, readTensor, type TensorEntry } from './tensors';

/** GGUF v2 and v3 (ggml/docs/gguf.md): header, metadata key-values, tensor directory, aligned data. */

export type GgufValue = number | bigint | boolean | string | GgufValue[] | Float64Array;

export interface Gguf {
  metadata: Map<string, GgufValue>;
  tensors: { name: string; shape: number[]; type: number; offset: number }[];
  /** Byte at which tensor data starts. */
  dataStart: number;
  /** The tokenizer's values as they lie in the file, type and value, for a writer that keeps them as they are. */
  tokenizer: Map<string, { start: number; end: number }>;
}

const MAGIC = 0x46554747;
const MAX_COUNT = 1_000_000;
const MAX_ARRAY = 4_000_000;
const MAX_STRING_BYTES = 4 * 2 ** 20;
const MAX_HEADER_BYTES = 256 * 2 ** 20;
const FIRST_READ_BYTES = 4 * 2 ** 20;

/** ggml_type numbers that we decode; others are refused by name. */
const GGML_TYPES: Record<number, StorageType | { refused: string }> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  9: { refused: 'Q8_1' },
  10: { refused: 'Q2_K' },
  11: { refused: 'Q3_K' },
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: { refused: 'Q8_K' },
  16: { refused: 'IQ2_XXS' },
  17: { refused: 'IQ2_XS' },
  18: { refused: 'IQ3_XXS' },
  19: { refused: 'IQ1_S' },
  20: { refused: 'IQ4_NL' },
  21: { refused: 'IQ3_S' },
  22: { refused: 'IQ2_S' },
  23: { refused: 'IQ4_XS' },
  29: { refused: 'IQ1_M' },
  30: 'BF16',
  34: { refused: 'TQ1_0' },
  35: { refused: 'TQ2_0' },
  39: { refused: 'MXFP4' },
};
/** Numbers of GGML's types, by name. */
export const GGML_NUMBERS = Object.fromEntries(
  Object.entries(GGML_TYPES).flatMap(([number, type]) => (typeof type === 'string' ? [[type, Number(number)]] : [])),
) as Record<StorageType, number>;

/** Keys of everything about the tokenizer start with this. */
const TOKENIZER_PREFIX = 'tokenizer.';

/** Thrown inside when the bytes read so far end in the middle of the header. */
class NeedMore extends Error {}

/** Reads the header, growing the window until it fits. Property tests feed it damaged files. */
export async function readGguf(source: ByteSource): Promise<Gguf> {
  for (let size = FIRST_READ_BYTES; ; size *= 2) {
    const end = Math.min(size, source.byteLength);
    try {
      return parseHeader(await source.slice(0, end), source.name);
    } catch (error) {
      if (!(error instanceof NeedMore)) throw error;
      if (end === source.byteLength)
        throw new JoulewiseError(
          'checkpoint.truncated',
          `${quote(source.name)} ends inside its header: the file is cut off. Download it again.`,
        );
      if (end >= MAX_HEADER_BYTES)
        throw new JoulewiseError(
          'checkpoint.format',
          `${quote(source.name)} has a header of more than 256 MiB; it is damaged.`,
        );
    }
  }
}

function parseHeader(data: Uint8Array<ArrayBuffer>, file: string): Gguf {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const text = new TextDecoder();
  const bad = (why: string) =>
    new JoulewiseError('checkpoint.format', `${quote(file)} is not a usable GGUF file: ${why}.`);
  let at = 0;
  const take = (n: number) => {
    if (at + n > data.byteLength) throw new NeedMore();
    const was = at;
    at += n;
    return was;
  };
  const u32 = () => view.getUint32(take(4), true);
  const u64 = () => {
    const n = Number(view.getBigUint64(take(8), true));
    if (!Number.isSafeInteger(n)) throw bad('a length does not fit');
    return n;
  };
  const string = () => {
    const length = u64();
    if (length > MAX_STRING_BYTES) throw bad(`it holds a text of ${length} bytes`);
    const from = take(length);
    return text.decode(data.subarray(from, from + length));
  };
  /** Scalars by type number: [bytes, reader]. */
  const scalars: Record<number, [number, (p: number) => number | boolean | bigint]> = {
    0: [1, (p) => view.getUint8(p)],
    1: [1, (p) => view.getInt8(p)],
    2: [2, (p) => view.getUint16(p, true)],
    3: [2, (p) => view.getInt16(p, true)],
    4: [4, (p) => view.getUint32(p, true)],
    5: [4, (p) => view.getInt32(p, true)],
    6: [4, (p) => view.getFloat32(p, true)],
    7: [1, (p) => view.getUint8(p) !== 0],
    10: [8, (p) => Number(view.getBigUint64(p, true))],
    11: [8, (p) => Number(view.getBigInt64(p, true))],
    12: [8, (p) => view.getFloat64(p, true)],
  };
  const value = (type: number, depth: number): GgufValue => {
    if (type === 8) return string();
    if (type === 9) {
      const of = u32();
      const length = u64();
      if (length > MAX_ARRAY || depth > 2) throw bad(`it holds a list of ${length} values`);
      const scalar = scalars[of];
      if (scalar) {
        const [size, read] = scalar;
        const from = take(size * length);
        return Float64Array.from({ length }, (_, i) => Number(read(from + i * size)));
      }
      return Array.from({ length }, () => value(of, depth + 1));
    }
    const scalar = scalars[type];
    if (!scalar) throw bad(`value type ${type} is unknown`);
    return scalar[1](take(scalar[0]));
  };

  if (data.byteLength < 4 || u32() !== MAGIC) throw bad('it does not start with "GGUF"');
  const version = u32();
  if (version !== 2 && version !== 3) throw bad(`version ${version} is unknown; 2 and 3 are read`);
  const tensorCount = u64();
  const valueCount = u64();
  if (tensorCount > MAX_COUNT || valueCount > MAX_COUNT) throw bad('its counts are absurd');
  const metadata = new Map<string, GgufValue>();
  const tokenizer: Gguf['tokenizer'] = new Map();
  for (let i = 0; i < valueCount; i++) {
    const key = string();
    const start = at;
    metadata.set(key, value(u32(), 0));
    if (key.startsWith(TOKENIZER_PREFIX)) tokenizer.set(key, { start, end: at });
  }
  const tensors: Gguf['tensors'] = [];
  for (let i = 0; i < tensorCount; i++) {
    const name = string();
    const dimensions = u32();
    if (dimensions > 4) throw bad(`tensor ${quote(name)} has ${dimensions} dimensions`);
    const shape = Array.from({ length: dimensions }, u64).reverse();
    const type = u32();
    tensors.push({ name, shape, type, offset: u64() });
  }
  const alignment = Number(metadata.get('general.alignment') ?? 32);
  if (!(alignment > 0 && alignment <= 65536 && (alignment & (alignment - 1)) === 0))
    throw bad('its alignment is not a power of two');
  return { metadata, tensors, dataStart: Math.ceil(at / alignment) * alignment, tokenizer };
}

/** GGUF tensor names -> transformers' names. */
const BLOCK_NAMES: Record<string, (layer: number) => string> = {
  'attn_norm.weight': names.inputNorm,
  'ffn_norm.weight': names.postNorm,
  'attn_q_norm.weight': names.qNorm,
  'attn_k_norm.weight': names.kNorm,
};
const GGUF_LINEARS: Record<LinearName, string> = {
  q_proj: 'attn_q',
  k_proj: 'attn_k',
  v_proj: 'attn_v',
  o_proj: 'attn_output',
  gate_proj: 'ffn_gate',
  up_proj: 'ffn_up',
  down_proj: 'ffn_down',
};
for (const linear of LINEARS)
  for (const part of ['weight', 'bias'] as const)
    BLOCK_NAMES[`${GGUF_LINEARS[linear]}.${part}`] = (layer) => names.linear(layer, linear, part);
const OUTER_NAMES: Record<string, string> = {
  'token_embd.weight': names.embedding,
  'output_norm.weight': names.finalNorm,
  'output.weight': names.head,
};

function transformersName(gguf: string): string | null {
  const m = /^blk\.(\d{1,4})\.(.+)$/.exec(gguf);
  if (!m) return Object.hasOwn(OUTER_NAMES, gguf) ? (OUTER_NAMES[gguf] as string) : null;
  const row = m[2] as string;
  return Object.hasOwn(BLOCK_NAMES, row) ? (BLOCK_NAMES[row] as (l: number) => string)(Number(m[1])) : null;
}

/** A tensor's name in GGUF, from transformers' name. */
export function ggufName(name: string): string {
  const outer = Object.keys(OUTER_NAMES).find((gguf) => OUTER_NAMES[gguf] === name);
  if (outer) return outer;
  const layer = placeOf(name).layer ?? NaN;
  const row = Object.keys(BLOCK_NAMES).find((gguf) => BLOCK_NAMES[gguf]?.(layer) === name);
  if (!row) throw new JoulewiseError('internal', `Tensor ${quote(name)} has no name in GGUF.`);
  return `blk.${layer}.${row}`;
}

/** Tensors that carry no weight of ours: rope factors go into the config. */
export const ROPE_FACTORS = 'rope_freqs.weight';

export async function openGguf(
  source: ByteSource,
): Promise<{ gguf: Gguf; config: ModelConfig; tensors: TensorEntry[] }> {
  const gguf = await readGguf(source);
  const { metadata } = gguf;
  const architecture = metadata.get('general.architecture');
  const family = FAMILIES.find((f) => f.gguf !== null && f.gguf === architecture);
  if (!family)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `GGUF architecture ${quote(typeof architecture === 'string' ? architecture : 'unknown')} is not known here. Known: ${FAMILIES.map(
        (f) => f.gguf,
      )
        .filter(Boolean)
        .join(', ')}.`,
    );
  const entry = (t: Gguf['tensors'][number], name: string, heads: number | null): TensorEntry => {
    const storage = GGML_TYPES[t.type];
    if (typeof storage !== 'string')
      throw new JoulewiseError(
        'checkpoint.unsupported',
        `Tensor ${quote(t.name)} is stored as ${storage?.refused ?? `type ${t.type}`}, which is not read here. Use a file of type ${Object.keys(STORAGE).join(', ')}.`,
      );
    const { block, bytes } = STORAGE[storage];
    return checkEntry({
      name,
      ...(name === t.name ? {} : { from: t.name }),
      shape: t.shape,
      storage,
      source,
      offset: gguf.dataStart + t.offset,
      byteLength: (elementsOf(t.shape) / block) * bytes,
      interleavedHeads: heads,
    });
  };
  const factors = gguf.tensors.find((t) => t.name === ROPE_FACTORS);
  const config = configFromGguf(
    gguf,
    family,
    factors ? [...(await readTensor(entry(factors, ROPE_FACTORS, null)))] : null,
  );
  const tensors: TensorEntry[] = [];
  for (const t of gguf.tensors) {
    if (t === factors) continue;
    const name = transformersName(t.name);
    if (!name)
      throw new JoulewiseError(
        'checkpoint.unsupported',
        `Tensor ${quote(t.name)} is not part of a ${family.name} model as known here.`,
      );
    tensors.push(entry(t, name, family.ggufPermutesQK ? rotatedHeads(name, config) : null));
  }
  return { gguf, config, tensors };
}

function configFromGguf(gguf: Gguf, family: Family, factors: number[] | null): ModelConfig {
  const { metadata } = gguf;
  const prefix = family.gguf as string;
  const number = (key: string, fallback?: number): number => {
    const value = metadata.get(`${prefix}.${key}`) ?? fallback;
    if (typeof value !== 'number')
      throw new JoulewiseError('checkpoint.format', `The GGUF file has no number "${prefix}.${key}".`);
    return value;
  };
  const hiddenSize = number('embedding_length');
  const heads = number('attention.head_count');
  const embedding = gguf.tensors.find((t) => t.name === 'token_embd.weight');
  const headDim = number('attention.key_length', hiddenSize / heads);
  checkGgufKeys(metadata, prefix, headDim);
  const values = number('attention.value_length', headDim);
  if (values !== headDim)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `The GGUF file's values are ${values} wide and its keys ${headDim}; only equal widths are known here.`,
    );
  const parts = metadata.get('split.count') ?? 0;
  if (typeof parts !== 'number' || parts > 1)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `This GGUF file is one of ${String(parts)}; split GGUF is not read. Merge them with llama-gguf-split.`,
    );
  const context = number('context_length', 2048);
  const rope = ropeFromGguf((key) => metadata.get(`${prefix}.${key}`), factors, context);
  const window = number('attention.sliding_window', 0);
  const capped = window > 0 && window < context;
  const eos = metadata.get('tokenizer.ggml.eos_token_id');
  const eot = metadata.get('tokenizer.ggml.eot_token_id');
  const eom = metadata.get('tokenizer.ggml.eom_token_id');
  const bos = metadata.get('tokenizer.ggml.bos_token_id');
  return checkConfig({
    family: family.name,
    hiddenSize,
    intermediateSize: number('feed_forward_length'),
    layers: number('block_count'),
    heads,
    kvHeads: number('attention.head_count_kv', heads),
    headDim,
    vocabSize: embedding?.shape[0] ?? 0,
    normEpsilon: number('attention.layer_norm_rms_epsilon'),
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    maxPositions: capped ? window : context,
    ...(capped ? { limitedBy: 'sliding window' } : {}),
    tiedEmbeddings: !gguf.tensors.some((t) => t.name === 'output.weight'),
    // Llamafied checkpoints have biases that their family does not.
    qkvBias: family.qkvBias || gguf.tensors.some((t) => t.name === 'blk.0.attn_q.bias'),
    qkNorm: family.qkNorm,
    bosTokenId: typeof bos === 'number' ? bos : null,
    eosTokenIds: [...new Set([eos, eot, eom].filter((id): id is number => typeof id === 'number'))],
  });
}

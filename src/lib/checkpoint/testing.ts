/** Checkpoint files made in tests, byte by byte, and ways to damage them. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { isUsage } from '../core/testing';
import type { ModelConfig } from './config';
import { bytesSource, type FileSet } from './source';

/** SmolLM2-135M's shape. */
export const SMOLLM2: ModelConfig = {
  family: 'Llama',
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  vocabSize: 49152,
  normEpsilon: 1e-5,
  ropeTheta: 100_000,
  ropeScaling: null,
  maxPositions: 2048,
  tiedEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  bosTokenId: null,
  eosTokenIds: [],
};

export const fileSet = (files: Readonly<Record<string, Uint8Array | string>>, name = 'test'): FileSet => ({
  name,
  list: () => Promise.resolve(Object.keys(files)),
  open: (file) => {
    const data = Object.hasOwn(files, file) ? files[file] : undefined;
    return Promise.resolve(
      data === undefined ? null : bytesSource(file, typeof data === 'string' ? new TextEncoder().encode(data) : data),
    );
  },
});

const BUILTIN = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];

/** Files of the built-in checkpoint, by name. */
export const builtinFiles = (): Record<string, Uint8Array<ArrayBuffer>> =>
  Object.fromEntries(BUILTIN.map((name) => [name, new Uint8Array(readFileSync(`static/builtin/${name}`))]));

type Value = string | number | boolean | readonly string[] | Float32Array;

/** A GGUF v3 file: metadata, and float32 or raw tensors in ggml's order of dimensions (innermost first). */
export function makeGguf(
  metadata: Readonly<Record<string, Value>>,
  tensors: readonly { name: string; dims: readonly number[]; type: number; data: Uint8Array }[],
  version = 3,
): Uint8Array {
  const bytes: number[] = [];
  const number = (size: number, set: (v: DataView) => void) => {
    const b = new Uint8Array(size);
    set(new DataView(b.buffer));
    bytes.push(...b);
  };
  const u32 = (n: number) => number(4, (v) => v.setUint32(0, n, true));
  const u64 = (n: number) => number(8, (v) => v.setBigUint64(0, BigInt(n), true));
  const text = (s: string) => {
    const b = new TextEncoder().encode(s);
    u64(b.length);
    bytes.push(...b);
  };
  bytes.push(...new TextEncoder().encode('GGUF'));
  u32(version);
  u64(tensors.length);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    if (typeof value === 'string') {
      u32(8);
      text(value);
    } else if (typeof value === 'boolean') {
      u32(7);
      bytes.push(Number(value));
    } else if (typeof value === 'number') {
      if (Number.isInteger(value)) {
        u32(4);
        u32(value);
      } else {
        u32(6);
        number(4, (v) => v.setFloat32(0, value, true));
      }
    } else if (value instanceof Float32Array) {
      u32(9);
      u32(6);
      u64(value.length);
      for (const x of value) number(4, (v) => v.setFloat32(0, x, true));
    } else {
      u32(9);
      u32(8);
      u64(value.length);
      value.forEach(text);
    }
  }
  let offset = 0;
  for (const t of tensors) {
    text(t.name);
    u32(t.dims.length);
    t.dims.forEach(u64);
    u32(t.type);
    u64(offset);
    offset += Math.ceil(t.data.length / 32) * 32;
  }
  const start = Math.ceil(bytes.length / 32) * 32;
  // Nothing pads the end of the last tensor.
  const last = tensors.at(-1);
  const out = new Uint8Array(last ? start + offset - (-last.data.length & 31) : start);
  out.set(bytes);
  let to = start;
  for (const t of tensors) {
    out.set(t.data, to);
    to += Math.ceil(t.data.length / 32) * 32;
  }
  return out;
}

/** A safetensors file; `changed` overrides header entries. */
export function makeSafetensors(
  tensors: Readonly<Record<string, { dtype: string; shape: readonly number[]; data: Uint8Array }>>,
  changed: Readonly<Record<string, unknown>> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  const text = new TextEncoder().encode(JSON.stringify({ ...header, ...changed }));
  const out = new Uint8Array(8 + text.length + at);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  let to = 8 + text.length;
  for (const { data } of Object.values(tensors)) {
    out.set(data, to);
    to += data.length;
  }
  return out;
}

export const floatBytes = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** One to three damages: flipped bits, a cut, swapped bytes, or numbers made huge (lengths and counts among them). */
export function damaged(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(valid.length - 1);
  const headAt = fc.nat(Math.min(valid.length - 1, 255));
  const place = fc.oneof(at, headAt);
  const damage = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('cut' as const), at }),
    fc.record({ kind: fc.constant('swap' as const), at: place, other: place }),
    fc.record({
      kind: fc.constant('write' as const),
      at: place,
      bytes: fc.constantFrom(
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        [0xff, 0xff, 0xff, 0x7f],
        [0, 0, 0, 0, 1, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xff, 0x0f],
        [0, 0, 0, 0x80, 0, 0, 0, 0],
        [0, 0x09, 0x3d, 0],
        [0, 0, 0, 0],
      ),
    }),
  );
  return fc.array(damage, { minLength: 1, maxLength: 3 }).map((list) => {
    let data = valid.slice();
    for (const d of list) {
      if (d.kind === 'cut') data = data.slice(0, d.at);
      else if (d.at >= data.length) continue;
      else if (d.kind === 'flip') data[d.at] = (data[d.at] as number) ^ (1 << d.bit);
      else if (d.kind === 'swap') [data[d.at], data[d.other]] = [data[d.other] ?? 0, data[d.at] ?? 0];
      else d.bytes.forEach((b, i) => d.at + i < data.length && (data[d.at + i] = b));
    }
    return data;
  });
}

/** Runs `read` on a damaged file: a result, or a usage error of ours. Returns what happened. */
export async function survives(read: () => Promise<unknown>): Promise<'read' | 'refused'> {
  try {
    await read();
    return 'read';
  } catch (error) {
    if (!isUsage(error)) throw error;
    if ((error as Error).message.length > 800) throw new Error('the sentence is too long', { cause: error });
    return 'refused';
  }
}

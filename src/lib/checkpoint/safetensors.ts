import { JoulewiseError, quote } from '../core/errors';
import { readJson, type ByteSource, type FileSet } from './source';
import type { StorageType } from './storage';
import { checkEntry, elementsOf, type TensorEntry } from './tensors';

/** The format's own cap on its JSON header (safetensors: MAX_HEADER_SIZE). */
const MAX_HEADER_BYTES = 100_000_000;

const DTYPES: Record<string, StorageType> = { F32: 'F32', F16: 'F16', BF16: 'BF16' };

/**
 * What stands before the weights of a safetensors file: the length of the header in 8 bytes, and the header, filled up to
 * a multiple of 8. Tensors follow in this order, without gaps.
 */
export function safetensorsHead(
  tensors: readonly { name: string; dtype: string; shape: readonly number[]; data: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + padded).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(text, 8);
  return out;
}

/** A tensor as the file has it, of whatever type: a place that was checked, and bytes that nobody has read. */
export interface RawTensor {
  name: string;
  /** Its type in the format's own letters: "BF16", "I32". */
  dtype: string;
  shape: readonly number[];
  source: ByteSource;
  /** Bytes into the source. */
  offset: number;
  byteLength: number;
}

/** Bits of a number of each type of the format. */
const BITS: Readonly<Record<string, number>> = {
  ...{ BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8, F4: 4 },
  ...{
    F6_E2M3: 6,
    F6_E3M2: 6,
    I16: 16,
    U16: 16,
    F16: 16,
    BF16: 16,
    I32: 32,
    U32: 32,
    F32: 32,
    C64: 64,
    F64: 64,
    I64: 64,
    U64: 64,
  },
};

/** A tensor that is floating-point numbers. Throws `checkpoint.unsupported` where it is of another type. */
export function placeTensor({ dtype, ...place }: RawTensor): TensorEntry {
  const storage = Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
  if (!storage)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `Tensor ${quote(place.name)} has type ${quote(dtype)}; F32, F16 and BF16 are known. Use unquantized weights.`,
    );
  return checkEntry({ ...place, storage, interleavedHeads: null });
}

/** Reads the header of one `.safetensors` file of floating-point numbers. Names and places only; no weights. */
export const readSafetensors = async (source: ByteSource): Promise<TensorEntry[]> =>
  (await readRawTensors(source, placeTensor)).map(placeTensor);

/** Reads the header of one `.safetensors` file, whatever its types. Names and places only; no weights. */
export async function readRawTensors(source: ByteSource, judge?: (t: RawTensor) => unknown): Promise<RawTensor[]> {
  const bad = (why: string, code: 'checkpoint.format' | 'checkpoint.truncated' = 'checkpoint.format') =>
    new JoulewiseError(code, `${quote(source.name)} is not a usable safetensors file: ${why}.`);
  if (source.byteLength < 10) throw bad('it is too short', 'checkpoint.truncated');
  const head = await source.slice(0, 8);
  const length = Number(new DataView(head.buffer).getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER_BYTES) throw bad(`its header claims ${length} bytes`);
  if (8 + length > source.byteLength) throw bad('its header is cut off', 'checkpoint.truncated');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await source.slice(8, 8 + length)));
  } catch (cause) {
    if (cause instanceof JoulewiseError) throw cause;
    throw bad('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw bad('its header is not an object');

  const entries: RawTensor[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    const numbers = (x: unknown): x is number[] => Array.isArray(x) && x.every((n) => Number.isSafeInteger(n));
    const [begin = -1, end = -1] = numbers(offsets) ? offsets : [];
    // A negative place would read the header's own bytes as weights.
    if (!numbers(shape) || begin < 0 || end < begin) throw bad(`tensor ${quote(name)} has no shape or place`);
    const bits = typeof dtype === 'string' && Object.hasOwn(BITS, dtype) ? BITS[dtype] : undefined;
    const raw = { name, dtype: String(dtype), shape, source, offset: 8 + length + begin, byteLength: end - begin };
    if (bits === undefined || Object.hasOwn(DTYPES, raw.dtype)) placeTensor(raw);
    else if (shape.some((d) => d < 0) || (elementsOf(shape) * bits) / 8 !== raw.byteLength)
      throw bad(`tensor ${quote(name)} does not fill its ${raw.byteLength} bytes`);
    if (raw.offset + raw.byteLength > source.byteLength)
      throw bad(`it is cut off before tensor ${quote(name)} ends`, 'checkpoint.truncated');
    judge?.(raw);
    entries.push(raw);
  }
  const sorted = entries.slice().sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1] as RawTensor;
    const after = sorted[i] as RawTensor;
    if (after.byteLength > 0 && before.offset + before.byteLength > after.offset)
      throw bad(`tensors ${quote(before.name)} and ${quote(after.name)} overlap`);
  }
  return entries;
}

/** Single or sharded weights of a folder: null where it has none. */
export async function readSafetensorsSet(files: FileSet): Promise<RawTensor[] | null> {
  const single = await files.open('model.safetensors');
  if (single) return readRawTensors(single);
  const index = await files.open('model.safetensors.index.json');
  if (index) {
    const map = (await readJson(index))['weight_map'];
    if (typeof map !== 'object' || map === null)
      throw new JoulewiseError('checkpoint.format', 'model.safetensors.index.json has no "weight_map".');
    const entries: RawTensor[] = [];
    for (const shard of new Set(Object.values(map as Record<string, unknown>).map(String))) {
      const source = await files.open(shard);
      if (!source)
        throw new JoulewiseError(
          'checkpoint.truncated',
          `Shard ${quote(shard)} is missing. Add all files that model.safetensors.index.json names.`,
        );
      entries.push(...(await readRawTensors(source)));
    }
    return entries;
  }
  const other =
    (await files.list())?.filter((f) => f.endsWith('.safetensors') && !f.endsWith('adapter_model.safetensors')) ?? [];
  if (other.length !== 1) return null;
  const source = await files.open(other[0] as string);
  return source && readRawTensors(source);
}

import { JoulewiseError, quote } from '../core/errors';
import { readJson, type ByteSource, type FileSet } from './source';
import type { StorageType } from './storage';
import { checkEntry, type TensorEntry } from './tensors';

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

/** Reads the header of one `.safetensors` file. Names and places only; no weights. */
export async function readSafetensors(source: ByteSource): Promise<TensorEntry[]> {
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

  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    const storage = typeof dtype === 'string' && Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
    if (!storage)
      throw new JoulewiseError(
        'checkpoint.unsupported',
        `Tensor ${quote(name)} has type ${quote(String(dtype))}; F32, F16 and BF16 are known. Use unquantized weights.`,
      );
    const numbers = (x: unknown): x is number[] => Array.isArray(x) && x.every((n) => Number.isSafeInteger(n));
    const [begin = -1, end = -1] = numbers(offsets) ? offsets : [];
    // A negative place would read the header's own bytes as weights.
    if (!numbers(shape) || begin < 0 || end < begin) throw bad(`tensor ${quote(name)} has no shape or place`);
    entries.push(
      checkEntry({
        name,
        shape,
        storage,
        source,
        offset: 8 + length + begin,
        byteLength: end - begin,
        interleavedHeads: null,
      }),
    );
  }
  const sorted = entries.slice().sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1] as TensorEntry;
    const after = sorted[i] as TensorEntry;
    if (after.byteLength > 0 && before.offset + before.byteLength > after.offset)
      throw bad(`tensors ${quote(before.name)} and ${quote(after.name)} overlap`);
  }
  return entries;
}

/** Single or sharded weights of a folder: null where it has none. */
export async function readSafetensorsSet(files: FileSet): Promise<TensorEntry[] | null> {
  const single = await files.open('model.safetensors');
  if (single) return readSafetensors(single);
  const index = await files.open('model.safetensors.index.json');
  if (index) {
    const map = (await readJson(index))['weight_map'];
    if (typeof map !== 'object' || map === null)
      throw new JoulewiseError('checkpoint.format', 'model.safetensors.index.json has no "weight_map".');
    const entries: TensorEntry[] = [];
    for (const shard of new Set(Object.values(map as Record<string, unknown>).map(String))) {
      const source = await files.open(shard);
      if (!source)
        throw new JoulewiseError(
          'checkpoint.truncated',
          `Shard ${quote(shard)} is missing. Add all files that model.safetensors.index.json names.`,
        );
      entries.push(...(await readSafetensors(source)));
    }
    return entries;
  }
  const other =
    (await files.list())?.filter((f) => f.endsWith('.safetensors') && !f.endsWith('adapter_model.safetensors')) ?? [];
  if (other.length !== 1) return null;
  const source = await files.open(other[0] as string);
  return source && readSafetensors(source);
}

import { JoulewiseError, quote } from '../core/errors';
import type { ByteSource } from './source';
import { STORAGE, type StorageRow, type StorageType } from './storage';

/** Where one tensor lies. `shape` is row-major as transformers has it: linear weights are [out, in]. */
export interface TensorEntry {
  name: string;
  /** What the file calls it, where that is another name. */
  from?: string;
  shape: readonly number[];
  storage: StorageType;
  source: ByteSource;
  /** Bytes into the source. */
  offset: number;
  byteLength: number;
  /** Rows of q/k as llama.cpp interleaves them for its rope; undone on reading. Heads of this tensor, or null. */
  interleavedHeads: number | null;
  /** How its numbers are made from several tensors of the file (quantized.ts); unset = they are stored as `storage` says. */
  unpack?: () => Promise<Float32Array<ArrayBuffer>>;
}

export const elementsOf = (shape: readonly number[]) => shape.reduce((a, d) => a * d, 1);

/** Checks that a tensor's shape, type and place agree with its file; every reader passes its entries through here. */
export function checkEntry(entry: TensorEntry): TensorEntry {
  const { block, bytes } = STORAGE[entry.storage];
  const elements = elementsOf(entry.shape);
  if (
    !Number.isSafeInteger(elements) ||
    entry.shape.length > 8 ||
    entry.shape.some((d) => !Number.isInteger(d) || d < 0)
  )
    throw new JoulewiseError('checkpoint.format', `Tensor ${quote(entry.name)} has an impossible shape.`);
  const row = entry.shape.at(-1) ?? 1;
  if (row % block !== 0 || (elements / block) * bytes !== entry.byteLength)
    throw new JoulewiseError(
      'checkpoint.format',
      `Tensor ${quote(entry.name)} of shape ${entry.shape.join('x')} and type ${entry.storage} does not fill its ${entry.byteLength} bytes.`,
    );
  if (entry.offset < 0 || entry.offset + entry.byteLength > entry.source.byteLength)
    throw new JoulewiseError(
      'checkpoint.truncated',
      `${quote(entry.source.name)} ends before tensor ${quote(entry.name)} does: the file is cut off. Download it again.`,
    );
  return entry;
}

/** Bytes read at once while decoding: bounds memory for large tensors. */
const CHUNK_BYTES = 16 * 2 ** 20;

/** Reads and decodes one tensor to float32, in chunks. */
export async function readTensor(entry: TensorEntry): Promise<Float32Array<ArrayBuffer>> {
  if (entry.unpack) return entry.unpack();
  const storage: StorageRow = STORAGE[entry.storage];
  const { block, bytes, decode } = storage;
  const out = new Float32Array(elementsOf(entry.shape));
  const blocks = entry.byteLength / bytes;
  const step = Math.max(1, Math.floor(CHUNK_BYTES / bytes));
  for (let b = 0; b < blocks; b += step) {
    const n = Math.min(step, blocks - b);
    const raw = await entry.source.slice(entry.offset + b * bytes, entry.offset + (b + n) * bytes);
    decode(raw, out.subarray(b * block, (b + n) * block), n);
  }
  return entry.interleavedHeads === null ? out : undoInterleave(out, entry.shape, entry.interleavedHeads);
}

/**
 * llama.cpp's converter stores row (head, pair i, half t) where transformers has (head, half t, pair i):
 * `reshape(heads, 2, dim/2, in).swapaxes(1, 2)` in convert_hf_to_gguf.py. Works for weights [out, in] and biases [out].
 */
function undoInterleave(
  data: Float32Array<ArrayBuffer>,
  shape: readonly number[],
  heads: number,
): Float32Array<ArrayBuffer> {
  const rows = shape[0] as number;
  const width = elementsOf(shape.slice(1));
  const dim = rows / heads;
  const out = new Float32Array(data.length);
  for (let head = 0; head < heads; head++)
    for (let t = 0; t < 2; t++)
      for (let i = 0; i < dim / 2; i++) {
        const from = (head * dim + 2 * i + t) * width;
        out.set(data.subarray(from, from + width), (head * dim + t * (dim / 2) + i) * width);
      }
  return out;
}

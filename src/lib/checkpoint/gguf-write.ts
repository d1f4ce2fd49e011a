import { JoulewiseError, quote } from '../core/errors';
import { GGML_NUMBERS } from './gguf';
import { STORAGE, type StorageType } from './storage';
import { elementsOf } from './tensors';

/**
 * Writes GGUF v3 (ggml/docs/gguf.md) front to back: header, metadata and tensor directory at once, since all sizes follow
 * from shapes and types; then tensor after tensor, so that no more of a model is in memory than one of them.
 */

/** A value with its GGUF type: llama.cpp refuses a number of another width. `raw` is type and value as another file has them. */
export type GgufField =
  | { type: 'u32' | 'i32' | 'f32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'i32s' | 'f32s'; value: readonly number[] }
  | { type: 'raw'; value: Uint8Array<ArrayBuffer> };

/** `shape` is row-major, as transformers has it; the file has it innermost first. */
export interface GgufTensorPlan {
  name: string;
  shape: readonly number[];
  storage: StorageType;
}

/** Where data goes, piece by piece. */
export interface Sequential {
  append(data: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

const MAGIC = 'GGUF';
const VERSION = 3;
/** Tensor data starts at multiples of this; the format's default, so no key says it. */
const ALIGNMENT = 32;
const padding = (bytes: number) => -bytes & (ALIGNMENT - 1);

/** GGUF's numbers of value types. */
const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

/** Bytes that grow by doubling. */
class Bytes {
  #data = new Uint8Array(2 ** 16);
  #view = new DataView(this.#data.buffer);
  #length = 0;

  #take(n: number): number {
    const at = this.#length;
    this.#length += n;
    if (this.#length > this.#data.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.#length)));
      larger.set(this.#data);
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
  u32(n: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, n, true);
  }
  i32(n: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, n, true);
  }
  f32(n: number): void {
    const at = this.#take(4);
    this.#view.setFloat32(at, n, true);
  }
  u64(n: number): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, BigInt(n), true);
  }
  bytes(data: Uint8Array): void {
    const at = this.#take(data.length);
    this.#data.set(data, at);
  }
  string(text: string): void {
    const data = new TextEncoder().encode(text);
    this.u64(data.length);
    this.bytes(data);
  }
  pad(): void {
    this.#take(padding(this.#length));
  }
  done(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }
}

function writeField(out: Bytes, field: GgufField): void {
  const list = <T>(of: number, values: readonly T[], write: (v: T) => void) => {
    out.u32(TYPE.array);
    out.u32(of);
    out.u64(values.length);
    values.forEach(write);
  };
  switch (field.type) {
    case 'u32':
    case 'i32':
    case 'f32':
      out.u32(TYPE[field.type]);
      out[field.type](field.value);
      return;
    case 'bool':
      out.u32(TYPE.bool);
      out.bytes(Uint8Array.of(Number(field.value)));
      return;
    case 'string':
      out.u32(TYPE.string);
      out.string(field.value);
      return;
    case 'strings':
      list(TYPE.string, field.value, (v) => out.string(v));
      return;
    case 'i32s':
      list(TYPE.i32, field.value, (v) => out.i32(v));
      return;
    case 'f32s':
      list(TYPE.f32, field.value, (v) => out.f32(v));
      return;
    case 'raw':
      out.bytes(field.value);
      return;
    default:
      field satisfies never;
  }
}

/** Bytes that a tensor takes, padding aside; a row must be made of whole blocks. */
export function tensorBytes({ name, shape, storage }: GgufTensorPlan): number {
  const { block, bytes } = STORAGE[storage];
  if ((shape.at(-1) ?? 1) % block !== 0)
    throw new JoulewiseError('internal', `Rows of tensor ${quote(name)} are not made of whole blocks of ${block}.`);
  return (elementsOf(shape) / block) * bytes;
}

/** The file up to its tensor data, and the length of the whole file in bytes. */
export function ggufHeader(
  metadata: ReadonlyMap<string, GgufField>,
  tensors: readonly GgufTensorPlan[],
): { header: Uint8Array<ArrayBuffer>; byteLength: number } {
  const out = new Bytes();
  out.bytes(new TextEncoder().encode(MAGIC));
  out.u32(VERSION);
  out.u64(tensors.length);
  out.u64(metadata.size);
  for (const [key, field] of metadata) {
    out.string(key);
    writeField(out, field);
  }
  let at = 0;
  for (const t of tensors) {
    out.string(t.name);
    out.u32(t.shape.length);
    for (const d of t.shape.slice().reverse()) out.u64(d);
    out.u32(GGML_NUMBERS[t.storage]);
    out.u64(at);
    const bytes = tensorBytes(t);
    at += bytes + padding(bytes);
  }
  out.pad();
  const header = out.done();
  return { header, byteLength: header.length + at };
}

/** Writes a file's tensors in the order of its directory; `close` refuses a file that lacks one. */
export interface GgufWriter {
  byteLength: number;
  tensor(name: string, data: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

export async function openGgufWriter(
  file: Sequential,
  metadata: ReadonlyMap<string, GgufField>,
  tensors: readonly GgufTensorPlan[],
): Promise<GgufWriter> {
  const { header, byteLength } = ggufHeader(metadata, tensors);
  await file.append(header);
  let next = 0;
  return {
    byteLength,
    async tensor(name, data) {
      const plan = tensors[next++];
      if (plan?.name !== name)
        throw new JoulewiseError(
          'internal',
          `Tensor ${quote(name)} came where ${quote(plan?.name ?? 'none')} belongs.`,
        );
      if (data.byteLength !== tensorBytes(plan))
        throw new JoulewiseError(
          'internal',
          `Tensor ${quote(name)} has ${data.byteLength} bytes where its place has ${tensorBytes(plan)}.`,
        );
      await file.append(data);
      const rest = padding(data.byteLength);
      if (rest) await file.append(new Uint8Array(rest));
    },
    async close() {
      if (next !== tensors.length)
        throw new JoulewiseError('internal', `Of ${tensors.length} tensors ${next} were written.`);
      await file.close();
    },
  };
}

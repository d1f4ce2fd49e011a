import {
  closeSync,
  existsSync,
  mkdirSync,
  openAsBlob,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { openGguf } from '../../../src/lib/checkpoint/gguf';
import { blobSource } from '../../../src/lib/checkpoint/source';
import { readTensor } from '../../../src/lib/checkpoint/tensors';
import { ROUND, toHalf } from '../../../src/lib/core/half';
import { hash32 } from '../../../src/lib/core/random';
import { root } from './checkpoint';

/** Weights that share a scale in llama.cpp's Q8_0 and Q4_0. */
const BLOCK = 32;

/** ggml's types, as far as the bench writes them: number in the file, and the bytes of one block. */
const TYPES = {
  F32: { type: 0, pack: (w: Float32Array) => new Uint8Array(w.buffer, w.byteOffset, w.byteLength) },
  /** quantize_row_q8_0_ref of ggml-quants.c: d = max|w| / 127. */
  Q8_0: { type: 8, pack: (w: Float32Array) => packBlocks(w, BLOCK, (largest) => Math.abs(largest) / 127, 127) },
  /** quantize_row_q4_0_ref: d = (entry of largest magnitude) / -8; entry i in a low nibble, i + 16 in its high one. */
  Q4_0: { type: 2, pack: (w: Float32Array) => packBlocks(w, BLOCK / 2, (largest) => largest / -8, 7) },
} as const;

export type GgmlType = 'Q8_0' | 'Q4_0';

function packBlocks(w: Float32Array, dataBytes: number, scaleOf: (largest: number) => number, top: number): Uint8Array {
  const blocks = w.length / BLOCK;
  const out = new Uint8Array(blocks * (2 + dataBytes));
  for (let b = 0, at = 0; b < blocks; b++) {
    let largest = 0;
    for (let i = 0; i < BLOCK; i++) {
      const v = w[b * BLOCK + i] as number;
      if (Math.abs(v) > Math.abs(largest)) largest = v;
    }
    const d = Math.fround(scaleOf(largest));
    const h = toHalf(d);
    out[at++] = h & 255;
    out[at++] = h >> 8;
    const level = (i: number) => Math.min(top, d === 0 ? 0 : (w[b * BLOCK + i] as number) / d + ROUND - ROUND);
    if (dataBytes === BLOCK) for (let i = 0; i < BLOCK; i++) out[at++] = level(i);
    else for (let i = 0; i < dataBytes; i++) out[at++] = (level(i) + 8) | ((level(i + dataBytes) + 8) << 4);
  }
  return out;
}

const ALIGNMENT = 32;

/** Not beside the original: that folder is the user's, and whoever looks for a checkpoint there would find these too. */
const FOLDER = join(root, '.joulewise', 'requantized');

/**
 * The same GGUF with its matrices in another type, kept under .joulewise: what llama.cpp computes with is made from the
 * same numbers as ours. As in our 4-bit recipes, embedding and output projection keep 8 bits.
 */
export async function requantize(path: string, type: GgmlType): Promise<string> {
  const { size, mtimeMs } = statSync(path);
  const made = hash32(`${resolve(path)} ${size} ${mtimeMs}`).toString(16);
  const target = join(FOLDER, basename(path).replace(/(?:\.[A-Z0-9_]+)?\.gguf$/, `.${made}.${type}.gguf`));
  if (existsSync(target)) return target;
  mkdirSync(FOLDER, { recursive: true });
  const { gguf, tensors } = await openGguf(blobSource(path, await openAsBlob(path)));
  const header = Buffer.alloc(gguf.dataStart);
  const from = openSync(path, 'r');
  readSync(from, header, 0, header.length, 0);
  closeSync(from);
  const first = gguf.tensors[0]?.name ?? '';
  // The list of tensors starts with the first one's name; before it stand the metadata, which are kept byte by byte.
  const list = header.indexOf(Buffer.concat([u64(first.length), Buffer.from(first)]));
  const rows = gguf.tensors.map((t) => {
    const outer = t.name === 'token_embd.weight' || t.name === 'output.weight';
    const matrix = t.shape.length === 2 && (t.shape[1] as number) % BLOCK === 0;
    return { ...t, as: TYPES[!matrix ? 'F32' : outer ? 'Q8_0' : type] };
  });
  const partial = `${target}.part`;
  const to = openSync(partial, 'w');
  try {
    let at = writeSync(to, header.subarray(0, list));
    let offset = 0;
    const elements = (t: (typeof rows)[number]) => t.shape.reduce((a, d) => a * d, 1);
    const bytesOf = (t: (typeof rows)[number]) =>
      t.as === TYPES.F32 ? 4 * elements(t) : (elements(t) / BLOCK) * (2 + (t.as === TYPES.Q8_0 ? BLOCK : BLOCK / 2));
    for (const t of rows) {
      const dims = [...t.shape].reverse();
      at += writeSync(
        to,
        Buffer.concat([
          u64(t.name.length),
          Buffer.from(t.name),
          u32(dims.length),
          ...dims.map(u64),
          u32(t.as.type),
          u64(offset),
        ]),
      );
      offset += Math.ceil(bytesOf(t) / ALIGNMENT) * ALIGNMENT;
    }
    at += writeSync(to, Buffer.alloc(-at & (ALIGNMENT - 1)));
    for (const t of rows) {
      const entry = tensors.find((e) => e.offset === gguf.dataStart + t.offset);
      if (!entry) throw new Error(`${t.name} is not a weight that is read here`);
      const packed = t.as.pack(await readTensor({ ...entry, interleavedHeads: null }));
      at += writeSync(to, packed);
      at += writeSync(to, Buffer.alloc(-at & (ALIGNMENT - 1)));
    }
  } finally {
    closeSync(to);
  }
  renameSync(partial, target);
  return target;
}

function u32(n: number): Buffer {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(n);
  return b;
}

function u64(n: number): Buffer {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(n));
  return b;
}

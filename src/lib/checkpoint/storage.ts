import { halfTable } from '../core/half';

/**
 * How numbers are stored in a checkpoint: one row per storage type, with its block size, bytes per block and decoder
 * to float32. GGUF block layouts follow ggml-quants.c (ggml-org/llama.cpp); super-blocks hold 256 values.
 */
export interface StorageRow {
  /** Values per block. */
  block: number;
  /** Bytes per block. */
  bytes: number;
  /** Decodes `count` blocks from `src` into `dst` (float32). */
  decode: (src: Uint8Array<ArrayBuffer>, dst: Float32Array, count: number) => void;
}

const half = (src: Uint8Array, at: number) => {
  return halfTable()[(src[at] as number) | ((src[at + 1] as number) << 8)] as number;
};

/** Values per k-quant super-block. */
const QK = 256;

/** 6-bit scale and min number j of a Q4_K / Q5_K super-block (get_scale_min_k4). */
function scaleMin(src: Uint8Array, at: number, j: number): [number, number] {
  const q = (i: number) => src[at + i] as number;
  if (j < 4) return [q(j) & 63, q(j + 4) & 63];
  return [(q(j + 4) & 15) | ((q(j - 4) >> 6) << 4), (q(j + 4) >> 4) | ((q(j) >> 6) << 4)];
}

/** One row for the four legacy 4/5-bit types: 32 values, d[, m], [high bits,] nibbles. */
function legacy(bits: 4 | 5, withMin: boolean): StorageRow {
  const high = bits === 5 ? 4 : 0;
  const head = withMin ? 4 : 2;
  const bytes = head + high + 16;
  const zero = withMin ? 0 : 1 << (bits - 1);
  return {
    block: 32,
    bytes,
    decode(src, dst, count) {
      for (let b = 0, at = 0, o = 0; b < count; b++, at += bytes, o += 32) {
        const d = half(src, at);
        const m = withMin ? half(src, at + 2) : 0;
        const h = high ? new DataView(src.buffer, src.byteOffset + at + head, 4).getUint32(0, true) : 0;
        const q = at + head + high;
        for (let i = 0; i < 16; i++) {
          const byte = src[q + i] as number;
          let lo = byte & 15;
          let hi = byte >> 4;
          if (high) {
            lo |= ((h >>> i) & 1) << 4;
            hi |= ((h >>> (i + 16)) & 1) << 4;
          }
          dst[o + i] = (lo - zero) * d + m;
          dst[o + 16 + i] = (hi - zero) * d + m;
        }
      }
    },
  };
}

/**
 * Q4_K and Q5_K: d, dmin, eight 6-bit scales and minima, [256 high bits,] nibbles. Bit j of high byte i belongs to value
 * i of group j; nibble bytes hold two neighbouring groups, the even one low.
 */
function kQuant(bits: 4 | 5): StorageRow {
  const high = 16;
  const low = bits === 5 ? high + QK / 8 : high;
  const bytes = low + QK / 2;
  return {
    block: QK,
    bytes,
    decode(src, dst, count) {
      for (let b = 0, at = 0, o = 0; b < count; b++, at += bytes, o += QK) {
        const d = half(src, at);
        const dmin = half(src, at + 2);
        for (let j = 0; j < 8; j++) {
          const [scale, min] = scaleMin(src, at + 4, j);
          const nibbles = at + low + (j >> 1) * 32;
          const shift = 4 * (j & 1);
          for (let i = 0; i < 32; i++) {
            const upper = bits === 5 ? (((src[at + high + i] as number) >> j) & 1) << 4 : 0;
            const q = (((src[nibbles + i] as number) >> shift) & 15) | upper;
            dst[o + j * 32 + i] = d * scale * q - dmin * min;
          }
        }
      }
    },
  };
}

export const STORAGE = {
  F32: {
    block: 1,
    bytes: 4,
    decode(src, dst, count) {
      // The slice may sit at any byte offset; copy into the destination's own bytes.
      new Uint8Array(dst.buffer, dst.byteOffset, count * 4).set(src.subarray(0, count * 4));
    },
  },
  F16: {
    block: 1,
    bytes: 2,
    decode(src, dst, count) {
      const table = halfTable();
      for (let i = 0, at = 0; i < count; i++, at += 2)
        dst[i] = table[(src[at] as number) | ((src[at + 1] as number) << 8)] as number;
    },
  },
  BF16: {
    block: 1,
    bytes: 2,
    decode(src, dst, count) {
      const out = new Uint32Array(dst.buffer, dst.byteOffset, count);
      for (let i = 0, at = 0; i < count; i++, at += 2)
        out[i] = ((src[at] as number) << 16) | ((src[at + 1] as number) << 24);
    },
  },
  Q8_0: {
    block: 32,
    bytes: 34,
    decode(src, dst, count) {
      for (let b = 0, at = 0, o = 0; b < count; b++, at += 34, o += 32) {
        const d = half(src, at);
        for (let i = 0; i < 32; i++) dst[o + i] = (((src[at + 2 + i] as number) << 24) >> 24) * d;
      }
    },
  },
  Q4_0: legacy(4, false),
  Q4_1: legacy(4, true),
  Q5_0: legacy(5, false),
  Q5_1: legacy(5, true),
  Q4_K: kQuant(4),
  Q5_K: kQuant(5),
  Q6_K: {
    block: QK,
    bytes: 210,
    decode(src, dst, count) {
      for (let b = 0, at = 0, o = 0; b < count; b++, at += 210, o += QK) {
        const d = half(src, at + 208);
        for (let n = 0; n < 2; n++) {
          const ql = at + n * 64;
          const qh = at + 128 + n * 32;
          const sc = at + 192 + n * 8;
          const to = o + n * 128;
          for (let i = 0; i < 32; i++) {
            const a = src[ql + i] as number;
            const c = src[ql + 32 + i] as number;
            const h = src[qh + i] as number;
            const scale = (k: number) => d * (((src[sc + k + (i >> 4)] as number) << 24) >> 24);
            dst[to + i] = scale(0) * (((a & 15) | ((h & 3) << 4)) - 32);
            dst[to + 32 + i] = scale(2) * (((c & 15) | (((h >> 2) & 3) << 4)) - 32);
            dst[to + 64 + i] = scale(4) * (((a >> 4) | (((h >> 4) & 3) << 4)) - 32);
            dst[to + 96 + i] = scale(6) * (((c >> 4) | (((h >> 6) & 3) << 4)) - 32);
          }
        }
      }
    },
  },
} as const satisfies Record<string, StorageRow>;

export type StorageType = keyof typeof STORAGE;

import { ROUND } from '../core/half';
import { BLOCK, halves, type StoredTensor } from './stored';

export type PrecisionName = 'fp32' | 'fp16' | 'int8' | 'int4';

export interface Precision {
  /** Bits a weight takes, scales aside. */
  bits: number;
  /** Precision of embedding and output projection: these stay at 8 bits or more. */
  outer: PrecisionName;
  /** Linear weights [rows = out, columns = in]. */
  store(weights: Float32Array, rows: number, columns: number): StoredTensor;
}

export const PRECISIONS: Readonly<Record<PrecisionName, Precision>> = {
  fp32: { bits: 32, outer: 'fp32', store: (data, rows, columns) => ({ format: 'fp32', rows, columns, data }) },
  fp16: {
    bits: 16,
    outer: 'fp16',
    store: (data, rows, columns) => ({ format: 'fp16', rows, columns, data: halves(data) }),
  },
  int8: { bits: 8, outer: 'int8', store: (w, rows, columns) => quantizeBlocks(w, rows, columns, 8) },
  int4: { bits: 4, outer: 'int8', store: (w, rows, columns) => quantizeBlocks(w, rows, columns, 4) },
};

/** round(w / s) + zero in float32, half to even, clamped to 0..top. */
const level = (w: number, s: number, zero: number, top: number): number => {
  const q = (Math.fround(w / s) + ROUND - ROUND + zero) | 0;
  return q > top ? top : q < 0 ? 0 : q;
};

/**
 * Round-to-nearest symmetric blocks, as ONNX Runtime's MatMulNBits quantizer does: m = the entry of largest magnitude
 * (the first of equals), s = -m / 2^(bits-1), q = clamp(round(w / s) + 2^(bits-1)). Zero maps to zero, so masks survive.
 * All in float32.
 */
export function quantizeBlocks(w: Float32Array, rows: number, columns: number, bits: 4 | 8): StoredTensor {
  const zero = 1 << (bits - 1);
  const blocks = Math.ceil(columns / BLOCK);
  const blockBytes = (BLOCK * bits) / 8;
  // Padding and blocks of zeros are made of the zero point.
  const data = new Uint8Array(rows * blocks * blockBytes).fill(bits === 8 ? zero : zero | (zero << 4));
  const scales = new Float32Array(rows * blocks);
  const patterns = new Int32Array(w.buffer, w.byteOffset, w.length);
  for (let r = 0, b = 0; r < rows; r++) {
    for (let k = 0; k < columns; k += BLOCK, b++) {
      const from = r * columns + k;
      const end = from + Math.min(BLOCK, columns - k);
      // Magnitudes compare as integers (the float32 pattern without its sign), which needs no branch to mispredict.
      let largest = 0;
      for (let i = from; i < end; i++) {
        const more = ((patterns[i] as number) & 0x7fffffff) - largest;
        largest += more & ~(more >> 31);
      }
      let at = from;
      while (((patterns[at] as number) & 0x7fffffff) !== largest) at++;
      const s = Math.fround(-(w[at] as number) / zero);
      // +0, not -0: a block of zeros has no sign.
      if (s === 0) continue;
      scales[b] = s;
      let to = b * blockBytes;
      if (bits === 8) for (let i = from; i < end; i++) data[to++] = level(w[i] as number, s, 128, 255);
      else {
        let i = from;
        for (; i + 1 < end; i += 2)
          data[to++] = level(w[i] as number, s, 8, 15) | (level(w[i + 1] as number, s, 8, 15) << 4);
        if (i < end) data[to] = level(w[i] as number, s, 8, 15) | (8 << 4);
      }
    }
  }
  return { format: 'blocks', bits, rows, columns, data, scales };
}

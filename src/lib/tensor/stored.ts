import { halfTable, toHalf } from '../core/half';

/**
 * A tensor as a recipe stores it. Blocks run along the input dimension; a row's last block may be short, and is padded
 * with zeros. Every engine reads this one form, whatever its kernel packs from it.
 */
export type StoredTensor =
  | { format: 'fp32'; rows: number; columns: number; data: Float32Array }
  | { format: 'fp16'; rows: number; columns: number; data: Uint16Array }
  | {
      format: 'blocks';
      bits: 4 | 8;
      rows: number;
      columns: number;
      /** MatMulNBits' B: [rows, blocks, BLOCK * bits / 8]; 4-bit has element 2i in the low nibble. */
      data: Uint8Array;
      /** [rows, blocks]; value = (q - 2^(bits-1)) * scale. */
      scales: Float32Array;
    };

/** Weights per block and scale. */
export const BLOCK = 32;

/** Numbers as half-precision bits. */
export function halves(data: Float32Array): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = toHalf(data[i] as number);
  return out;
}

/** Back to float32 [rows, columns]: exactly the numbers that every kernel computes with or packs from. */
export function dequantize(t: StoredTensor): Float32Array {
  switch (t.format) {
    case 'fp32':
      return t.data;
    case 'fp16': {
      const table = halfTable();
      const out = new Float32Array(t.data.length);
      for (let i = 0; i < out.length; i++) out[i] = table[t.data[i] as number] as number;
      return out;
    }
    case 'blocks': {
      const { rows, columns, data, scales, bits } = t;
      const zero = 1 << (bits - 1);
      const out = new Float32Array(rows * columns);
      for (let r = 0, b = 0; r < rows; r++)
        for (let k = 0; k < columns; k += BLOCK, b++) {
          const s = scales[b] as number;
          const n = Math.min(BLOCK, columns - k);
          const to = r * columns + k;
          if (bits === 8) for (let i = 0; i < n; i++) out[to + i] = ((data[b * BLOCK + i] as number) - zero) * s;
          else {
            const from = b * (BLOCK / 2);
            for (let i = 0; i < n; i++) {
              const byte = data[from + (i >> 1)] as number;
              out[to + i] = ((i & 1 ? byte >> 4 : byte & 15) - zero) * s;
            }
          }
        }
      return out;
    }
    default:
      return t satisfies never;
  }
}

/** Bits of a float, without the sign of zero: -0 weighs nothing either, and packers compare bits. `magnitude`: all bits but the sign. */
export const unsignedZero = (bits: number, magnitude: 0x7fff | 0x7fffffff) => ((bits & magnitude) === 0 ? 0 : bits);

/** Whether every group of four inputs of every row has at most two weights that are not zero, so that 2:4 loses nothing. */
export function is2of4(t: StoredTensor): boolean {
  const { rows, columns } = t;
  const zero = zeroTest(t);
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < columns; k += 4) {
      let weights = 0;
      for (let i = k; i < Math.min(k + 4, columns); i++) if (!zero(r, i)) weights++;
      if (weights > 2) return false;
    }
  return true;
}

/** Tells whether the stored weight at (row, column) is zero, of whatever sign. */
function zeroTest(t: StoredTensor): (row: number, column: number) => boolean {
  const { columns } = t;
  switch (t.format) {
    case 'fp32':
      return (r, k) => t.data[r * columns + k] === 0;
    case 'fp16':
      return (r, k) => unsignedZero(t.data[r * columns + k] as number, 0x7fff) === 0;
    case 'blocks': {
      const { data, scales, bits } = t;
      const blocks = Math.ceil(columns / BLOCK);
      return (r, k) => {
        const block = r * blocks + Math.floor(k / BLOCK);
        if (scales[block] === 0) return true;
        if (bits === 8) return data[block * BLOCK + (k % BLOCK)] === 128;
        const byte = data[block * (BLOCK / 2) + ((k % BLOCK) >> 1)] as number;
        return (k & 1 ? byte >> 4 : byte & 15) === 8;
      };
    }
    default:
      return t satisfies never;
  }
}

/** Bytes that the stored form takes, counted on its buffers. */
export const storedBytes = (t: StoredTensor) => t.data.byteLength + (t.format === 'blocks' ? t.scales.byteLength : 0);

/** Weights that are exactly zero in the stored form, counted. */
export function countZeros(t: StoredTensor): number {
  let zeros = 0;
  switch (t.format) {
    case 'fp32':
      for (const v of t.data) if (v === 0) zeros++;
      return zeros;
    case 'fp16':
      for (const v of t.data) if ((v & 0x7fff) === 0) zeros++;
      return zeros;
    case 'blocks': {
      const { columns, rows, data, scales, bits } = t;
      const zero = 1 << (bits - 1);
      for (let r = 0, b = 0; r < rows; r++)
        for (let k = 0; k < columns; k += BLOCK, b++) {
          const n = Math.min(BLOCK, columns - k);
          if (scales[b] === 0) zeros += n;
          else if (bits === 8) {
            for (let i = 0; i < n; i++) if (data[b * BLOCK + i] === zero) zeros++;
          } else
            for (let i = 0; i < n; i++) {
              const byte = data[b * (BLOCK / 2) + (i >> 1)] as number;
              if ((i & 1 ? byte >> 4 : byte & 15) === zero) zeros++;
            }
        }
      return zeros;
    }
    default:
      return t satisfies never;
  }
}

/** Rows from..to of a stored tensor, without copying weights. */
export function sliceRows(t: StoredTensor, from: number, to: number): StoredTensor {
  const rows = to - from;
  const { columns } = t;
  switch (t.format) {
    case 'fp32':
      return { ...t, rows, data: t.data.subarray(from * columns, to * columns) };
    case 'fp16':
      return { ...t, rows, data: t.data.subarray(from * columns, to * columns) };
    case 'blocks': {
      const blocks = Math.ceil(columns / BLOCK);
      const bytes = (blocks * BLOCK * t.bits) / 8;
      return {
        ...t,
        rows,
        data: t.data.subarray(from * bytes, to * bytes),
        scales: t.scales.subarray(from * blocks, to * blocks),
      };
    }
    default:
      return t satisfies never;
  }
}

/** The bytes of an array, without copying them. */
export const bytesOf = (a: Float32Array | Uint16Array | Int32Array | Int8Array | Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(a.buffer as ArrayBuffer, a.byteOffset, a.byteLength);

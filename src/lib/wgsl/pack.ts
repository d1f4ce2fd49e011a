import { BLOCK, dequantize, sliceRows, unsignedZero, type StoredTensor } from '../tensor/stored';

/** How a block's values are kept; 2:4 halves the number of values and adds one word of indices. */
export type ValueFormat = 'f32' | 'f16' | 'i8' | 'i4';

export interface MatrixLayout {
  format: ValueFormat;
  sparse: boolean;
  rows: number;
  columns: number;
}

const BITS: Readonly<Record<ValueFormat, number>> = { f32: 32, f16: 16, i8: 8, i4: 4 };
/** Inputs in a group of the 2:4 pattern, of which two are kept. */
const GROUP = 4;

export const blocksOf = (columns: number) => Math.ceil(columns / BLOCK);
export const hasScale = (format: ValueFormat) => format === 'i8' || format === 'i4';

/** 32-bit words of one block: [scale] [indices] values. */
export const blockWords = ({ format, sparse }: Pick<MatrixLayout, 'format' | 'sparse'>) =>
  (hasScale(format) ? 1 : 0) + (sparse ? 1 : 0) + ((sparse ? BLOCK / 2 : BLOCK) * BITS[format]) / 32;

export const matrixBytes = (m: MatrixLayout) => 4 * m.rows * blocksOf(m.columns) * blockWords(m);

const formatOf = (t: StoredTensor): ValueFormat =>
  t.format === 'fp32' ? 'f32' : t.format === 'fp16' ? 'f16' : t.bits === 8 ? 'i8' : 'i4';

/**
 * Words [rows, blocks, blockWords], little end first: the block's float32 scale (8 and 4 bits), its indices (2:4: group
 * g's two positions at bits 4g and 4g + 2), then its values in order of input. Values of 8 and 4 bits are stored
 * without their offset, in two's complement. Inputs beyond the last column are zeros.
 */
export function packMatrix(t: StoredTensor, sparse: boolean): MatrixLayout & { data: Uint32Array<ArrayBuffer> } {
  const format = formatOf(t);
  const layout: MatrixLayout = { format, sparse, rows: t.rows, columns: t.columns };
  const words = blockWords(layout);
  const bits = BITS[format];
  const blocks = blocksOf(t.columns);
  const data = new Uint32Array(t.rows * blocks * words);
  const float = new Float32Array(data.buffer);
  const valueOf = valuesOf(t);
  const positions = new Uint8Array(BLOCK);
  for (let r = 0, at = 0; r < t.rows; r++)
    for (let b = 0; b < blocks; b++, at += words) {
      let to = at;
      if (t.format === 'blocks') float[to++] = t.scales[r * blocks + b] as number;
      let count = 0;
      if (sparse) {
        let indices = 0;
        for (let g = 0; g < BLOCK / GROUP; g++) {
          const [first, second] = keptOf((i) => valueOf(r, b * BLOCK + g * GROUP + i));
          positions[count++] = g * GROUP + first;
          positions[count++] = g * GROUP + second;
          indices |= (first | (second << 2)) << (4 * g);
        }
        data[to++] = indices >>> 0;
      } else for (; count < BLOCK; count++) positions[count] = count;
      for (let i = 0; i < count; i++) {
        const value = valueOf(r, b * BLOCK + (positions[i] as number));
        const bit = i * bits;
        const word = to + (bit >> 5);
        data[word] = ((data[word] as number) | ((value & (bits === 32 ? -1 : (1 << bits) - 1)) << (bit & 31))) >>> 0;
      }
    }
  return { ...layout, data };
}

/** Raw bits of a stored value at (row, column), zero beyond the last column; -0 as +0. */
function valuesOf(t: StoredTensor): (row: number, column: number) => number {
  const inside = (read: (row: number, column: number) => number) => (row: number, column: number) =>
    column < t.columns ? read(row, column) : 0;
  switch (t.format) {
    case 'fp32': {
      const bits = new Int32Array(t.data.buffer, t.data.byteOffset, t.data.length);
      return inside((r, k) => unsignedZero(bits[r * t.columns + k] as number, 0x7fffffff));
    }
    case 'fp16':
      return inside((r, k) => unsignedZero(t.data[r * t.columns + k] as number, 0x7fff));
    case 'blocks': {
      const { data, bits, columns } = t;
      const row = blocksOf(columns) * BLOCK;
      if (bits === 8) return inside((r, k) => (data[r * row + k] as number) - 128);
      return inside((r, k) => (((data[(r * row + k) >> 1] as number) >> (4 * (k & 1))) & 15) - 8);
    }
    default:
      return t satisfies never;
  }
}

/** The two places of a group that hold its weights, ascending; empty places fill up where there are fewer. */
function keptOf(value: (i: number) => number): [number, number] {
  const kept: number[] = [];
  for (let i = 0; i < GROUP; i++) if (value(i) !== 0) kept.push(i);
  for (let i = 0; kept.length < 2; i++) if (!kept.includes(i)) kept.push(i);
  if (kept.length > 2) throw new TypeError('a group of four keeps more than two weights');
  return kept.sort() as [number, number];
}

/** Row `row` of a table as float32, as the embedding of a token. */
export const rowOf = (t: StoredTensor, row: number): Float32Array => dequantize(sliceRows(t, row, row + 1));

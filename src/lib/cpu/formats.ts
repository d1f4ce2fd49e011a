import {
  BYTE8_24_BLOCK,
  BYTE8_24_SUMS,
  BYTE8_24_VALUES,
  BYTE8_BLOCK,
  BYTE8_SCALES,
  BYTE_ZERO,
  DEPTH,
  F16_24_CODES,
  F16_24_GROUP,
  FORMAT_BYTE8,
  FORMAT_BYTE8_24,
  FORMAT_F16,
  FORMAT_F16_24,
  FORMAT_F32,
  FORMAT_INT4,
  FORMAT_INT8,
  FORMAT_INT8_24,
  OPERAND_BYTES,
  OPERAND_FLOAT,
  OPERAND_LEVELS,
  INT4_BLOCK,
  INT4_SCALES,
  INT8_24_INDICES,
  INT8_24_WINDOW,
  PANEL,
  WINDOW,
} from '../../kernels/layout';
import { packRows8 } from '../tensor/pack';
import type { PrecisionName } from '../tensor/precisions';
import { BLOCK, dequantize, is2of4, sliceRows, unsignedZero, type StoredTensor } from '../tensor/stored';
import type { ByteDot } from '../core/dot';

/**
 * How a stored tensor lies in the kernels' memory: one row per format. The panels are drawn in src/kernels. Rows and
 * depth are padded; the memory is zeroed before, so that padding weighs nothing.
 */
export interface Format {
  code: number;
  /** What it multiplies activations as: an OPERAND_ bit. */
  operand: number;
  /** Bytes per 16 rows and input. */
  bytesPerInput: number;
  /** A float32 scale per output. */
  rowScales: boolean;
  /** Multiplications per weight of the dense matrix. */
  density: 1 | 0.5;
  title: string;
  /**
   * Writes `t`'s rows, the first of which is row `first` (a multiple of 16) of the matrix. Returns the largest sum of
   * integer magnitudes of a row, which bounds activations; 0 where nothing could overflow. `dot` matters to bytes alone.
   */
  pack(t: StoredTensor, first: number, depth: number, to: Uint8Array, scales: Float32Array, dot: ByteDot): number;
}

export type FormatName = 'f32' | 'f16' | 'int8' | 'byte8' | 'int4' | 'f16 2:4' | 'int8 2:4' | 'byte8 2:4';

/** Address of a panel in bytes, from its row. */
const panelAt = (row: number, depth: number, bytesPerInput: number) => Math.floor(row / PANEL) * depth * bytesPerInput;

/** Places of the two weights that a group of four keeps, in order; 0 where there is none to keep. */
function kept(w: { readonly [i: number]: number }, from: number, size: number): [number, number] {
  let first = -1;
  let second = -1;
  for (let i = 0; i < size; i++)
    if (w[from + i] !== 0) {
      if (first < 0) first = i;
      else second = i;
    }
  if (first < 0) return [0, 1];
  // The place beside a lone weight holds a zero, so its value adds nothing.
  return second < 0 ? (first === 0 ? [0, 1] : [0, first]) : [first, second];
}

const floatBits = new DataView(new ArrayBuffer(4));
/** Upper half of a float32, rounded to nearest: what is left is exact to 1 in 512. */
export function bfloat16(x: number): number {
  floatBits.setFloat32(0, x);
  return (floatBits.getUint32(0) + 0x8000) >>> 16;
}

/** Largest sum of magnitudes of a row. */
function largestRow(q: Int8Array, rows: number, columns: number): number {
  let largest = 0;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let i = r * columns, end = i + columns; i < end; i++) sum += Math.abs(q[i] as number);
    if (sum > largest) largest = sum;
  }
  return largest;
}

/** Half bits of a stored tensor; only fp16 is stored so. */
function halfBits(t: StoredTensor): Uint16Array {
  if (t.format !== 'fp16') throw new TypeError('a half-precision panel is packed from fp16');
  return t.data;
}
/** Exponents by which a row of halves is moved up so that none is subnormal, and the largest magnitude that leaves room. */
const HALF_RAISE = 10;
const RAISED_BELOW = 64;
/** What kernels multiply sums of halves as they are, and of raised ones, with (src/kernels/float16.ts). */
const HALF_SCALE = 2 ** 32;
const RAISED_SCALE = 2 ** (32 - HALF_RAISE);
const FRACTION_BITS = 10;

/** A half of magnitude below 64 times 2^10, exact: subnormals become normal. Zeros stay zeros, without their sign. */
function raised(bits: number): number {
  const sign = bits & 0x8000;
  let exponent = (bits >> FRACTION_BITS) & 31;
  let fraction = bits & 0x3ff;
  if (exponent === 0) {
    if (fraction === 0) return 0;
    // Shifts the leading one into its hidden place.
    const shift = Math.clz32(fraction) - (31 - FRACTION_BITS);
    fraction = (fraction << shift) & 0x3ff;
    exponent = 1 - shift;
  }
  return sign | ((exponent + HALF_RAISE) << FRACTION_BITS) | fraction;
}

/** Halves as kernels read them: rows with room are raised, and each row's scale says so. */
function halfRows(t: StoredTensor, first: number, scales: Float32Array): Uint16Array {
  const w = halfBits(t);
  const out = new Uint16Array(w.length);
  const limit = ((15 + Math.log2(RAISED_BELOW)) << FRACTION_BITS) - 1;
  for (let r = 0; r < t.rows; r++) {
    const [from, to] = [r * t.columns, (r + 1) * t.columns];
    let largest = 0;
    for (let i = from; i < to; i++) largest = Math.max(largest, (w[i] as number) & 0x7fff);
    const raise = largest <= limit;
    scales[first + r] = raise ? RAISED_SCALE : HALF_SCALE;
    for (let i = from; i < to; i++) out[i] = raise ? raised(w[i] as number) : (w[i] as number);
  }
  return out;
}

/** One row's part of a 2:4 window of 16 inputs, which begins at q[from]: `left` inputs are left in the row. */
function packWindow(
  q: Int8Array,
  from: number,
  left: number,
  row: number,
  to: Uint8Array,
  indices: number,
  values: number,
): void {
  const lane = row % PANEL;
  const quad = lane >> 2;
  for (let k = 0; k < Math.min(WINDOW, left); k += 4) {
    const group = k / 4;
    const [one, two] = kept(q, from + k, Math.min(4, left - k));
    const byte = (lane & 3) * 4 + (group & 1) * 2;
    const half = group >> 1;
    const places = indices + (quad >> 1) * 16 + byte;
    const shift = (quad & 1) * 4 + half * 2;
    to[places] = (to[places] as number) | (one << shift);
    to[places + 1] = (to[places + 1] as number) | (two << shift);
    const value = values + quad * 32 + half * 16 + byte;
    to[value] = k + one < left ? (q[from + k + one] as number) : 0;
    to[value + 1] = k + two < left ? (q[from + k + two] as number) : 0;
  }
}

export const FORMATS: Readonly<Record<FormatName, Format>> = {
  f32: {
    code: FORMAT_F32,
    operand: OPERAND_FLOAT,
    bytesPerInput: PANEL * 4,
    rowScales: false,
    density: 1,
    title: 'fp32',
    pack(t, first, depth, to) {
      const w = dequantize(t);
      const out = new Float32Array(to.buffer, to.byteOffset, to.byteLength / 4);
      for (let r = 0; r < t.rows; r++) {
        let at = panelAt(first + r, depth, PANEL) + ((first + r) % PANEL);
        for (let i = r * t.columns, end = i + t.columns; i < end; i++, at += PANEL) out[at] = w[i] as number;
      }
      return 0;
    },
  },
  f16: {
    code: FORMAT_F16,
    operand: OPERAND_FLOAT,
    bytesPerInput: PANEL * 2,
    rowScales: true,
    density: 1,
    title: 'fp16 unpacked to fp32',
    pack(t, first, depth, to, scales) {
      const w = halfRows(t, first, scales);
      const out = new Uint16Array(to.buffer, to.byteOffset, to.byteLength / 2);
      for (let r = 0; r < t.rows; r++) {
        const lane = (first + r) % PANEL;
        // Two rows, four apart, share a 32-bit lane.
        let at = panelAt(first + r, depth, PANEL) + (lane & 8) + ((lane & 3) << 1) + ((lane & 4) >> 2);
        for (let i = r * t.columns, end = i + t.columns; i < end; i++, at += PANEL) out[at] = w[i] as number;
      }
      return 0;
    },
  },
  int8: {
    code: FORMAT_INT8,
    operand: OPERAND_LEVELS,
    bytesPerInput: PANEL,
    rowScales: true,
    density: 1,
    title: 'int8 per output x 16-bit levels per token',
    pack(t, first, depth, to, scales) {
      const { q, scales: s } = packRows8(dequantize(t), t.rows, t.columns, 'rows');
      scales.set(s, first);
      for (let r = 0; r < t.rows; r++) {
        const row = r * t.columns;
        const at = panelAt(first + r, depth, PANEL) + ((first + r) % PANEL) * 4;
        for (let k = 0; k < t.columns; k++) to[at + (k >> 2) * (PANEL * 4) + (k & 3)] = q[row + k] as number;
      }
      return largestRow(q, t.rows, t.columns);
    },
  },
  byte8: {
    code: FORMAT_BYTE8,
    operand: OPERAND_BYTES,
    bytesPerInput: BYTE8_BLOCK / DEPTH,
    rowScales: false,
    density: 1,
    title: 'int8 blocks of 32 x 8-bit levels in blocks of 32',
    pack(t, first, depth, to, _, dot) {
      if (t.format !== 'blocks' || t.bits !== 8) throw new TypeError('byte panels are packed from 8-bit blocks');
      const halves = new Uint16Array(to.buffer, to.byteOffset, to.byteLength / 2);
      const blocks = Math.ceil(t.columns / BLOCK);
      // Stored bytes are 128 above their value.
      const flip = dot === 'unsigned' ? 0 : BYTE_ZERO;
      for (let r = 0; r < t.rows; r++) {
        const lane = (first + r) % PANEL;
        let at = panelAt(first + r, depth, BYTE8_BLOCK / DEPTH);
        for (let b = r * blocks; b < (r + 1) * blocks; b++, at += BYTE8_BLOCK) {
          halves[at / 2 + lane] = bfloat16(t.scales[b] as number);
          for (let i = 0; i < BLOCK; i++)
            to[at + BYTE8_SCALES + (i >> 2) * (PANEL * 4) + lane * 4 + (i & 3)] =
              (t.data[b * BLOCK + i] as number) ^ flip;
        }
      }
      return 0;
    },
  },
  int4: {
    code: FORMAT_INT4,
    operand: OPERAND_BYTES,
    bytesPerInput: INT4_BLOCK / DEPTH,
    rowScales: false,
    density: 1,
    title: 'int4 blocks of 32 x 8-bit levels in blocks of 32',
    pack(t, first, depth, to) {
      if (t.format !== 'blocks' || t.bits !== 4) throw new TypeError('4-bit panels are packed from 4-bit blocks');
      const halves = new Uint16Array(to.buffer, to.byteOffset, to.byteLength / 2);
      const blocks = Math.ceil(t.columns / BLOCK);
      const { data, scales } = t;
      for (let r = 0; r < t.rows; r++) {
        const lane = (first + r) % PANEL;
        let at = panelAt(first + r, depth, INT4_BLOCK / DEPTH);
        for (let b = r * blocks; b < (r + 1) * blocks; b++, at += INT4_BLOCK) {
          halves[at / 2 + lane] = bfloat16(scales[b] as number);
          // Two inputs lie in one stored byte, inputs 16 apart in one of ours.
          const from = b * (BLOCK / 2);
          for (let i = 0; i < BLOCK / 2; i++) {
            const shift = (i & 1) * 4;
            const low = ((data[from + (i >> 1)] as number) >> shift) & 15;
            const high = ((data[from + BLOCK / 4 + (i >> 1)] as number) >> shift) & 15;
            to[at + INT4_SCALES + (i >> 2) * (PANEL * 4) + lane * 4 + (i & 3)] = low | (high << 4);
          }
        }
      }
      return 0;
    },
  },
  'f16 2:4': {
    code: FORMAT_F16_24,
    operand: OPERAND_FLOAT,
    bytesPerInput: F16_24_GROUP / 4,
    rowScales: true,
    density: 0.5,
    title: 'fp16 2:4 values and places unpacked to fp32',
    pack(t, first, depth, to, scales) {
      const w = halfRows(t, first, scales).map((bits) => unsignedZero(bits, 0x7fff));
      for (let r = 0; r < t.rows; r++) {
        const lane = (first + r) % PANEL;
        const pair = lane >> 1;
        const start = panelAt(first + r, depth, F16_24_GROUP / 4);
        for (let k = 0; k < t.columns; k += 4) {
          const from = r * t.columns + k;
          const group = start + (k / 4) * F16_24_GROUP;
          kept(w, from, Math.min(4, t.columns - k)).forEach((place, i) => {
            const cell = (lane & 1) * 2 + i;
            to[group + pair] = (to[group + pair] as number) | (place << (2 * cell));
            const value = k + place < t.columns ? (w[from + place] as number) : 0;
            const at = group + F16_24_CODES + (pair >> 1) * 16 + cell * 4 + (pair & 1) * 2;
            to[at] = value & 255;
            to[at + 1] = value >> 8;
          });
        }
      }
      return 0;
    },
  },
  'int8 2:4': {
    code: FORMAT_INT8_24,
    operand: OPERAND_LEVELS,
    bytesPerInput: INT8_24_WINDOW / WINDOW,
    rowScales: true,
    density: 0.5,
    title: 'int8 2:4 values and places per output x 16-bit levels per token',
    pack(t, first, depth, to, scales) {
      const { q, scales: s } = packRows8(dequantize(t), t.rows, t.columns, 'rows');
      scales.set(s, first);
      for (let r = 0; r < t.rows; r++) {
        const start = panelAt(first + r, depth, INT8_24_WINDOW / WINDOW);
        for (let k = 0; k < t.columns; k += WINDOW) {
          const window = start + (k / WINDOW) * INT8_24_WINDOW;
          packWindow(q, r * t.columns + k, t.columns - k, first + r, to, window, window + INT8_24_INDICES);
        }
      }
      return largestRow(q, t.rows, t.columns);
    },
  },
  'byte8 2:4': {
    code: FORMAT_BYTE8_24,
    operand: OPERAND_BYTES,
    bytesPerInput: BYTE8_24_BLOCK / DEPTH,
    rowScales: true,
    density: 0.5,
    title: 'int8 2:4 values and places per output x 8-bit levels in blocks of 32',
    pack(t, first, depth, to, scales, dot) {
      const { q, scales: s } = packRows8(dequantize(t), t.rows, t.columns, 'rows');
      scales.set(s, first);
      const halves = new Int16Array(to.buffer, to.byteOffset, to.byteLength / 2);
      for (let r = 0; r < t.rows; r++) {
        const start = panelAt(first + r, depth, BYTE8_24_BLOCK / DEPTH);
        for (let k = 0; k < t.columns; k += WINDOW) {
          const block = start + Math.floor(k / DEPTH) * BYTE8_24_BLOCK;
          const half = (k % DEPTH) / WINDOW;
          const values = block + BYTE8_24_VALUES + (half * (PANEL * WINDOW)) / 2;
          const from = r * t.columns + k;
          packWindow(q, from, t.columns - k, first + r, to, block + half * INT8_24_INDICES, values);
          if (dot !== 'unsigned') continue;
          const sum = (block + BYTE8_24_SUMS) / 2 + ((first + r) % PANEL);
          for (let i = from; i < from + Math.min(WINDOW, t.columns - k); i++)
            halves[sum] = (halves[sum] as number) - (q[i] as number);
        }
      }
      return 0;
    },
  },
};

/** Dense format of what is stored, and the 2:4 format of it where there is one that pays. */
interface Layouts {
  dense: FormatName;
  sparse: FormatName | null;
}
const LAYOUTS: Readonly<Record<PrecisionName, Layouts>> = {
  fp32: { dense: 'f32', sparse: null },
  fp16: { dense: 'f16', sparse: 'f16 2:4' },
  int8: { dense: 'int8', sparse: 'int8 2:4' },
  // Places would take as many bits as the weights they save.
  int4: { dense: 'int4', sparse: null },
};
/** Formats of a precision where the device multiplies whole bytes in one instruction. */
const BYTE_LAYOUTS: Readonly<Record<PrecisionName, Layouts>> = {
  ...LAYOUTS,
  int8: { dense: 'byte8', sparse: 'byte8 2:4' },
};

/** Formats of a precision on a device with this byte dot. */
export const layoutsOf = (precision: PrecisionName, dot: ByteDot): Layouts => (dot ? BYTE_LAYOUTS : LAYOUTS)[precision];

/** The format that a stored tensor is packed in. `rowsRead`: single rows are read too, as embeddings are. */
export function formatOf(t: StoredTensor, dot: ByteDot, rowsRead = false): FormatName {
  const { dense, sparse } = layoutsOf(t.format === 'blocks' ? `int${t.bits}` : t.format, dot);
  return !rowsRead && sparse && is2of4(t) ? sparse : dense;
}

export const padRows = (rows: number) => Math.ceil(rows / DEPTH) * DEPTH;
export const padDepth = padRows;

/** Bytes of a matrix's panels, scales per output included. */
export const packedBytes = (format: FormatName, rows: number, columns: number): number => {
  const f = FORMATS[format];
  return (padRows(rows) / PANEL) * padDepth(columns) * f.bytesPerInput + (f.rowScales ? padRows(rows) * 4 : 0);
};

/** Rows packed at once, so that what lies between (float32, int8) stays small. */
const ROWS_AT_ONCE = 512;

/** Packs a whole tensor; `data` and `scales` are views of zeroed memory. Returns what `pack` does. */
export function packTensor(
  t: StoredTensor,
  format: FormatName,
  data: Uint8Array,
  scales: Float32Array,
  dot: ByteDot,
  depth = padDepth(t.columns),
): number {
  let largest = 0;
  for (let from = 0; from < t.rows; from += ROWS_AT_ONCE)
    largest = Math.max(
      largest,
      FORMATS[format].pack(sliceRows(t, from, Math.min(from + ROWS_AT_ONCE, t.rows)), from, depth, data, scales, dot),
    );
  return largest;
}

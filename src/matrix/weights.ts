import { half, nibbles, unpackBytes, unpackHalves, unpackNibbles } from './unpack';

/**
 * A stored matrix [rows = outputs, columns = inputs] (tensor/stored.ts) as kernels are told of it: five u32 at an
 * address. src/lib/matrix/matrix.ts writes them.
 */
const FORM: usize = 0;
const DATA: usize = 4;
const SCALES: usize = 8;
const ROWS_AT: usize = 12;
const COLUMNS_AT: usize = 16;

export const FLOATS: i32 = 0;
export const HALVES: i32 = 1;
/** Blocks of 32 columns with a float32 scale each: bytes 128 above their level, or nibbles 8 above. */
export const BYTES: i32 = 2;
export const NIBBLES: i32 = 3;

/** Weights that share a scale. */
export const BLOCK: usize = 32;

export const formOf = (w: usize): i32 => load<i32>(w + FORM);
export const rowsOf = (w: usize): usize => <usize>load<u32>(w + ROWS_AT);
export const columnsOf = (w: usize): usize => <usize>load<u32>(w + COLUMNS_AT);

export const blocksOf = (n: usize): usize => (n + BLOCK - 1) / BLOCK;

/** Where the scale of a row's block that holds `column` stands. */
export function scaleAt(w: usize, row: usize, column: usize): usize {
  return <usize>load<u32>(w + SCALES) + (row * blocksOf(columnsOf(w)) + column / BLOCK) * 4;
}

/** Where `column` of a row stands; of nibbles, columns are even. */
export function weightAt(w: usize, row: usize, column: usize): usize {
  const data = <usize>load<u32>(w + DATA);
  const form = formOf(w);
  const columns = columnsOf(w);
  if (form == FLOATS) return data + (row * columns + column) * 4;
  if (form == HALVES) return data + (row * columns + column) * 2;
  const bytes = row * blocksOf(columns) * BLOCK + column;
  return data + (form == BYTES ? bytes : bytes / 2);
}

/** `n` weights of a row from `column` on, a multiple of BLOCK, as float32: exactly the numbers that dequantizing gives. */
export function unpackRow(w: usize, row: usize, column: usize, n: usize, to: usize): void {
  const from = weightAt(w, row, column);
  switch (formOf(w)) {
    case FLOATS:
      return memory.copy(to, from, n * 4);
    case HALVES:
      return unpackHalves(from, n, to);
    case BYTES:
      return unpackBytes(from, scaleAt(w, row, column), 1, n, to);
    default:
      return unpackNibbles(from, scaleAt(w, row, column), 1, n, to);
  }
}

/** Eight levels times their scale, as float32. */
function scaled(q: v128, scale: usize, to: usize): void {
  const s = v128.load32_splat(scale);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(q)), s));
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(q)), s), 16);
}

/** Eight columns from `column` on, a multiple of 8, of rows row .. row + n, as float32 [n][8]: 0 behind the last column. */
export function unpackColumns(w: usize, row: usize, n: usize, column: usize, to: usize): void {
  let from = weightAt(w, row, column);
  let scale = scaleAt(w, row, column);
  const step = weightAt(w, row + 1, column) - from;
  const scaleStep = scaleAt(w, row + 1, column) - scale;
  const end = to + n * 32;
  switch (formOf(w)) {
    case FLOATS:
      for (let at = to; at < end; at += 32, from += step) {
        v128.store(at, v128.load(from));
        v128.store(at, v128.load(from, 16), 16);
      }
      break;
    case HALVES:
      for (let at = to; at < end; at += 32, from += step) {
        v128.store(at, half(v128.load16x4_u(from)));
        v128.store(at, half(v128.load16x4_u(from, 8)), 16);
      }
      break;
    case BYTES:
      for (let at = to; at < end; at += 32, from += step, scale += scaleStep)
        scaled(i16x8.sub(v128.load8x8_u(from), i16x8.splat(128)), scale, at);
      break;
    default:
      for (let at = to; at < end; at += 32, from += step, scale += scaleStep)
        scaled(i16x8.sub(i16x8.extend_low_i8x16_u(nibbles(v128.load32_zero(from))), i16x8.splat(8)), scale, at);
  }
  const columns = columnsOf(w) - column;
  // What was read behind the last column is of the next row.
  if (columns < 8) for (; to < end; to += 32) memory.fill(to + columns * 4, 0, (8 - columns) * 4);
}

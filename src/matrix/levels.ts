import { byteDot, madd, most4 } from './simd';
import { nibbles } from './unpack';
import { BLOCK, blocksOf, BYTES, columnsOf, formOf, rowsOf, scaleAt, unpackColumns, weightAt } from './weights';

/**
 * Products in whole numbers: C = X W^T (or X W) of activations and weights that are levels of 8 bits, |level| <= 128, with
 * a float32 scale for each block of 32 along the depth. A block's sum is exact in int32; then it is scaled and added in
 * float32. Going there, weights keep their own levels and scales; going back, blocks run along the outputs, so the weights
 * are rounded again, to 8 bits in blocks of 32 outputs, where they are unpacked.
 *
 * How a device multiplies, DOT_..., changes neither levels nor sums:
 *
 *   pairs            X [blocks] of [16][5 rows][2] int16, 5 scales                W [blocks] of [16][8 columns][2], 8 scales
 *   signed, unsigned X [blocks] of [8][6 rows][4] int8, 6 scales, 6 starts        W [blocks] of [8][8 columns][4], 8 scales
 *
 * A tile of pairs has 5 rows, since their products need a register before they are added; four bytes are multiplied and
 * added in one instruction, which takes weights signed (ARM) or unsigned (VNNI): then they stand 128 above their level,
 * and each row's sum starts at minus 128 times the sum of its block.
 */
const DOT_PAIRS: i32 = 0;
const DOT_UNSIGNED: i32 = 2;

const PAIR_ROWS: usize = 5;
const BYTE_ROWS: usize = 6;
const COLUMNS: usize = 8;
/** Bytes of a block of X and of W. */
const PAIR_X: usize = 16 * PAIR_ROWS * 4 + PAIR_ROWS * 4;
const PAIR_W: usize = 16 * COLUMNS * 4 + COLUMNS * 4;
const BYTE_X: usize = 8 * BYTE_ROWS * 4 + BYTE_ROWS * 8;
const BYTE_W: usize = 8 * COLUMNS * 4 + COLUMNS * 4;
/** Columns of a strip: two panels of W are multiplied with a tile of X once it is read; a row of C fills a cache line. */
const STRIP: usize = 16;
/** Blocks of a pass over the depth: a strip of W (20 kB) and a tile of X (6 kB) stay in the first-level cache. */
const DEPTH: usize = 18;
const TOP: f32 = 127;

/** 1.5 * 2^23: a float of at most 2^22 plus it holds the whole number in its low bits, and the other way round. */
const ROUNDER_BITS: i32 = 0x4b400000;
/** That number four times in memory: from there it costs a load, as a constant three instructions. */
const rounder = memory.data<f32>([12582912, 12582912, 12582912, 12582912], 16);

const tileRows = (dot: i32): usize => (dot == DOT_PAIRS ? PAIR_ROWS : BYTE_ROWS);
const blockOfX = (dot: i32): usize => (dot == DOT_PAIRS ? PAIR_X : BYTE_X);
const blockOfW = (dot: i32): usize => (dot == DOT_PAIRS ? PAIR_W : BYTE_W);

/** Bytes that `rows` x `depth` levels of X take. */
export function levelBytes(rows: usize, depth: usize, dot: i32): usize {
  const height = tileRows(dot);
  return ((rows + height - 1) / height) * blocksOf(depth) * blockOfX(dot);
}

/** x * inverse, rounded half to even, as int32. */
function level4(x: v128, inverse: v128): v128 {
  const big = v128.load(rounder);
  return i32x4.sub(f32x4.add(f32x4.mul(x, inverse), big), big);
}

/** A short block, filled up with zeros. */
const short = memory.data(<i32>(32 * 4), 16);

/** X from row-major src [rows, depth] (row stride ld floats). */
export function packLevels(src: usize, ld: usize, rows: usize, depth: usize, dot: i32, to: usize): void {
  const height = tileRows(dot);
  const step = blockOfX(dot);
  for (let r: usize = 0; r < rows; r += height) {
    const n = min(height, rows - r);
    if (n < height) memory.fill(to, 0, blocksOf(depth) * step);
    for (let d: usize = 0; d < depth; d += BLOCK, to += step)
      for (let i: usize = 0; i < n; i++) {
        let from = src + ((r + i) * ld + d) * 4;
        if (depth - d < BLOCK) {
          memory.fill(short, 0, BLOCK * 4);
          memory.copy(short, from, (depth - d) * 4);
          from = short;
        }
        if (dot == DOT_PAIRS) pairsOfRow(from, to, i);
        else bytesOfRow(from, to, i, dot);
      }
  }
}

/** Largest magnitude of 32 floats. */
function largest(x: usize): f32 {
  let m = f32x4.pmax(f32x4.abs(v128.load(x)), f32x4.abs(v128.load(x, 16)));
  let n = f32x4.pmax(f32x4.abs(v128.load(x, 32)), f32x4.abs(v128.load(x, 48)));
  m = f32x4.pmax(m, f32x4.pmax(f32x4.abs(v128.load(x, 64)), f32x4.abs(v128.load(x, 80))));
  n = f32x4.pmax(n, f32x4.pmax(f32x4.abs(v128.load(x, 96)), f32x4.abs(v128.load(x, 112))));
  return most4(f32x4.pmax(m, n));
}

/** 32 floats as row `i` of a block of pairs. */
function pairsOfRow(x: usize, to: usize, i: usize): void {
  const most = largest(x);
  const inverse = f32x4.splat(most > 0 ? TOP / most : 0);
  store<f32>(to + 16 * PAIR_ROWS * 4 + i * 4, most / TOP);
  let at = to + i * 4;
  for (const end = x + BLOCK * 4; x < end; x += 32, at += 4 * PAIR_ROWS * 4) {
    const v = i16x8.narrow_i32x4_s(level4(v128.load(x), inverse), level4(v128.load(x, 16), inverse));
    v128.store_lane<i32>(at, v, 0);
    v128.store_lane<i32>(at, v, 1, PAIR_ROWS * 4);
    v128.store_lane<i32>(at, v, 2, 2 * PAIR_ROWS * 4);
    v128.store_lane<i32>(at, v, 3, 3 * PAIR_ROWS * 4);
  }
}

/** Levels of a block of bytes, with its scale and sum. */
function bytesOfRow(x: usize, to: usize, i: usize, dot: i32): void {
  const most = largest(x);
  const inverse = f32x4.splat(most > 0 ? TOP / most : 0);
  const scale = to + 8 * BYTE_ROWS * 4 + i * 4;
  let sum = i32x4.splat(0);
  let at = to + i * 4;
  for (const end = x + BLOCK * 4; x < end; x += 64, at += 4 * BYTE_ROWS * 4) {
    const low = i16x8.narrow_i32x4_s(level4(v128.load(x), inverse), level4(v128.load(x, 16), inverse));
    const high = i16x8.narrow_i32x4_s(level4(v128.load(x, 32), inverse), level4(v128.load(x, 48), inverse));
    const v = i8x16.narrow_i16x8_s(low, high);
    v128.store_lane<i32>(at, v, 0);
    v128.store_lane<i32>(at, v, 1, BYTE_ROWS * 4);
    v128.store_lane<i32>(at, v, 2, 2 * BYTE_ROWS * 4);
    v128.store_lane<i32>(at, v, 3, 3 * BYTE_ROWS * 4);
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.add(low, high)));
  }
  const all =
    i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
  store<f32>(scale, most / TOP);
  store<i32>(scale + BYTE_ROWS * 4, ROUNDER_BITS - (dot == DOT_UNSIGNED ? 128 * all : 0));
}

/** A strip of W for a pass over the depth. */
const panels = memory.data(<i32>(2 * 18 * (16 * 8 * 4 + 8 * 4)), 16);
/** Eight rows of 32 bytes, 128 above their level, where W does not hold them so. */
const lines = memory.data(<i32>(8 * 32), 16);
/** 32 rows of eight columns. */
const square = memory.data(<i32>(32 * 8 * 4), 16);

/** Eight rows of W from `row` on, as columns over `blocks` blocks from `block` on: their own levels and scales. */
function rowsPanel(w: usize, row: usize, block: usize, blocks: usize, dot: i32, to: usize): void {
  const rows = min(COLUMNS, rowsOf(w) - row);
  const direct = formOf(w) == BYTES && rows == COLUMNS;
  const step = weightAt(w, row + 1, 0) - weightAt(w, row, 0);
  const scaleStep = scaleAt(w, row + 1, 0) - scaleAt(w, row, 0);
  let from = weightAt(w, row, block * BLOCK);
  let scale = scaleAt(w, row, block * BLOCK);
  const next = formOf(w) == BYTES ? BLOCK : BLOCK / 2;
  for (let b: usize = 0; b < blocks; b++, from += next, scale += 4, to += blockOfW(dot)) {
    if (!direct) {
      memory.fill(lines, 128, COLUMNS * BLOCK);
      for (let i: usize = 0; i < rows; i++) bytesOfBlock(formOf(w), from + i * step, lines + i * BLOCK);
    }
    layRows(direct ? from : lines, direct ? step : BLOCK, dot, to);
    const scales = to + blockOfW(dot) - COLUMNS * 4;
    for (let i: usize = 0; i < COLUMNS; i++)
      store<f32>(scales + i * 4, i < rows ? load<f32>(scale + i * scaleStep) : 0);
  }
}

/** A block of a row as bytes 128 above their level. */
function bytesOfBlock(form: i32, from: usize, to: usize): void {
  if (form == BYTES) return memory.copy(to, from, BLOCK);
  const raise = i8x16.splat(120);
  v128.store(to, i8x16.add(nibbles(v128.load64_zero(from)), raise));
  v128.store(to, i8x16.add(nibbles(v128.load64_zero(from, 8)), raise), 16);
}

/** Eight rows of 32 bytes -> a block of W. */
function layRows(from: usize, step: usize, dot: i32, to: usize): void {
  for (let half: usize = 0; half < 2; half++)
    for (let group: usize = 0; group < 2; group++) {
      const r0 = from + group * 4 * step + half * 16;
      const a = v128.load(r0);
      const b = v128.load(r0 + step);
      const c = v128.load(r0 + 2 * step);
      const d = v128.load(r0 + 3 * step);
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      const at = to + group * 16 + half * (dot == DOT_PAIRS ? 256 : 128);
      layFour(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), dot, at, 0);
      layFour(v128.shuffle<i32>(ab, cd, 2, 3, 6, 7), dot, at, 1);
      layFour(v128.shuffle<i32>(ab2, cd2, 0, 1, 4, 5), dot, at, 2);
      layFour(v128.shuffle<i32>(ab2, cd2, 2, 3, 6, 7), dot, at, 3);
    }
}

/** Four bytes of four columns each, 128 above their level, as step `i` of a half block. */
function layFour(v: v128, dot: i32, at: usize, i: usize): void {
  if (dot == DOT_PAIRS) {
    const order = i8x16.shuffle(v, v, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    const zero = i16x8.splat(128);
    v128.store(at + i * 64, i16x8.sub(i16x8.extend_low_i8x16_u(order), zero));
    v128.store(at + i * 64, i16x8.sub(i16x8.extend_high_i8x16_u(order), zero), 32);
  } else v128.store(at + i * 32, dot == DOT_UNSIGNED ? v : v128.xor(v, i8x16.splat(-128)));
}

/** Eight columns of W from `column` on over `blocks` blocks of outputs from `block` on, rounded again to 8 bits. */
function columnsPanel(w: usize, column: usize, block: usize, blocks: usize, dot: i32, to: usize): void {
  for (let b: usize = 0; b < blocks; b++, to += blockOfW(dot)) {
    const row = (block + b) * BLOCK;
    const rows = min(BLOCK, rowsOf(w) - row);
    unpackColumns(w, row, rows, column, square);
    if (rows < BLOCK) memory.fill(square + rows * COLUMNS * 4, 0, (BLOCK - rows) * COLUMNS * 4);
    layColumns(square, dot, to);
    layColumns(square + 16, dot, to + 16);
  }
}

/** Four columns of `square` -> their levels and scales in a block of W. */
function layColumns(from: usize, dot: i32, to: usize): void {
  let most = f32x4.splat(0);
  const end = from + BLOCK * COLUMNS * 4;
  for (let at = from; at < end; at += COLUMNS * 4) most = f32x4.pmax(most, f32x4.abs(v128.load(at)));
  const top = f32x4.splat(TOP);
  v128.store(to + blockOfW(dot) - COLUMNS * 4, f32x4.div(most, top));
  const inverse = v128.andnot(f32x4.div(top, most), f32x4.eq(most, f32x4.splat(0)));
  const low = i32x4.splat(dot == DOT_PAIRS ? 0xffff : 0xff);
  const zero = i8x16.splat(dot == DOT_UNSIGNED ? -128 : 0);
  for (let at = from; at < end; at += 4 * COLUMNS * 4) {
    const a = level4(v128.load(at), inverse);
    const b = level4(v128.load(at, 32), inverse);
    const c = level4(v128.load(at, 64), inverse);
    const d = level4(v128.load(at, 96), inverse);
    if (dot == DOT_PAIRS) {
      v128.store(to, v128.or(v128.and(a, low), i32x4.shl(b, 16)));
      v128.store(to, v128.or(v128.and(c, low), i32x4.shl(d, 16)), 32);
      to += 64;
    } else {
      const ab = v128.or(v128.and(a, low), i32x4.shl(v128.and(b, low), 8));
      const cd = v128.or(i32x4.shl(v128.and(c, low), 16), i32x4.shl(d, 24));
      v128.store(to, v128.xor(v128.or(ab, cd), zero));
      to += 32;
    }
  }
}

/** Sums of a tile: [rows][8] float32. */
const gathered = memory.data(<i32>(6 * 8 * 4), 16);

/** gathered[8] += a block's sums times the scale of its row and those (u, v) of its columns. */
function addBlock(to: usize, a: v128, b: v128, scale: usize, u: v128, v: v128): void {
  const s = v128.load32_splat(scale);
  const big = v128.load(rounder);
  v128.store(to, madd(f32x4.sub(a, big), f32x4.mul(s, u), v128.load(to)));
  v128.store(to, madd(f32x4.sub(b, big), f32x4.mul(s, v), v128.load(to, 16)), 16);
}

/** c + the products of two int16 pairs a lane: exact. */
function pairDot(a: v128, b: v128, c: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(a, b));
}

/** gathered += the products of `blocks` blocks of a tile of X and a panel of W. Not unrolled: that loses. */
function pairTile(a: usize, b: usize, blocks: usize): void {
  for (const last = b + blocks * PAIR_W; b < last; a += PAIR_ROWS * 4, b += COLUMNS * 4) {
    let a0 = v128.load(rounder);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    let e0 = a0;
    let e1 = a0;
    for (const end = a + 16 * PAIR_ROWS * 4; a < end; a += PAIR_ROWS * 4, b += COLUMNS * 4) {
      const u = v128.load(b);
      const v = v128.load(b, 16);
      let s = v128.load32_splat(a);
      a0 = pairDot(u, s, a0);
      a1 = pairDot(v, s, a1);
      s = v128.load32_splat(a, 4);
      b0 = pairDot(u, s, b0);
      b1 = pairDot(v, s, b1);
      s = v128.load32_splat(a, 8);
      c0 = pairDot(u, s, c0);
      c1 = pairDot(v, s, c1);
      s = v128.load32_splat(a, 12);
      d0 = pairDot(u, s, d0);
      d1 = pairDot(v, s, d1);
      s = v128.load32_splat(a, 16);
      e0 = pairDot(u, s, e0);
      e1 = pairDot(v, s, e1);
    }
    const u = v128.load(b);
    const v = v128.load(b, 16);
    addBlock(gathered, a0, a1, a, u, v);
    addBlock(gathered + 32, b0, b1, a + 4, u, v);
    addBlock(gathered + 64, c0, c1, a + 8, u, v);
    addBlock(gathered + 96, d0, d1, a + 12, u, v);
    addBlock(gathered + 128, e0, e1, a + 16, u, v);
  }
}

/** A tile of bytes: products of each block, scaled and gathered. */
function byteTile(a: usize, b: usize, blocks: usize): void {
  const scales: usize = 8 * BYTE_ROWS * 4;
  const starts: usize = scales + BYTE_ROWS * 4;
  for (const last = b + blocks * BYTE_W; b < last; a += BYTE_ROWS * 8, b += COLUMNS * 4) {
    let a0 = v128.load32_splat(a, starts);
    let b0 = v128.load32_splat(a, starts + 4);
    let c0 = v128.load32_splat(a, starts + 8);
    let d0 = v128.load32_splat(a, starts + 12);
    let e0 = v128.load32_splat(a, starts + 16);
    let f0 = v128.load32_splat(a, starts + 20);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    let e1 = e0;
    let f1 = f0;
    for (const end = a + scales; a < end; a += BYTE_ROWS * 4, b += COLUMNS * 4) {
      const u = v128.load(b);
      const v = v128.load(b, 16);
      let s = v128.load32_splat(a);
      a0 = byteDot(u, s, a0);
      a1 = byteDot(v, s, a1);
      s = v128.load32_splat(a, 4);
      b0 = byteDot(u, s, b0);
      b1 = byteDot(v, s, b1);
      s = v128.load32_splat(a, 8);
      c0 = byteDot(u, s, c0);
      c1 = byteDot(v, s, c1);
      s = v128.load32_splat(a, 12);
      d0 = byteDot(u, s, d0);
      d1 = byteDot(v, s, d1);
      s = v128.load32_splat(a, 16);
      e0 = byteDot(u, s, e0);
      e1 = byteDot(v, s, e1);
      s = v128.load32_splat(a, 20);
      f0 = byteDot(u, s, f0);
      f1 = byteDot(v, s, f1);
    }
    const u = v128.load(b);
    const v = v128.load(b, 16);
    addBlock(gathered, a0, a1, a, u, v);
    addBlock(gathered + 32, b0, b1, a + 4, u, v);
    addBlock(gathered + 64, c0, c1, a + 8, u, v);
    addBlock(gathered + 96, d0, d1, a + 12, u, v);
    addBlock(gathered + 128, e0, e1, a + 16, u, v);
    addBlock(gathered + 160, f0, f1, a + 20, u, v);
  }
}

/** What was gathered, set or added to `rows` rows of C. */
function put(c: usize, stride: usize, rows: usize, columns: usize, add: bool): void {
  for (let i: usize = 0, from = gathered; i < rows; i++, from += COLUMNS * 4, c += stride) {
    if (columns < COLUMNS) {
      for (let j: usize = 0; j < columns * 4; j += 4)
        store<f32>(c + j, load<f32>(from + j) + (add ? load<f32>(c + j) : 0));
      continue;
    }
    const a = v128.load(from);
    const b = v128.load(from, 16);
    v128.store(c, add ? f32x4.add(v128.load(c), a) : a);
    v128.store(c, add ? f32x4.add(v128.load(c, 16), b) : b, 16);
  }
}

/**
 * C[m, n] (row stride ld floats) = X W^T, or `back` X W, or += with `add`: W in blocks of bytes or nibbles, X as
 * `packLevels` made it for the same `dot`.
 */
export function timesLevels(w: usize, x: usize, c: usize, ld: usize, m: usize, back: bool, add: bool, dot: i32): void {
  const n = back ? columnsOf(w) : rowsOf(w);
  const blocks = blocksOf(back ? rowsOf(w) : columnsOf(w));
  const height = tileRows(dot);
  for (let k0: usize = 0; k0 < blocks; k0 += DEPTH) {
    const depth = min(DEPTH, blocks - k0);
    const next = depth * blockOfW(dot);
    for (let j: usize = 0; j < n; j += STRIP) {
      const columns = min(STRIP, n - j);
      for (let i: usize = 0, to = panels; i < columns; i += COLUMNS, to += next)
        if (back) columnsPanel(w, j + i, k0, depth, dot, to);
        else rowsPanel(w, j + i, k0, depth, dot, to);
      let a = x + k0 * blockOfX(dot);
      for (let i: usize = 0; i < m; i += height, a += blocks * blockOfX(dot))
        for (let h: usize = 0; h < columns; h += COLUMNS) {
          for (let at: usize = 0; at < 6 * COLUMNS * 4; at += 16) v128.store(gathered + at, i32x4.splat(0));
          const b = panels + (h / COLUMNS) * next;
          if (dot == DOT_PAIRS) pairTile(a, b, depth);
          else byteTile(a, b, depth);
          put(c + (i * ld + j + h) * 4, ld * 4, min(height, m - i), min(COLUMNS, columns - h), add || k0 > 0);
        }
    }
  }
}

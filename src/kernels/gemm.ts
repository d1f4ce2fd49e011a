// Many tokens at once: Y[tokens, rows] = X W^T. Both operands are packed, activations in tiles of 6 tokens and weights
// in half panels of 8 columns, unpacked once per pass whatever their format; a tile keeps 6 x 8 sums in registers.
// The loops are not unrolled on purpose: unrolling by 2 or 4 loses.
//
//   activations float32 [depth][6]         int16 [depth / 2][6][2]         int8 [depth / 4][6][4]
//   weights     float32 [depth][8]         int16 [depth / 2][8][2]        int8 [depth / 4][8][4], `tileZero` too high
import { unpackByte8, unpackByte8Sparse } from './byte8';
import { unpackF16, unpackF16Sparse } from './float16';
import { unpackF32 } from './float32';
import { unpackInt4 } from './int4';
import { unpackInt8, unpackInt8Sparse } from './int8';
import {
  BYTE8_24_BLOCK,
  BYTE8_BLOCK,
  DEPTH,
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
  M_BLOCK_SCALES,
  M_BLOCK_SUMS,
  M_TILES_BYTE,
  M_TILES_F32,
  M_TILES_INT,
  M_TOKEN_SCALES,
  M_WIDE_SUMS,
  PANEL,
  TILE,
  TILE_COLUMNS,
  W_DATA,
  W_DEPTH,
  W_FORMAT,
  W_SCALES,
} from './layout';
import { begunSums, byteDot, dot, endSums, firstSums, fma } from './simd';

// @ts-ignore: decorator
@inline
function putRow(y: usize, a: v128, b: v128, add: bool): void {
  v128.store(y, add ? f32x4.add(v128.load(y), a) : a);
  v128.store(y, add ? f32x4.add(v128.load(y, 16), b) : b, 16);
}

/**
 * y[rows][8] (row stride in bytes), set or added to: the product of a tile float32 [depth][6] and columns float32
 * [depth][8], of which `step` bytes lie between two inputs.
 */
export function tileF32(
  a: usize, b: usize, step: usize, depth: i32, y: usize, stride: usize, rows: i32, add: bool,
): void {
  const zero = f32x4.splat(0);
  let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero;
  let d0 = zero, d1 = zero, e0 = zero, e1 = zero, f0 = zero, f1 = zero;
  for (const end = a + <usize>depth * TILE * 4; a < end; a += TILE * 4, b += step) {
    const u = v128.load(b);
    const v = v128.load(b, 16);
    let s = v128.load32_splat(a);
    a0 = fma(u, s, a0);
    a1 = fma(v, s, a1);
    s = v128.load32_splat(a, 4);
    b0 = fma(u, s, b0);
    b1 = fma(v, s, b1);
    s = v128.load32_splat(a, 8);
    c0 = fma(u, s, c0);
    c1 = fma(v, s, c1);
    s = v128.load32_splat(a, 12);
    d0 = fma(u, s, d0);
    d1 = fma(v, s, d1);
    s = v128.load32_splat(a, 16);
    e0 = fma(u, s, e0);
    e1 = fma(v, s, e1);
    s = v128.load32_splat(a, 20);
    f0 = fma(u, s, f0);
    f1 = fma(v, s, f1);
  }
  putRow(y, a0, a1, add);
  if (rows > 1) putRow(y + stride, b0, b1, add);
  if (rows > 2) putRow(y + 2 * stride, c0, c1, add);
  if (rows > 3) putRow(y + 3 * stride, d0, d1, add);
  if (rows > 4) putRow(y + 4 * stride, e0, e1, add);
  if (rows > 5) putRow(y + 5 * stride, f0, f1, add);
}

// @ts-ignore: decorator
@inline
function putScaled(y: usize, a: v128, b: v128, u: v128, v: v128, scale: usize, add: bool): void {
  const s = v128.load32_splat(scale);
  a = f32x4.mul(f32x4.convert_i32x4_s(a), f32x4.mul(s, u));
  b = f32x4.mul(f32x4.convert_i32x4_s(b), f32x4.mul(s, v));
  putRow(y, a, b, add);
}

/** A tile of levels: sums times column scales [8] times token scales [6]; exact in int32 up to there. */
export function tileInt(
  a: usize, b: usize, pairs: i32, columnScales: usize, tokenScales: usize, y: usize, stride: usize, rows: i32, add: bool,
): void {
  const zero = i32x4.splat(0);
  let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero;
  let d0 = zero, d1 = zero, e0 = zero, e1 = zero, f0 = zero, f1 = zero;
  for (const end = a + <usize>pairs * TILE * 4; a < end; a += TILE * 4, b += TILE_COLUMNS * 4) {
    const u = v128.load(b);
    const v = v128.load(b, 16);
    let s = v128.load32_splat(a);
    a0 = dot(u, s, a0);
    a1 = dot(v, s, a1);
    s = v128.load32_splat(a, 4);
    b0 = dot(u, s, b0);
    b1 = dot(v, s, b1);
    s = v128.load32_splat(a, 8);
    c0 = dot(u, s, c0);
    c1 = dot(v, s, c1);
    s = v128.load32_splat(a, 12);
    d0 = dot(u, s, d0);
    d1 = dot(v, s, d1);
    s = v128.load32_splat(a, 16);
    e0 = dot(u, s, e0);
    e1 = dot(v, s, e1);
    s = v128.load32_splat(a, 20);
    f0 = dot(u, s, f0);
    f1 = dot(v, s, f1);
  }
  const u = v128.load(columnScales);
  const v = v128.load(columnScales, 16);
  putScaled(y, a0, a1, u, v, tokenScales, add);
  if (rows > 1) putScaled(y + stride, b0, b1, u, v, tokenScales + 4, add);
  if (rows > 2) putScaled(y + 2 * stride, c0, c1, u, v, tokenScales + 8, add);
  if (rows > 3) putScaled(y + 3 * stride, d0, d1, u, v, tokenScales + 12, add);
  if (rows > 4) putScaled(y + 4 * stride, e0, e1, u, v, tokenScales + 16, add);
  if (rows > 5) putScaled(y + 5 * stride, f0, f1, u, v, tokenScales + 20, add);
}

/** y[8] += products of a block times column scales (u, v) and its token's scale. */
// @ts-ignore: decorator
@inline
function addBlock<Sum>(y: usize, a: v128, b: v128, start: usize, u: v128, v: v128, scale: usize): void {
  const s = v128.load32_splat(scale);
  const begun = v128.load32_splat(start);
  v128.store(y, fma(begunSums(endSums<Sum>(a, begun)), f32x4.mul(s, u), v128.load(y)));
  v128.store(y, fma(begunSums(endSums<Sum>(b, begun)), f32x4.mul(s, v), v128.load(y, 16)), 16);
}

// @ts-ignore: decorator
@inline
function startAt<Sum>(start: usize): v128 {
  return firstSums<Sum>(v128.load32_splat(start));
}

/**
 * A tile of bytes: products of each block times its column scales [8] and the tokens' scales [6], gathered in `gathered`
 * (float32 [6][8]). Each sum starts where `quantizeBlocks` says for its token and block, which takes the weights' zero
 * point off.
 */
function tileBytes<Sum>(
  a: usize, b: usize, blocks: i32, columnScales: usize, scales: usize, starts: usize,
  gathered: usize, y: usize, stride: usize, rows: i32, add: bool,
): void {
  memory.fill(gathered, 0, TILE * TILE_COLUMNS * 4);
  for (let n = 0; n < blocks; n++, columnScales += PANEL * 4, scales += TILE * 4, starts += TILE * 4) {
    let a0 = startAt<Sum>(starts), b0 = startAt<Sum>(starts + 4), c0 = startAt<Sum>(starts + 8);
    let d0 = startAt<Sum>(starts + 12), e0 = startAt<Sum>(starts + 16), f0 = startAt<Sum>(starts + 20);
    let a1 = a0, b1 = b0, c1 = c0, d1 = d0, e1 = e0, f1 = f0;
    for (const end = a + DEPTH * TILE; a < end; a += TILE * 4, b += TILE_COLUMNS * 4) {
      const u = v128.load(b);
      const v = v128.load(b, 16);
      let s = v128.load32_splat(a);
      a0 = byteDot<Sum>(u, s, a0);
      a1 = byteDot<Sum>(v, s, a1);
      s = v128.load32_splat(a, 4);
      b0 = byteDot<Sum>(u, s, b0);
      b1 = byteDot<Sum>(v, s, b1);
      s = v128.load32_splat(a, 8);
      c0 = byteDot<Sum>(u, s, c0);
      c1 = byteDot<Sum>(v, s, c1);
      s = v128.load32_splat(a, 12);
      d0 = byteDot<Sum>(u, s, d0);
      d1 = byteDot<Sum>(v, s, d1);
      s = v128.load32_splat(a, 16);
      e0 = byteDot<Sum>(u, s, e0);
      e1 = byteDot<Sum>(v, s, e1);
      s = v128.load32_splat(a, 20);
      f0 = byteDot<Sum>(u, s, f0);
      f1 = byteDot<Sum>(v, s, f1);
    }
    const u = v128.load(columnScales);
    const v = v128.load(columnScales, 16);
    addBlock<Sum>(gathered, a0, a1, starts, u, v, scales);
    addBlock<Sum>(gathered + 32, b0, b1, starts + 4, u, v, scales + 4);
    addBlock<Sum>(gathered + 64, c0, c1, starts + 8, u, v, scales + 8);
    addBlock<Sum>(gathered + 96, d0, d1, starts + 12, u, v, scales + 12);
    addBlock<Sum>(gathered + 128, e0, e1, starts + 16, u, v, scales + 16);
    addBlock<Sum>(gathered + 160, f0, f1, starts + 20, u, v, scales + 20);
  }
  for (let r = 0; r < rows; r++, y += stride, gathered += TILE_COLUMNS * 4)
    putRow(y, v128.load(gathered), v128.load(gathered, 16), add);
}

/** Which form of activations a format multiplies. */
// @ts-ignore: decorator
@inline
export function formOf(format: i32): i32 {
  if (format == FORMAT_INT4 || format == FORMAT_BYTE8 || format == FORMAT_BYTE8_24) return OPERAND_BYTES;
  return format == FORMAT_INT8 || format == FORMAT_INT8_24 ? OPERAND_LEVELS : OPERAND_FLOAT;
}

/** Bytes of one value of a form, activation or unpacked weight. */
// @ts-ignore: decorator
@inline
function formBytes(form: i32): i32 {
  return form == OPERAND_FLOAT ? 4 : form == OPERAND_LEVELS ? 2 : 1;
}

/** One panel (16 rows) of a matrix, unpacked to `to`; of bytes, scales float32 [blocks][16] go behind it. */
function unpackPanel(format: i32, p: usize, scales: usize, depth: i32, to: usize): void {
  switch (format) {
    case FORMAT_F32:
      return unpackF32(p, depth, to);
    case FORMAT_F16:
      return unpackF16(p, scales, depth, to);
    case FORMAT_F16_24:
      return unpackF16Sparse(p, scales, depth, to);
    case FORMAT_INT8:
      return unpackInt8(p, depth, to);
    case FORMAT_INT8_24:
      return unpackInt8Sparse(p, depth, to);
    case FORMAT_BYTE8:
      return unpackByte8(p, depth, to, to + <usize>depth * PANEL);
    case FORMAT_BYTE8_24:
      return unpackByte8Sparse(p, scales, depth, to, to + <usize>depth * PANEL);
    case FORMAT_INT4:
      return unpackInt4(p, depth, to, to + <usize>depth * PANEL);
  }
}

/** Bytes of one panel in memory; PANEL_BYTES in src/lib/cpu/formats.ts says the same. */
export function panelBytes(format: i32, depth: i32): usize {
  switch (format) {
    case FORMAT_F32:
      return <usize>depth * 64;
    case FORMAT_F16:
      return <usize>depth * 32;
    case FORMAT_F16_24:
      return <usize>depth * 18;
    case FORMAT_INT8:
      return <usize>depth * 16;
    case FORMAT_BYTE8:
      return <usize>(depth / DEPTH) * BYTE8_BLOCK;
    case FORMAT_BYTE8_24:
      return <usize>(depth / DEPTH) * BYTE8_24_BLOCK;
    case FORMAT_INT8_24:
      return <usize>depth * 10;
    default:
      return <usize>depth * 9; // 4 bits and a bfloat16 scale per 32
  }
}

/**
 * Rows from..to (multiples of a panel) of Y[tokens][stride floats] = X W^T, or added to Y. X stands packed in the tiles
 * of the model; `scratch` holds an unpacked panel.
 */
export function gemm(
  matrix: usize, y: usize, stride: i32, tokens: i32, from: i32, to: i32, add: bool, scratch: usize,
): void {
  const format = load<i32>(matrix + W_FORMAT);
  const depth = load<i32>(matrix + W_DEPTH);
  const data = <usize>load<u32>(matrix + W_DATA);
  const scales = <usize>load<u32>(matrix + W_SCALES);
  const bytes = panelBytes(format, depth);
  const form = formOf(format);
  const tiles = <usize>load<u32>(form == OPERAND_FLOAT ? M_TILES_F32 : form == OPERAND_LEVELS ? M_TILES_INT : M_TILES_BYTE);
  const tokenScales = <usize>load<u32>(M_TOKEN_SCALES);
  const blockScales = <usize>load<u32>(M_BLOCK_SCALES);
  const blockSums = <usize>load<u32>(M_BLOCK_SUMS);
  const wide = load<i32>(M_WIDE_SUMS);
  const blocks = depth / DEPTH;
  const tileBytesEach = <usize>depth * TILE * formBytes(form);
  const halfBytes = <usize>depth * TILE_COLUMNS * formBytes(form);
  const rowBytes = <usize>stride << 2;
  for (let r = from; r < to; r += PANEL) {
    unpackPanel(format, data + <usize>(r / PANEL) * bytes, scales + (<usize>r << 2), depth, scratch);
    for (let t = 0; t < tokens; t += TILE) {
      const a = tiles + <usize>(t / TILE) * tileBytesEach;
      const rows = min(TILE, tokens - t);
      for (let h = 0; h < 2; h++) {
        const b = scratch + <usize>h * halfBytes;
        const column = r + h * TILE_COLUMNS;
        const o = y + <usize>t * rowBytes + (<usize>column << 2);
        if (form == OPERAND_FLOAT) tileF32(a, b, TILE_COLUMNS * 4, depth, o, rowBytes, rows, add);
        else if (form == OPERAND_LEVELS) {
          const s = tokenScales + (<usize>t << 2);
          tileInt(a, b, depth >> 1, scales + (<usize>column << 2), s, o, rowBytes, rows, add);
        } else {
          const at = <usize>t * blocks << 2;
          const columns = scratch + 2 * halfBytes + <usize>h * TILE_COLUMNS * 4;
          const gathered = scratch + 2 * halfBytes + <usize>blocks * PANEL * 4;
          const bs = blockScales + at;
          const starts = blockSums + at;
          if (wide)
            tileBytes<i32>(a, b, blocks, columns, bs, starts, gathered, o, rowBytes, rows, add);
          else tileBytes<i16>(a, b, blocks, columns, bs, starts, gathered, o, rowBytes, rows, add);
        }
      }
    }
  }
}

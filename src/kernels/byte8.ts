// int8 weights in blocks of 32 inputs with a bfloat16 scale each, as they are stored, against bytes in blocks of 32 with a
// scale each: for devices that multiply and add four bytes a lane in one instruction (VNNI, ARM's dot product). A panel of
// 16 rows, 544 bytes a block:
//
//   16 scales | k = 0..3: r0 (k0 k1 k2 k3) r1 (..) .. r15 (..) | k = 4..7: ... | k = 28..31: ...
//
// Where the dot takes its second operand unsigned (M_UNSIGNED), dense weights are stored 128 above their value; the
// block's activation sum, which all rows share, takes that off again. Sums of a block are exact in int32.
//
// 2:4 panel, 352 bytes a block of 32 inputs (two windows of 16, laid out as in int8.ts):
//
//   64 bytes of 2-bit places | 256 bytes of weights | 16 int16: minus the sum of each row's weights
//
// Its scales are one per output, since pruning loses a hundred times what they lose.
// There the picked activations are the unsigned operand, since which of them a row meets differs from row to row.
import {
  BYTE8_24_BLOCK,
  BYTE8_24_SUMS,
  BYTE8_24_VALUES,
  BYTE8_BLOCK,
  BYTE8_SCALES,
  BYTE_ZERO,
  BYTE_ZERO_BITS,
  DEPTH,
  INT8_24_INDICES,
  M_UNSIGNED,
  PANEL,
  TILE_COLUMNS,
  WINDOW,
} from './layout';
import { firstPlaces, lastPlaces } from './int8';
import { begin, begunSums, bfloats, byteDot, fma, pick } from './simd';
import { scaleRows } from './vectors';

const STEP: usize = PANEL * 4;

/** 128 in every byte where the device's dot wants it, else 0. */
// @ts-ignore: decorator
@inline
function byteZero(): v128 {
  return v128.and(i8x16.splat(<i8>BYTE_ZERO), v128.load32_splat(M_UNSIGNED));
}

// @ts-ignore: decorator
@inline
function addTo(y: usize, sums: v128, s: v128): void {
  v128.store(y, fma(begunSums(sums), s, v128.load(y)));
}

/** y[16] += a block of a panel times 32 bytes of x, whose scale is `s`. */
// @ts-ignore: decorator
@inline
function block(p: usize, q: usize, start: v128, s: v128, y: usize): void {
  let a0 = start, a1 = start, a2 = start, a3 = start;
  let n = p + BYTE8_SCALES;
  for (const end = q + DEPTH; q < end; q += 4, n += STEP) {
    const x = v128.load32_splat(q);
    a0 = byteDot<i32>(v128.load(n), x, a0);
    a1 = byteDot<i32>(v128.load(n, 16), x, a1);
    a2 = byteDot<i32>(v128.load(n, 32), x, a2);
    a3 = byteDot<i32>(v128.load(n, 48), x, a3);
  }
  addTo(y, a0, f32x4.mul(bfloats(p), s));
  addTo(y + 16, a1, f32x4.mul(bfloats(p + 8), s));
  addTo(y + 32, a2, f32x4.mul(bfloats(p + 16), s));
  addTo(y + 48, a3, f32x4.mul(bfloats(p + 24), s));
}

/** Blocks of two panels at once, `p` and `g`, with results at y and z: two streams of memory, and each x is loaded once. */
// @ts-ignore: decorator
@inline
function twoBlocks(p: usize, g: usize, q: usize, start: v128, s: v128, y: usize, z: usize): void {
  let a0 = start, a1 = start, a2 = start, a3 = start;
  let b0 = start, b1 = start, b2 = start, b3 = start;
  let n = p + BYTE8_SCALES;
  let m = g + BYTE8_SCALES;
  for (const end = q + DEPTH; q < end; q += 4, n += STEP, m += STEP) {
    const x = v128.load32_splat(q);
    a0 = byteDot<i32>(v128.load(n), x, a0);
    a1 = byteDot<i32>(v128.load(n, 16), x, a1);
    a2 = byteDot<i32>(v128.load(n, 32), x, a2);
    a3 = byteDot<i32>(v128.load(n, 48), x, a3);
    b0 = byteDot<i32>(v128.load(m), x, b0);
    b1 = byteDot<i32>(v128.load(m, 16), x, b1);
    b2 = byteDot<i32>(v128.load(m, 32), x, b2);
    b3 = byteDot<i32>(v128.load(m, 48), x, b3);
  }
  addTo(y, a0, f32x4.mul(bfloats(p), s));
  addTo(y + 16, a1, f32x4.mul(bfloats(p + 8), s));
  addTo(y + 32, a2, f32x4.mul(bfloats(p + 16), s));
  addTo(y + 48, a3, f32x4.mul(bfloats(p + 24), s));
  addTo(z, b0, f32x4.mul(bfloats(g), s));
  addTo(z + 16, b1, f32x4.mul(bfloats(g + 8), s));
  addTo(z + 32, b2, f32x4.mul(bfloats(g + 16), s));
  addTo(z + 48, b3, f32x4.mul(bfloats(g + 24), s));
}

/** y[from..to] = W x for int8[depth] with its block scales and sums, from quantizeBlocks. */
export function gemvByte8(
  w: usize, depth: i32, bytes: usize, scales: usize, sums: usize, y: usize, from: i32, to: i32, streams: i32,
): void {
  const unsigned = v128.load32_splat(M_UNSIGNED);
  const panel = <usize>(depth / DEPTH) * BYTE8_BLOCK;
  const last = <usize>(depth / DEPTH) << 2;
  const panels = (to - from) / PANEL;
  const run = (panels + streams - 1) / streams;
  const next = <usize>run * panel;
  w += <usize>(from / PANEL) * panel;
  y += <usize>from << 2;
  memory.fill(y, 0, <usize>(to - from) << 2);
  for (let n = 0; n < run; n++) {
    let p = w + <usize>n * panel;
    let q = bytes;
    for (let b: usize = 0; b < last; b += 4, p += BYTE8_BLOCK, q += DEPTH) {
      const start = begin(v128.and(i32x4.shl(v128.load32_splat(sums + b), BYTE_ZERO_BITS), unsigned));
      const s = v128.load32_splat(scales + b);
      let at = p;
      let r = n;
      for (; r + run < panels; r += 2 * run, at += 2 * next) {
        const o = y + (<usize>(r * PANEL) << 2);
        twoBlocks(at, at + next, q, start, s, o, o + (<usize>(run * PANEL) << 2));
      }
      if (r < panels) block(at, q, start, s, y + (<usize>(r * PANEL) << 2));
    }
  }
}

/** Row `row` as float32[depth]. */
export function rowByte8(w: usize, depth: i32, row: i32, to: usize): void {
  const zero = byteZero();
  const lane = <usize>(row & (PANEL - 1));
  let p = w + <usize>(row / PANEL) * (depth / DEPTH) * BYTE8_BLOCK;
  for (const end = to + (<usize>depth << 2); to < end; p += BYTE8_BLOCK) {
    const scale = f32x4.splat(reinterpret<f32>(<u32>load<u16>(p + (lane << 1)) << 16));
    let n = p + BYTE8_SCALES + (lane << 2);
    for (let i = 0; i < DEPTH; i += 4, n += STEP, to += 16) {
      const four = v128.xor(v128.load32_splat(n), zero);
      const wide = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(four));
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(wide), scale));
    }
  }
}

/**
 * A panel -> two GEMM panels of bytes [depth / 4][8 columns][4], as far above their value as they are stored; float32
 * scales in `scales`, [blocks][16].
 */
export function unpackByte8(p: usize, depth: i32, to: usize, scales: usize): void {
  const second = <usize>depth * TILE_COLUMNS;
  for (const end = to + second; to < end; scales += PANEL * 4) {
    for (let quad: usize = 0; quad < 4; quad++) v128.store(scales + (quad << 4), bfloats(p + (quad << 3)));
    p += BYTE8_SCALES;
    for (let i = 0; i < DEPTH; i += 4, p += STEP, to += TILE_COLUMNS * 4) {
      v128.store(to, v128.load(p));
      v128.store(to, v128.load(p, 16), 16);
      v128.store(to + second, v128.load(p, 32));
      v128.store(to + second, v128.load(p, 48), 16);
    }
  }
}

/** Sums of a block less what the zero point gave them; the sums of weights are read last, as they lie. */
// @ts-ignore: decorator
@inline
function lessZero(sums: v128, p: usize): v128 {
  return i32x4.add(sums, i32x4.shl(v128.load16x4_s(p, BYTE8_24_SUMS), BYTE_ZERO_BITS));
}

/** y[16] += a block of a 2:4 panel times 32 bytes of x, row scales apart. */
// @ts-ignore: decorator
@inline
function sparseBlock(p: usize, q: usize, zero: v128, s: v128, y: usize): void {
  const start = begin(i32x4.splat(0));
  let a0 = start, a1 = start, a2 = start, a3 = start;
  for (let h: usize = 0; h < 2; h++) {
    const x = v128.xor(v128.load(q + h * WINDOW), zero);
    const v = p + BYTE8_24_VALUES + h * ((PANEL * WINDOW) / 2);
    let m = v128.load(p + h * INT8_24_INDICES);
    a0 = byteDot<i32>(pick(x, firstPlaces(m, 0)), v128.load(v), a0);
    a0 = byteDot<i32>(pick(x, lastPlaces(m, 2)), v128.load(v, 16), a0);
    a1 = byteDot<i32>(pick(x, firstPlaces(m, 4)), v128.load(v, 32), a1);
    a1 = byteDot<i32>(pick(x, lastPlaces(m, 6)), v128.load(v, 48), a1);
    m = v128.load(p + h * INT8_24_INDICES, 16);
    a2 = byteDot<i32>(pick(x, firstPlaces(m, 0)), v128.load(v, 64), a2);
    a2 = byteDot<i32>(pick(x, lastPlaces(m, 2)), v128.load(v, 80), a2);
    a3 = byteDot<i32>(pick(x, firstPlaces(m, 4)), v128.load(v, 96), a3);
    a3 = byteDot<i32>(pick(x, lastPlaces(m, 6)), v128.load(v, 112), a3);
  }
  addTo(y, lessZero(a0, p), s);
  addTo(y + 16, lessZero(a1, p + 8), s);
  addTo(y + 32, lessZero(a2, p + 16), s);
  addTo(y + 48, lessZero(a3, p + 24), s);
}

/** Blocks of two 2:4 panels at once, as `twoBlocks`. */
// @ts-ignore: decorator
@inline
function twoSparseBlocks(p: usize, g: usize, q: usize, zero: v128, s: v128, y: usize, z: usize): void {
  const start = begin(i32x4.splat(0));
  let a0 = start, a1 = start, a2 = start, a3 = start;
  let b0 = start, b1 = start, b2 = start, b3 = start;
  for (let h: usize = 0; h < 2; h++) {
    const x = v128.xor(v128.load(q + h * WINDOW), zero);
    const v = p + BYTE8_24_VALUES + h * ((PANEL * WINDOW) / 2);
    const w = g + BYTE8_24_VALUES + h * ((PANEL * WINDOW) / 2);
    let m = v128.load(p + h * INT8_24_INDICES);
    a0 = byteDot<i32>(pick(x, firstPlaces(m, 0)), v128.load(v), a0);
    a0 = byteDot<i32>(pick(x, lastPlaces(m, 2)), v128.load(v, 16), a0);
    a1 = byteDot<i32>(pick(x, firstPlaces(m, 4)), v128.load(v, 32), a1);
    a1 = byteDot<i32>(pick(x, lastPlaces(m, 6)), v128.load(v, 48), a1);
    m = v128.load(g + h * INT8_24_INDICES);
    b0 = byteDot<i32>(pick(x, firstPlaces(m, 0)), v128.load(w), b0);
    b0 = byteDot<i32>(pick(x, lastPlaces(m, 2)), v128.load(w, 16), b0);
    b1 = byteDot<i32>(pick(x, firstPlaces(m, 4)), v128.load(w, 32), b1);
    b1 = byteDot<i32>(pick(x, lastPlaces(m, 6)), v128.load(w, 48), b1);
    m = v128.load(p + h * INT8_24_INDICES, 16);
    a2 = byteDot<i32>(pick(x, firstPlaces(m, 0)), v128.load(v, 64), a2);
    a2 = byteDot<i32>(pick(x, lastPlaces(m, 2)), v128.load(v, 80), a2);
    a3 = byteDot<i32>(pick(x, firstPlaces(m, 4)), v128.load(v, 96), a3);
    a3 = byteDot<i32>(pick(x, lastPlaces(m, 6)), v128.load(v, 112), a3);
    m = v128.load(g + h * INT8_24_INDICES, 16);
    b2 = byteDot<i32>(pick(x, firstPlaces(m, 0)), v128.load(w, 64), b2);
    b2 = byteDot<i32>(pick(x, lastPlaces(m, 2)), v128.load(w, 80), b2);
    b3 = byteDot<i32>(pick(x, firstPlaces(m, 4)), v128.load(w, 96), b3);
    b3 = byteDot<i32>(pick(x, lastPlaces(m, 6)), v128.load(w, 112), b3);
  }
  addTo(y, lessZero(a0, p), s);
  addTo(y + 16, lessZero(a1, p + 8), s);
  addTo(y + 32, lessZero(a2, p + 16), s);
  addTo(y + 48, lessZero(a3, p + 24), s);
  addTo(z, lessZero(b0, g), s);
  addTo(z + 16, lessZero(b1, g + 8), s);
  addTo(z + 32, lessZero(b2, g + 16), s);
  addTo(z + 48, lessZero(b3, g + 24), s);
}

/** Panels `from` to `to` of a 2:4 matrix with a scale per output, times one token; the panels hold what takes the zero point off. */
export function gemvByte8Sparse(
  w: usize, rowScales: usize, depth: i32, bytes: usize, scales: usize, y: usize, from: i32, to: i32, streams: i32,
): void {
  const zero = byteZero();
  const panel = <usize>(depth / DEPTH) * BYTE8_24_BLOCK;
  const last = <usize>(depth / DEPTH) << 2;
  const panels = (to - from) / PANEL;
  const run = (panels + streams - 1) / streams;
  const next = <usize>run * panel;
  w += <usize>(from / PANEL) * panel;
  y += <usize>from << 2;
  memory.fill(y, 0, <usize>(to - from) << 2);
  for (let n = 0; n < run; n++) {
    let p = w + <usize>n * panel;
    let q = bytes;
    for (let b: usize = 0; b < last; b += 4, p += BYTE8_24_BLOCK, q += DEPTH) {
      const s = v128.load32_splat(scales + b);
      let at = p;
      let r = n;
      for (; r + run < panels; r += 2 * run, at += 2 * next) {
        const o = y + (<usize>(r * PANEL) << 2);
        twoSparseBlocks(at, at + next, q, zero, s, o, o + (<usize>(run * PANEL) << 2));
      }
      if (r < panels) sparseBlock(at, q, zero, s, y + (<usize>(r * PANEL) << 2));
    }
  }
  scaleRows(y, rowScales + (<usize>from << 2), to - from);
}

/** A 2:4 panel -> two dense GEMM panels of bytes, as `unpackByte8` makes them; the places not kept are 0. */
export function unpackByte8Sparse(p: usize, rowScales: usize, depth: i32, to: usize, scales: usize): void {
  for (let b = 0; b < depth / DEPTH; b++) memory.copy(scales + <usize>(b * PANEL * 4), rowScales, PANEL * 4);
  const step: usize = TILE_COLUMNS * 4;
  const second = <usize>depth * TILE_COLUMNS;
  const zero = byteZero();
  const offset = i8x16.extract_lane_u(zero, 0);
  memory.fill(to, <u8>offset, <usize>depth * PANEL);
  for (let k = 0; k < depth; k += DEPTH, p += BYTE8_24_BLOCK)
    for (let h: usize = 0; h < 2; h++, to += <usize>(WINDOW / 4) * step)
      for (let quad: usize = 0; quad < 4; quad++)
        for (let groups: usize = 0; groups < 2; groups++) {
          const places = p + h * INT8_24_INDICES + ((quad >> 1) << 4);
          const shift = (<i32>(quad & 1) << 2) + (<i32>groups << 1);
          const values = p + BYTE8_24_VALUES + h * ((PANEL * WINDOW) / 2) + (quad << 5) + (groups << 4);
          // Columns quad * 4 .. + 3 of the panel; inputs 8 groups .. + 7 of the window.
          const o = to + (quad >> 1) * second + ((quad & 1) << 4) + groups * 2 * step;
          for (let i: usize = 0; i < 16; i++) {
            const value = load<u8>(values + i);
            if (value == 0) continue;
            const place = <usize>(load<u8>(places + i) >> <u8>shift) & 3;
            store<u8>(o + ((i & 2) >> 1) * step + ((i >> 2) << 2) + place, value ^ <u8>offset);
          }
        }
}

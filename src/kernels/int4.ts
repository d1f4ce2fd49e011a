// int4 weights in blocks of 32 inputs with a scale each: w = (q - 8) * scale, q in 0..15; the scale is a bfloat16.
// Activations are bytes with a scale per block. A panel of 16 rows, 288 bytes a block:
//
//   16 bfloat16 scales | four groups, each 4 vectors of four rows:
//   byte (row, e) of group i = input 4i + e in its low bits, input 16 + 4i + e in its high bits
//
// Bytes times 0..15 and their sums fit int16 over a whole block. The 8 is taken off by the block's activation sum,
// which all rows share.
import { tileZero } from './activations';
import { DEPTH, INT4_BLOCK, INT4_SCALES, INT4_ZERO, INT4_ZERO_BITS, PANEL, TILE_COLUMNS } from './layout';
import { begin, begunSums, bfloats, byteDot, endSums, firstSums, fma } from './simd';

const GROUP: usize = PANEL * 4;
const GROUPS: usize = 4;
/** Bytes of a bfloat16 scale of each row of a vector. */
const QUAD_SCALES: usize = 8;

// @ts-ignore: decorator
@inline
function addBlock<Sum>(sums: v128, start: v128, p: usize, quad: usize, s: v128, y: usize): void {
  const floats = begunSums(endSums<Sum>(sums, start));
  const o = y + (quad << 4);
  v128.store(o, fma(floats, f32x4.mul(bfloats(p + quad * QUAD_SCALES), s), v128.load(o)));
}

/** y[16] += a block of a panel times 32 bytes of x, whose scale is `s`. */
// @ts-ignore: decorator
@inline
function block<Sum>(p: usize, q: usize, start: v128, s: v128, y: usize): void {
  const nibble = i8x16.splat(15);
  let a0 = firstSums<Sum>(start), a1 = a0, a2 = a0, a3 = a0;
  let n = p + INT4_SCALES;
  for (const end = q + DEPTH / 2; q < end; q += 4, n += GROUP) {
    const low = v128.load32_splat(q);
    const high = v128.load32_splat(q, DEPTH / 2);
    let v = v128.load(n);
    a0 = byteDot<Sum>(v128.and(v, nibble), low, a0);
    a0 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a0);
    v = v128.load(n, 16);
    a1 = byteDot<Sum>(v128.and(v, nibble), low, a1);
    a1 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a1);
    v = v128.load(n, 32);
    a2 = byteDot<Sum>(v128.and(v, nibble), low, a2);
    a2 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a2);
    v = v128.load(n, 48);
    a3 = byteDot<Sum>(v128.and(v, nibble), low, a3);
    a3 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a3);
  }
  addBlock<Sum>(a0, start, p, 0, s, y);
  addBlock<Sum>(a1, start, p, 1, s, y);
  addBlock<Sum>(a2, start, p, 2, s, y);
  addBlock<Sum>(a3, start, p, 3, s, y);
}

/** Blocks of two panels at once, `p` and `g`, with results at y and z: two streams of memory, and each x is loaded once. */
// @ts-ignore: decorator
@inline
function twoBlocks<Sum>(p: usize, g: usize, q: usize, start: v128, s: v128, y: usize, z: usize): void {
  const nibble = i8x16.splat(15);
  let a0 = firstSums<Sum>(start), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  let n = p + INT4_SCALES;
  let m = g + INT4_SCALES;
  for (const end = q + DEPTH / 2; q < end; q += 4, n += GROUP, m += GROUP) {
    const low = v128.load32_splat(q);
    const high = v128.load32_splat(q, DEPTH / 2);
    let v = v128.load(n);
    a0 = byteDot<Sum>(v128.and(v, nibble), low, a0);
    a0 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a0);
    v = v128.load(n, 16);
    a1 = byteDot<Sum>(v128.and(v, nibble), low, a1);
    a1 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a1);
    v = v128.load(n, 32);
    a2 = byteDot<Sum>(v128.and(v, nibble), low, a2);
    a2 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a2);
    v = v128.load(n, 48);
    a3 = byteDot<Sum>(v128.and(v, nibble), low, a3);
    a3 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, a3);
    v = v128.load(m);
    b0 = byteDot<Sum>(v128.and(v, nibble), low, b0);
    b0 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, b0);
    v = v128.load(m, 16);
    b1 = byteDot<Sum>(v128.and(v, nibble), low, b1);
    b1 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, b1);
    v = v128.load(m, 32);
    b2 = byteDot<Sum>(v128.and(v, nibble), low, b2);
    b2 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, b2);
    v = v128.load(m, 48);
    b3 = byteDot<Sum>(v128.and(v, nibble), low, b3);
    b3 = byteDot<Sum>(v128.and(i16x8.shr_u(v, 4), nibble), high, b3);
  }
  addBlock<Sum>(a0, start, p, 0, s, y);
  addBlock<Sum>(a1, start, p, 1, s, y);
  addBlock<Sum>(a2, start, p, 2, s, y);
  addBlock<Sum>(a3, start, p, 3, s, y);
  addBlock<Sum>(b0, start, g, 0, s, z);
  addBlock<Sum>(b1, start, g, 1, s, z);
  addBlock<Sum>(b2, start, g, 2, s, z);
  addBlock<Sum>(b3, start, g, 3, s, z);
}

/** y[from..to] = W x for int8[depth] with its block scales and sums, from quantizeBlocks. */
export function gemvInt4<Sum>(
  w: usize, depth: i32, bytes: usize, scales: usize, sums: usize, y: usize, from: i32, to: i32, streams: i32,
): void {
  const panel = <usize>(depth / DEPTH) * INT4_BLOCK;
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
    for (let b: usize = 0; b < last; b += 4, p += INT4_BLOCK, q += DEPTH) {
      const start = begin(i32x4.shl(v128.load32_splat(sums + b), INT4_ZERO_BITS));
      const s = v128.load32_splat(scales + b);
      let at = p;
      let r = n;
      for (; r + run < panels; r += 2 * run, at += 2 * next) {
        const o = y + (<usize>(r * PANEL) << 2);
        twoBlocks<Sum>(at, at + next, q, start, s, o, o + (<usize>(run * PANEL) << 2));
      }
      if (r < panels) block<Sum>(at, q, start, s, y + (<usize>(r * PANEL) << 2));
    }
  }
}

/** A panel -> two GEMM panels of bytes [depth / 4][8 columns][4], as far above their value as `tileZero` says; float32 scales in `scales`, [blocks][16]. */
export function unpackInt4(p: usize, depth: i32, to: usize, scales: usize): void {
  const step: usize = TILE_COLUMNS * 4;
  const second = <usize>depth * TILE_COLUMNS;
  const nibble = i8x16.splat(15);
  const raise = i8x16.splat(<i8>(tileZero() - INT4_ZERO));
  for (const end = to + second; to < end; scales += PANEL * 4, p += GROUPS * GROUP, to += DEPTH * TILE_COLUMNS) {
    for (let quad: usize = 0; quad < 4; quad++) v128.store(scales + (quad << 4), bfloats(p + quad * QUAD_SCALES));
    p += INT4_SCALES;
    for (let i: usize = 0; i < GROUPS; i++)
      for (let quad: usize = 0; quad < 4; quad++) {
        const v = v128.load(p + i * GROUP + (quad << 4));
        const o = to + i * step + (quad >> 1) * second + ((quad & 1) << 4);
        v128.store(o, i8x16.add(v128.and(v, nibble), raise));
        v128.store(o + GROUPS * step, i8x16.add(v128.and(i16x8.shr_u(v, 4), nibble), raise));
      }
  }
}

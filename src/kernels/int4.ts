// int4 weights in blocks of 32 inputs with a scale each: w = (q - 8) * scale, q in 0..15. A panel of 16 rows, 320 bytes
// a block:
//
//   16 float32 scales | four groups of 8 inputs, each 4 vectors of four rows:
//   16-bit lane (row, e) = inputs e, 2 + e, 4 + e, 6 + e at bits 0, 4, 8, 12
//
// so that one shift and one mask give (k, k + 1) of four rows as int16 pairs. The 8 is taken off by starting each
// block's sum at -8 * sum of its levels.
import { DEPTH, INT4_BLOCK, INT4_SCALES, PANEL, TILE_COLUMNS } from './layout';
import { dot, fma } from './simd';

const GROUP: usize = PANEL * 4;
const ZERO_POINT: i16 = 8;

/** y[from..to] = W x for levels int16[depth]; `sums` from blockSums. */
export function gemvInt4(
  w: usize, depth: i32, levels: usize, sums: usize, scale: f32, y: usize, from: i32, to: i32,
): void {
  const zero = f32x4.splat(0);
  const nibble = i16x8.splat(15);
  const s = f32x4.splat(scale);
  const blocks = depth / DEPTH;
  for (let r = from; r < to; r += PANEL) {
    let p = w + <usize>(r / PANEL) * blocks * INT4_BLOCK;
    let f0 = zero, f1 = zero, f2 = zero, f3 = zero;
    let q = levels;
    for (let b = 0; b < blocks; b++) {
      let a0 = v128.load32_splat(sums + (<usize>b << 2));
      let a1 = a0, a2 = a0, a3 = a0;
      let n = p + INT4_SCALES;
      for (const end = q + DEPTH * 2; q < end; q += 16, n += GROUP) {
        const t0 = v128.load32_splat(q);
        const t1 = v128.load32_splat(q, 4);
        const t2 = v128.load32_splat(q, 8);
        const t3 = v128.load32_splat(q, 12);
        let v = v128.load(n);
        a0 = dot(v128.and(v, nibble), t0, a0);
        a0 = dot(v128.and(i16x8.shr_u(v, 4), nibble), t1, a0);
        a0 = dot(v128.and(i16x8.shr_u(v, 8), nibble), t2, a0);
        a0 = dot(i16x8.shr_u(v, 12), t3, a0);
        v = v128.load(n, 16);
        a1 = dot(v128.and(v, nibble), t0, a1);
        a1 = dot(v128.and(i16x8.shr_u(v, 4), nibble), t1, a1);
        a1 = dot(v128.and(i16x8.shr_u(v, 8), nibble), t2, a1);
        a1 = dot(i16x8.shr_u(v, 12), t3, a1);
        v = v128.load(n, 32);
        a2 = dot(v128.and(v, nibble), t0, a2);
        a2 = dot(v128.and(i16x8.shr_u(v, 4), nibble), t1, a2);
        a2 = dot(v128.and(i16x8.shr_u(v, 8), nibble), t2, a2);
        a2 = dot(i16x8.shr_u(v, 12), t3, a2);
        v = v128.load(n, 48);
        a3 = dot(v128.and(v, nibble), t0, a3);
        a3 = dot(v128.and(i16x8.shr_u(v, 4), nibble), t1, a3);
        a3 = dot(v128.and(i16x8.shr_u(v, 8), nibble), t2, a3);
        a3 = dot(i16x8.shr_u(v, 12), t3, a3);
      }
      f0 = fma(f32x4.convert_i32x4_s(a0), v128.load(p), f0);
      f1 = fma(f32x4.convert_i32x4_s(a1), v128.load(p, 16), f1);
      f2 = fma(f32x4.convert_i32x4_s(a2), v128.load(p, 32), f2);
      f3 = fma(f32x4.convert_i32x4_s(a3), v128.load(p, 48), f3);
      p += INT4_BLOCK;
    }
    const o = y + (<usize>r << 2);
    v128.store(o, f32x4.mul(f0, s));
    v128.store(o, f32x4.mul(f1, s), 16);
    v128.store(o, f32x4.mul(f2, s), 32);
    v128.store(o, f32x4.mul(f3, s), 48);
  }
}

/** A panel -> two GEMM panels int16 [depth / 2][8 columns][2]; the block scales follow in `scales`, [blocks][16]. */
export function unpackInt4(p: usize, depth: i32, to: usize, scales: usize): void {
  const pairs: usize = TILE_COLUMNS * 4;
  const second = (<usize>depth >> 1) * pairs;
  const nibble = i16x8.splat(15);
  const eight = i16x8.splat(ZERO_POINT);
  for (let k = 0; k < depth; k += DEPTH, scales += PANEL * 4) {
    memory.copy(scales, p, INT4_SCALES);
    p += INT4_SCALES;
    for (let group = 0; group < DEPTH / 8; group++, p += GROUP, to += 4 * pairs)
      for (let quad: usize = 0; quad < 4; quad++) {
        const v = v128.load(p + (quad << 4));
        const o = to + (quad >> 1) * second + ((quad & 1) << 4);
        v128.store(o, i16x8.sub(v128.and(v, nibble), eight));
        v128.store(o + pairs, i16x8.sub(v128.and(i16x8.shr_u(v, 4), nibble), eight));
        v128.store(o + 2 * pairs, i16x8.sub(v128.and(i16x8.shr_u(v, 8), nibble), eight));
        v128.store(o + 3 * pairs, i16x8.sub(i16x8.shr_u(v, 12), eight));
      }
  }
}

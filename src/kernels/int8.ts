// int8 weights, one scale per output; activations are 16-bit levels per token. Sums are exact in int32, so every build,
// device and number of threads gives the same bits. A panel of 16 rows, 64 bytes a group of 4 inputs:
//
//   k = 0..3: r0 (k0 k1 k2 k3) r1 (..) .. r15 (..) | k = 4..7: ...
//
// A vector load widens two rows x 4 inputs to int16; their two halves meet in the end.
//
// 2:4 panel, 160 bytes a window of 16 inputs (four groups, of which every row keeps two each):
//
//   32 bytes of 2-bit places: byte lane (row i of four, kept j of four) of the first 16 bytes has, from bit 0 up:
//     rows 0-3 groups 0,1 | rows 0-3 groups 2,3 | rows 4-7 groups 0,1 | rows 4-7 groups 2,3; the second 16: rows 8-15
//   128 bytes of weights: rows 0-3 (4 kept of groups 0,1), rows 0-3 (groups 2,3), rows 4-7 (groups 0,1), ...
import { INT8_24_INDICES, INT8_24_WINDOW, PANEL, TILE_COLUMNS, WINDOW } from './layout';
import { dot, pairSums, pick } from './simd';

const STEP: usize = PANEL * 4;
/** First byte of the group that each kept weight belongs to: groups 0, 1 and groups 2, 3 of a window. */
const FIRST_GROUPS: i32 = 0x04040000;
const LAST_GROUPS: i32 = 0x0c0c0808;

// @ts-ignore: decorator
@inline
function put(y: usize, r: i32, sums: v128, scales: usize, s: v128): void {
  const o = <usize>r << 2;
  v128.store(y + o, f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.mul(s, v128.load(scales + o))));
}

/** y[from..to] = W x for levels int16[depth] with the given scale. */
export function gemvInt8(
  w: usize, scales: usize, depth: i32, levels: usize, scale: f32, y: usize, from: i32, to: i32,
): void {
  const zero = i32x4.splat(0);
  const s = f32x4.splat(scale);
  let p = w + <usize>from * depth;
  const end = levels + (<usize>depth << 1);
  // One stream from the first panel to the last: two halves of a panel side by side are too short to be prefetched.
  for (let r = from; r < to; r += PANEL) {
    let a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero, a6 = zero, a7 = zero;
    for (let q = levels; q < end; q += 8, p += STEP) {
      const t = v128.load64_splat(q);
      a0 = dot(v128.load8x8_s(p), t, a0);
      a1 = dot(v128.load8x8_s(p, 8), t, a1);
      a2 = dot(v128.load8x8_s(p, 16), t, a2);
      a3 = dot(v128.load8x8_s(p, 24), t, a3);
      a4 = dot(v128.load8x8_s(p, 32), t, a4);
      a5 = dot(v128.load8x8_s(p, 40), t, a5);
      a6 = dot(v128.load8x8_s(p, 48), t, a6);
      a7 = dot(v128.load8x8_s(p, 56), t, a7);
    }
    put(y, r, pairSums(a0, a1), scales, s);
    put(y, r + 4, pairSums(a2, a3), scales, s);
    put(y, r + 8, pairSums(a4, a5), scales, s);
    put(y, r + 12, pairSums(a6, a7), scales, s);
  }
}

/** Row `row` as float32[depth]. */
export function rowInt8(w: usize, scales: usize, depth: i32, row: i32, to: usize): void {
  const scale = f32x4.splat(load<f32>(scales + (<usize>row << 2)));
  let p = w + <usize>(row & ~(PANEL - 1)) * depth + (<usize>(row & (PANEL - 1)) << 2);
  for (const end = to + (<usize>depth << 2); to < end; to += 16, p += STEP) {
    const four = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_splat(p)));
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(four), scale));
  }
}

/** A panel -> two GEMM panels int16 [depth / 2][8 columns][2]. */
export function unpackInt8(p: usize, depth: i32, to: usize): void {
  const pairs: usize = TILE_COLUMNS * 4;
  const second = (<usize>depth >> 1) * pairs;
  for (const end = p + <usize>depth * PANEL; p < end; p += STEP, to += 2 * pairs)
    for (let h: usize = 0; h < 2; h++) {
      const from = p + h * 32;
      const o = to + h * second;
      let a = v128.load8x8_s(from);
      let b = v128.load8x8_s(from, 8);
      v128.store(o, v128.shuffle<i32>(a, b, 0, 2, 4, 6));
      v128.store(o, v128.shuffle<i32>(a, b, 1, 3, 5, 7), 32);
      a = v128.load8x8_s(from, 16);
      b = v128.load8x8_s(from, 24);
      v128.store(o, v128.shuffle<i32>(a, b, 0, 2, 4, 6), 16);
      v128.store(o, v128.shuffle<i32>(a, b, 1, 3, 5, 7), 48);
    }
}

// @ts-ignore: decorator
@inline
export function firstPlaces(m: v128, shift: i32): v128 {
  return v128.or(v128.and(i16x8.shr_u(m, shift), i8x16.splat(3)), i32x4.splat(FIRST_GROUPS));
}
// @ts-ignore: decorator
@inline
export function lastPlaces(m: v128, shift: i32): v128 {
  return v128.or(v128.and(i16x8.shr_u(m, shift), i8x16.splat(3)), i32x4.splat(LAST_GROUPS));
}
/** Bytes 0-7 of two planes -> int16 lanes; then bytes 8-15. */
// @ts-ignore: decorator
@inline
function joinLow(low: v128, high: v128): v128 {
  return i8x16.shuffle(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
// @ts-ignore: decorator
@inline
function joinHigh(low: v128, high: v128): v128 {
  return i8x16.shuffle(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Panels `from` to `to` of a 2:4 matrix of levels, times one token; its levels come as planes of low and high bytes. */
export function gemvInt8Sparse(
  w: usize, scales: usize, depth: i32, low: usize, high: usize, scale: f32, y: usize, from: i32, to: i32,
): void {
  const zero = i32x4.splat(0);
  const s = f32x4.splat(scale);
  let p = w + <usize>(from / PANEL) * (depth / WINDOW) * INT8_24_WINDOW;
  for (let r = from; r < to; r += PANEL) {
    let a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero, a6 = zero, a7 = zero;
    for (let k: usize = 0; k < <usize>depth; k += WINDOW, p += INT8_24_WINDOW) {
      const l = v128.load(low + k);
      const h = v128.load(high + k);
      let m = v128.load(p);
      let places = firstPlaces(m, 0);
      let x = pick(l, places), z = pick(h, places);
      a0 = dot(v128.load8x8_s(p, INT8_24_INDICES), joinLow(x, z), a0);
      a1 = dot(v128.load8x8_s(p, INT8_24_INDICES + 8), joinHigh(x, z), a1);
      places = lastPlaces(m, 2);
      x = pick(l, places), z = pick(h, places);
      a0 = dot(v128.load8x8_s(p, INT8_24_INDICES + 16), joinLow(x, z), a0);
      a1 = dot(v128.load8x8_s(p, INT8_24_INDICES + 24), joinHigh(x, z), a1);
      places = firstPlaces(m, 4);
      x = pick(l, places), z = pick(h, places);
      a2 = dot(v128.load8x8_s(p, INT8_24_INDICES + 32), joinLow(x, z), a2);
      a3 = dot(v128.load8x8_s(p, INT8_24_INDICES + 40), joinHigh(x, z), a3);
      places = lastPlaces(m, 6);
      x = pick(l, places), z = pick(h, places);
      a2 = dot(v128.load8x8_s(p, INT8_24_INDICES + 48), joinLow(x, z), a2);
      a3 = dot(v128.load8x8_s(p, INT8_24_INDICES + 56), joinHigh(x, z), a3);
      m = v128.load(p, 16);
      places = firstPlaces(m, 0);
      x = pick(l, places), z = pick(h, places);
      a4 = dot(v128.load8x8_s(p, INT8_24_INDICES + 64), joinLow(x, z), a4);
      a5 = dot(v128.load8x8_s(p, INT8_24_INDICES + 72), joinHigh(x, z), a5);
      places = lastPlaces(m, 2);
      x = pick(l, places), z = pick(h, places);
      a4 = dot(v128.load8x8_s(p, INT8_24_INDICES + 80), joinLow(x, z), a4);
      a5 = dot(v128.load8x8_s(p, INT8_24_INDICES + 88), joinHigh(x, z), a5);
      places = firstPlaces(m, 4);
      x = pick(l, places), z = pick(h, places);
      a6 = dot(v128.load8x8_s(p, INT8_24_INDICES + 96), joinLow(x, z), a6);
      a7 = dot(v128.load8x8_s(p, INT8_24_INDICES + 104), joinHigh(x, z), a7);
      places = lastPlaces(m, 6);
      x = pick(l, places), z = pick(h, places);
      a6 = dot(v128.load8x8_s(p, INT8_24_INDICES + 112), joinLow(x, z), a6);
      a7 = dot(v128.load8x8_s(p, INT8_24_INDICES + 120), joinHigh(x, z), a7);
    }
    put(y, r, pairSums(a0, a1), scales, s);
    put(y, r + 4, pairSums(a2, a3), scales, s);
    put(y, r + 8, pairSums(a4, a5), scales, s);
    put(y, r + 12, pairSums(a6, a7), scales, s);
  }
}

/** A 2:4 panel -> two dense GEMM panels int16 [depth / 2][8 columns][2]; the places not kept are 0. */
export function unpackInt8Sparse(p: usize, depth: i32, to: usize): void {
  const pairs: usize = TILE_COLUMNS * 4;
  const second = (<usize>depth >> 1) * pairs;
  memory.fill(to, 0, <usize>depth * PANEL * 2);
  for (let k = 0; k < depth; k += WINDOW, p += INT8_24_WINDOW, to += <usize>(WINDOW / 2) * pairs)
    for (let quad: usize = 0; quad < 4; quad++)
      for (let h: usize = 0; h < 2; h++) {
        const places = p + ((quad >> 1) << 4);
        const shift = (<i32>(quad & 1) << 2) + (<i32>h << 1);
        const values = p + INT8_24_INDICES + (quad << 5) + (h << 4);
        // Columns quad * 4 .. + 3 of the panel; inputs 8h .. 8h + 7 of the window.
        const o = to + (quad >> 1) * second + ((quad & 1) << 4) + h * 4 * pairs;
        for (let i: usize = 0; i < 16; i++) {
          const value = load<i8>(values + i);
          if (value == 0) continue;
          const k8 = (<usize>(load<u8>(places + i) >> <u8>shift) & 3) + ((i & 2) << 1);
          store<i16>(o + (k8 >> 1) * pairs + ((i >> 2) << 2) + ((k8 & 1) << 1), value);
        }
      }
}

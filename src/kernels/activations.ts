// Activations in the forms that weight formats want. float32 needs none. Against int8 weights with one scale per output
// they are 16-bit levels with one scale per token: x = level * scale, |level| <= 32767. With 8 bits per token SmolLM2
// loses 0.08 nats and results hang on the last bit of a float, with 14 it loses 0.005, with 16 0.001. Against int4, whose
// blocks of 32 have scales of their own anyway, and against int8 where the device multiplies whole bytes (byte8.ts), they
// are 8-bit levels with a scale per block of 32: that loses 0.004 and less.
// All integer products and sums are exact on every device.
import { BYTE_ZERO, DEPTH, INT4_ZERO, M_TOP_LEVEL, M_UNSIGNED, M_WIDE_SUMS, TILE, TOP_BYTE } from './layout';
import { maxOf, sumOfInts, wholes } from './simd';

/** Half-precision weights are read as value * 2^-112; activations * 2^80 keep products far from underflow. */
export const HALF_LIFT: f32 = 1208925819614629174706176.0; // 2^80

/** Largest level: the loader chose it so that no sum of int8 weights times levels leaves int32. */
// @ts-ignore: decorator
@inline
function topLevel(): f32 {
  return load<f32>(M_TOP_LEVEL);
}

/** How far above their value bytes of weights stand in tiles: what this device's dot wants. */
export function tileZero(): i32 {
  return load<i32>(M_WIDE_SUMS) ? BYTE_ZERO & load<i32>(M_UNSIGNED) : INT4_ZERO;
}

function largest(x: usize, depth: i32): f32 {
  let m = f32x4.splat(0);
  for (const end = x + (<usize>depth << 2); x < end; x += 16) m = f32x4.pmax(m, f32x4.abs(v128.load(x)));
  return maxOf(m);
}

// @ts-ignore: decorator
@inline
function level4(x: usize, inverse: v128): v128 {
  return wholes(f32x4.mul(v128.load(x), inverse));
}

/** x[depth] -> levels int16[depth]; returns the scale. */
export function quantize(x: usize, depth: i32, to: usize): f32 {
  const top = topLevel();
  const m = largest(x, depth);
  const inverse = f32x4.splat(m > 0 ? top / m : 0);
  for (const end = x + (<usize>depth << 2); x < end; x += 32, to += 16)
    v128.store(to, i16x8.narrow_i32x4_s(level4(x, inverse), level4(x + 16, inverse)));
  return m / top;
}

/** Quantizes activations into row `r` of a tile and returns their scale: int16 [depth / 2][TILE rows][2]. */
export function quantizeIntoTile(x: usize, depth: i32, tile: usize, r: i32): f32 {
  const top = topLevel();
  const m = largest(x, depth);
  const inverse = f32x4.splat(m > 0 ? top / m : 0);
  let to = tile + (<usize>r << 2);
  for (const end = x + (<usize>depth << 2); x < end; x += 32, to += 16 * TILE) {
    const v = i16x8.narrow_i32x4_s(level4(x, inverse), level4(x + 16, inverse));
    v128.store_lane<i32>(to, v, 0);
    v128.store_lane<i32>(to, v, 1, 4 * TILE);
    v128.store_lane<i32>(to, v, 2, 8 * TILE);
    v128.store_lane<i32>(to, v, 3, 12 * TILE);
  }
  return m / top;
}

/** x[depth] into row `r` of a tile: float32 [depth][TILE rows]. */
export function copyIntoTile(x: usize, depth: i32, tile: usize, r: i32): void {
  let to = tile + (<usize>r << 2);
  for (const end = x + (<usize>depth << 2); x < end; x += 16, to += 16 * TILE) {
    const v = v128.load(x);
    v128.store_lane<f32>(to, v, 0);
    v128.store_lane<f32>(to, v, 1, 4 * TILE);
    v128.store_lane<f32>(to, v, 2, 8 * TILE);
    v128.store_lane<f32>(to, v, 3, 12 * TILE);
  }
}

/**
 * x[depth] -> int8[depth] in blocks of 32, x = byte * scale, |byte| <= 127; per block its scale (float32), and minus
 * the sum of its bytes: times a zero point it takes that off every row's product. Stored is `begin` and that sum times
 * `zero`. `step`: bytes from one block's to the next's.
 */
export function quantizeBlocks(
  x: usize, depth: i32, to: usize, scales: usize, sums: usize, step: usize, zero: i32, begin: i32,
): void {
  for (const end = to + depth; to < end; x += DEPTH * 4, to += DEPTH, scales += step, sums += step) {
    let m = f32x4.pmax(f32x4.abs(v128.load(x)), f32x4.abs(v128.load(x, 16)));
    let n = f32x4.pmax(f32x4.abs(v128.load(x, 32)), f32x4.abs(v128.load(x, 48)));
    m = f32x4.pmax(m, f32x4.pmax(f32x4.abs(v128.load(x, 64)), f32x4.abs(v128.load(x, 80))));
    n = f32x4.pmax(n, f32x4.pmax(f32x4.abs(v128.load(x, 96)), f32x4.abs(v128.load(x, 112))));
    const largest = maxOf(f32x4.pmax(m, n));
    const inverse = f32x4.splat(largest > 0 ? <f32>TOP_BYTE / largest : 0);
    let sum = i32x4.splat(0);
    for (let half: usize = 0; half < <usize>DEPTH; half += 16) {
      const from = x + (half << 2);
      const a = level4(from, inverse), b = level4(from + 16, inverse);
      const c = level4(from + 32, inverse), d = level4(from + 48, inverse);
      v128.store(to + half, i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
      sum = i32x4.add(sum, i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
    }
    store<f32>(scales, largest / <f32>TOP_BYTE);
    store<i32>(sums, begin - sumOfInts(sum) * zero);
  }
}

/** int8[depth] into row `r` of a tile: [depth / 4][TILE rows][4]. */
export function spreadIntoTile(bytes: usize, depth: i32, tile: usize, r: i32): void {
  let to = tile + (<usize>r << 2);
  for (const end = bytes + depth; bytes < end; bytes += 16, to += 16 * TILE) {
    const v = v128.load(bytes);
    v128.store_lane<i32>(to, v, 0);
    v128.store_lane<i32>(to, v, 1, 4 * TILE);
    v128.store_lane<i32>(to, v, 2, 8 * TILE);
    v128.store_lane<i32>(to, v, 3, 12 * TILE);
  }
}

/** Levels as two planes of bytes, low and high, for kernels that pick activations byte by byte. */
export function splitPlanes(levels: usize, depth: i32, low: usize, high: usize): void {
  for (let i: usize = 0; i < <usize>depth; i += 16) {
    const a = v128.load(levels + 2 * i);
    const b = v128.load(levels + 2 * i, 16);
    v128.store(low + i, i8x16.shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
    v128.store(high + i, i8x16.shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
  }
}

/** x * 2^80, for half-precision weights. */
export function lift(x: usize, depth: i32, to: usize): void {
  const s = f32x4.splat(HALF_LIFT);
  for (const end = x + (<usize>depth << 2); x < end; x += 16, to += 16) v128.store(to, f32x4.mul(v128.load(x), s));
}

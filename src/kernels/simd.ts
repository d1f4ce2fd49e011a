// What both builds share a name for, and small vector helpers. Relaxed SIMD gives a fused multiply-add and a shuffle
// without a range check; baseline SIMD does the same in two instructions.

/** a * b + c in float32; rounded once where the build has relaxed SIMD (and the device FMA). */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Bytes of `a` at `indices`, each below 16. */
// @ts-ignore: decorator
@inline
export function pick(a: v128, indices: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(a, indices);
  return i8x16.swizzle(a, indices);
}

/** c + the products of two int16 pairs a lane: exact. */
// @ts-ignore: decorator
@inline
export function dot(a: v128, b: v128, c: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(a, b));
}

/** Products of the even bytes of each pair, as int16: a byte taken unsigned times a signed one, exact. */
// @ts-ignore: decorator
@inline
function evenProducts(unsigned: v128, x: v128): v128 {
  return i16x8.mul(i16x8.shr_s(i16x8.shl(x, 8), 8), v128.and(unsigned, i16x8.splat(255)));
}
// @ts-ignore: decorator
@inline
function oddProducts(unsigned: v128, x: v128): v128 {
  return i16x8.mul(i16x8.shr_s(x, 8), i16x8.shr_u(unsigned, 8));
}

/**
 * c + products of signed bytes `x` with bytes `y`. `Sum` says how the sums are held: i32 = one a lane of four products,
 * for devices with an instruction for it (which take y as 0..255 with VNNI, signed on ARM; M_UNSIGNED) and the baseline
 * build (0..255); i16 = two a lane, half the instructions elsewhere, for y of 0..127 and sums that int16 holds.
 */
// @ts-ignore: decorator
@inline
export function byteDot<Sum>(y: v128, x: v128, c: v128): v128 {
  if (sizeof<Sum>() == 2) {
    if (ASC_FEATURE_RELAXED_SIMD) return i16x8.add(c, i16x8.relaxed_dot_i8x16_i7x16_s(x, y));
    return i16x8.add(c, i16x8.add(evenProducts(y, x), oddProducts(y, x)));
  }
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, y, c);
  const even = i32x4.extadd_pairwise_i16x8_s(evenProducts(y, x));
  return i32x4.add(c, i32x4.add(even, i32x4.extadd_pairwise_i16x8_s(oddProducts(y, x))));
}

/** Where a block's sums begin: sums in 16 bits have no room for the zero point, so it comes off behind them. */
// @ts-ignore: decorator
@inline
export function firstSums<Sum>(start: v128): v128 {
  return sizeof<Sum>() == 2 ? i32x4.splat(0) : start;
}

/** What byteDot summed from there, one int32 a lane of four products, `start` included. */
// @ts-ignore: decorator
@inline
export function endSums<Sum>(c: v128, start: v128): v128 {
  return sizeof<Sum>() == 2 ? i32x4.add(i32x4.dot_i16x8_s(c, i16x8.splat(1)), start) : c;
}

/** Two vectors of (r0 r0 r1 r1), (r2 r2 r3 r3) partial sums -> four row sums. */
// @ts-ignore: decorator
@inline
export function pairSums(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

// @ts-ignore: decorator
@inline
export function sumOf(a: v128): f32 {
  return (
    f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3))
  );
}

// @ts-ignore: decorator
@inline
export function sumOfInts(a: v128): i32 {
  a = i32x4.add(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return i32x4.extract_lane(i32x4.add(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2)), 0);
}

// @ts-ignore: decorator
@inline
export function maxOf(a: v128): f32 {
  a = f32x4.pmax(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2)), 0);
}

/** Below this exp is 0 in float32's normal range; exp4 clamps there. */
export const EXP_LEAST: f32 = -87;

/** Four bfloat16 as float32. */
// @ts-ignore: decorator
@inline
export function bfloats(p: usize): v128 {
  return i32x4.shl(v128.load16x4_u(p), 16);
}

/** 1.5 * 2^23: adding it to a float of at most 2^22 rounds that to a whole number, half to even, in the low bits. */
const ROUNDER: f32 = 12582912;
export const ROUNDER_BITS: i32 = 0x4b400000;

/** Where whole sums begin that `begunSums` makes floats of. */
// @ts-ignore: decorator
@inline
export function begin(start: v128): v128 {
  return i32x4.add(start, i32x4.splat(ROUNDER_BITS));
}

/** Whole sums of at most 2^22 that were begun at ROUNDER_BITS, as floats: an addition where a conversion takes the multiplier's place. */
// @ts-ignore: decorator
@inline
export function begunSums(a: v128): v128 {
  return f32x4.sub(a, f32x4.splat(ROUNDER));
}

/** Floats of at most 2^22, rounded half to even: in two instructions where nearest and a checked conversion take ten. */
// @ts-ignore: decorator
@inline
export function wholes(x: v128): v128 {
  return i32x4.sub(f32x4.add(x, f32x4.splat(ROUNDER)), i32x4.splat(ROUNDER_BITS));
}

/** exp of four floats in [-87, 87], relative error about 2e-7: the Cephes polynomial. */
export function exp4(x: v128): v128 {
  const one = f32x4.splat(1);
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(-EXP_LEAST)), f32x4.splat(EXP_LEAST));
  // x / ln 2, rounded, as a float and (below) as an integer.
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), f32x4.splat(ROUNDER));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER));
  // ln 2 in two parts, so that x - n ln 2 keeps its last bits.
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.add(f32x4.mul(f32x4.splat(1.98756915e-4), r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), one);
  return f32x4.mul(p, i32x4.shl(i32x4.sub(rounded, i32x4.splat(ROUNDER_BITS - 127)), 23));
}

/** a * b + c: fused where the build has relaxed SIMD, two roundings elsewhere. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** a * b + c of two float64, as `madd`. */
export function madd64(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** Sum of four float32 lanes. */
export function sum4(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Four times each: from memory a number costs a load, as a constant three instructions. */
const EXP_LEAST = memory.data<f32>([-87, -87, -87, -87], 16);
const EXP_MOST = memory.data<f32>([88, 88, 88, 88], 16);
const LOG2_E = memory.data<f32>(
  [1.44269504088896341, 1.44269504088896341, 1.44269504088896341, 1.44269504088896341],
  16,
);
/** 1.5 * 2^23: adding it rounds to a whole number, half to even, which then stands in the low bits. */
const ROUNDER = memory.data<f32>([12582912, 12582912, 12582912, 12582912], 16);
/** ln 2 in two parts, so that x - n ln 2 keeps its last bits. */
const LN2_HIGH = memory.data<f32>([-0.693359375, -0.693359375, -0.693359375, -0.693359375], 16);
const LN2_LOW = memory.data<f32>([2.1219444e-4, 2.1219444e-4, 2.1219444e-4, 2.1219444e-4], 16);
const P0 = memory.data<f32>([1.98756915e-4, 1.98756915e-4, 1.98756915e-4, 1.98756915e-4], 16);
const P1 = memory.data<f32>([1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3], 16);
const P2 = memory.data<f32>([8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3], 16);
const P3 = memory.data<f32>([4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2], 16);
const P4 = memory.data<f32>([1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1], 16);
const P5 = memory.data<f32>([5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1], 16);
const ONE = memory.data<f32>([1, 1, 1, 1], 16);
const BIAS = memory.data<i32>([127, 127, 127, 127], 16);

/**
 * e^x to about 2 units in the last place (Cephes' expf: x = n ln 2 + r, a polynomial of degree 6 in r). Below -87 it is
 * 0, above 88 it is held at 88.
 */
export function exp4(x: v128): v128 {
  const vanishes = f32x4.lt(x, v128.load(EXP_LEAST));
  x = f32x4.pmin(f32x4.pmax(x, v128.load(EXP_LEAST)), v128.load(EXP_MOST));
  const rounded = f32x4.add(f32x4.mul(x, v128.load(LOG2_E)), v128.load(ROUNDER));
  const n = f32x4.sub(rounded, v128.load(ROUNDER));
  let r = madd(n, v128.load(LN2_HIGH), x);
  r = madd(n, v128.load(LN2_LOW), r);
  let p = madd(v128.load(P0), r, v128.load(P1));
  p = madd(p, r, v128.load(P2));
  p = madd(p, r, v128.load(P3));
  p = madd(p, r, v128.load(P4));
  p = madd(p, r, v128.load(P5));
  p = f32x4.add(madd(f32x4.mul(r, r), p, r), v128.load(ONE));
  // Of the rounder's bits none is left behind the shift.
  const power = i32x4.shl(i32x4.add(rounded, v128.load(BIAS)), 23);
  return v128.andnot(f32x4.mul(p, power), vanishes);
}

/** The largest of four float32 lanes. */
export function most4(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/** Products of the even and the odd bytes of each pair, as int16: bytes taken unsigned times signed ones, exact. */
function evenProducts(unsigned: v128, x: v128): v128 {
  return i16x8.mul(i16x8.shr_s(i16x8.shl(x, 8), 8), v128.and(unsigned, i16x8.splat(255)));
}
function oddProducts(unsigned: v128, x: v128): v128 {
  return i16x8.mul(i16x8.shr_s(x, 8), i16x8.shr_u(unsigned, 8));
}

/**
 * c + the products of four bytes a lane, `x` signed: `y` as the device takes it (src/lib/matrix/dot.ts), unsigned in the
 * baseline build, which no device is given for its speed.
 */
export function byteDot(y: v128, x: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, y, c);
  const even = i32x4.extadd_pairwise_i16x8_s(evenProducts(y, x));
  return i32x4.add(c, i32x4.add(even, i32x4.extadd_pairwise_i16x8_s(oddProducts(y, x))));
}

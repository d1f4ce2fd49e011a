/** a * b + c: fused where the build has relaxed SIMD, two roundings elsewhere. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The same for two float64. */
export function madd64(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** Sum of four float32 lanes. */
export function sum4(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/**
 * e^x to about 2 units in the last place (Cephes' expf: x = n ln 2 + r, a polynomial of degree 6 in r). Below -87 it is
 * 0, above 88 it is held at 88.
 */
export function exp4(x: v128): v128 {
  const low = f32x4.splat(-87.0);
  const vanishes = f32x4.lt(x, low);
  x = f32x4.min(f32x4.max(x, low), f32x4.splat(88.0));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  let r = madd(n, f32x4.splat(-0.693359375), x);
  r = madd(n, f32x4.splat(2.1219444e-4), r);
  let p = f32x4.splat(1.98756915e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(madd(f32x4.mul(r, r), p, r), f32x4.splat(1.0));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
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

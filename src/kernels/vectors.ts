// Norms, activation functions, rope: what happens to a token's vector between matrices.
import { M_EPSILON } from './layout';
import { exp4, maxOf, sumOf } from './simd';

/** RMSNorm: to = x / sqrt(mean(x^2) + epsilon) * weight. `padded` >= size is a multiple of 4; padding is 0 and stays so. */
export function rmsNorm(x: usize, weight: usize, to: usize, size: i32, padded: i32): void {
  const bytes = <usize>padded << 2;
  let squares = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const v = v128.load(x + i);
    squares = f32x4.add(squares, f32x4.mul(v, v));
  }
  const s = f32x4.splat(1 / sqrt<f32>(sumOf(squares) / <f32>size + load<f32>(M_EPSILON)));
  for (let i: usize = 0; i < bytes; i += 16)
    v128.store(to + i, f32x4.mul(f32x4.mul(v128.load(x + i), s), v128.load(weight + i)));
}

/** Rotates the halves of one head in place; `table`: [half cosines, half sines] of the position. */
export function rope(x: usize, table: usize, headDim: i32): void {
  const half = (<usize>headDim >> 1) << 2;
  for (let i: usize = 0; i < half; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(x + half + i);
    const c = v128.load(table + i);
    const s = v128.load(table + half + i);
    v128.store(x + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(x + half + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
  }
}

/** x += y over n floats (a multiple of 4). */
export function addTo(x: usize, y: usize, n: i32): void {
  for (const end = x + (<usize>n << 2); x < end; x += 16, y += 16)
    v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
}

/** y *= scales over n floats (a multiple of 4). */
export function scaleRows(y: usize, scales: usize, n: i32): void {
  for (const end = y + (<usize>n << 2); y < end; y += 16, scales += 16)
    v128.store(y, f32x4.mul(v128.load(y), v128.load(scales)));
}

/** to = gate * sigmoid(gate) * up over n floats (a multiple of 4). */
export function swiglu(gate: usize, up: usize, to: usize, n: i32): void {
  const one = f32x4.splat(1);
  for (const end = gate + (<usize>n << 2); gate < end; gate += 16, up += 16, to += 16) {
    const g = v128.load(gate);
    v128.store(to, f32x4.mul(v128.load(up), f32x4.div(g, f32x4.add(one, exp4(f32x4.neg(g))))));
  }
}

/** Floats whose exponentials are summed in float32 before they join a float64. */
const SUM_RUN: i32 = 1024;

/**
 * to = (largest of x, sum of exp(x - largest)), both float64, over `size` floats; `padded` >= size is a multiple of 4, and
 * what lies between is overwritten.
 */
export function softmaxSum(x: usize, size: i32, padded: i32, to: usize): void {
  for (let i = size; i < padded; i++) store<f32>(x + (<usize>i << 2), -Infinity);
  let m = v128.load(x);
  const end = x + (<usize>padded << 2);
  for (let p = x; p < end; p += 16) m = f32x4.pmax(m, v128.load(p));
  const largest = maxOf(m);
  const top = f32x4.splat(largest);
  let sum: f64 = 0;
  while (x < end) {
    let s = f32x4.splat(0);
    for (const stop = min(x + (<usize>SUM_RUN << 2), end); x < stop; x += 16)
      s = f32x4.add(s, exp4(f32x4.sub(v128.load(x), top)));
    sum += <f64>sumOf(s);
  }
  store<f64>(to, <f64>largest);
  store<f64>(to, sum, 8);
}

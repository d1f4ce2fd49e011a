import { exp4, madd, most4, sum4 } from './simd';

/** out[r, :] = x[r, :] / rms(x[r, :]) * weight; the mean of squares in float64. n is a multiple of 4. */
export function rmsNorm(x: usize, weight: usize, out: usize, rows: usize, n: usize, epsilon: f32): void {
  for (let r: usize = 0; r < rows; r++) {
    let s: f64 = 0;
    for (let i: usize = 0; i < n; i++) {
      const v = <f64>load<f32>(x + i * 4);
      s += v * v;
    }
    const scale = f32x4.splat(<f32>(1 / Math.sqrt(s / <f64>n + <f64>epsilon)));
    for (let i: usize = 0; i < n; i += 4)
      v128.store(out + i * 4, f32x4.mul(f32x4.mul(v128.load(x + i * 4), scale), v128.load(weight + i * 4)));
    x += n * 4;
    out += n * 4;
  }
}

/** x[r, :] += row[:]. n is a multiple of 4. */
export function addRow(x: usize, row: usize, rows: usize, n: usize): void {
  for (let r: usize = 0; r < rows; r++)
    for (let i: usize = 0; i < n; i += 4) {
      v128.store(x, f32x4.add(v128.load(x), v128.load(row + i * 4)));
      x += 16;
    }
}

/** x[i] += y[i]. n is a multiple of 4. */
export function addTo(x: usize, y: usize, n: usize): void {
  for (let i: usize = 0; i < n * 4; i += 16) v128.store(x + i, f32x4.add(v128.load(x + i), v128.load(y + i)));
}

/**
 * Rotary embedding in place: x [rows, heads, size], angles' cos and sin [rows, size / 2]; pairs are (i, i + size / 2)
 * as transformers has them. size is a multiple of 8.
 */
export function rope(x: usize, cos: usize, sin: usize, rows: usize, heads: usize, size: usize): void {
  const half = (size / 2) * 4;
  for (let r: usize = 0; r < rows; r++) {
    for (let h: usize = 0; h < heads; h++) {
      for (let i: usize = 0; i < half; i += 16) {
        const c = v128.load(cos + i);
        const s = v128.load(sin + i);
        const a = v128.load(x + i);
        const b = v128.load(x + half + i);
        v128.store(x + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
        v128.store(x + half + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
      }
      x += size * 4;
    }
    cos += half;
    sin += half;
  }
}

/**
 * Row r of s [rows, columns] becomes the softmax of its first past + r + 1 entries times `scale`, and zeros behind.
 * columns is a multiple of 4, and at least past + rows.
 */
export function causalSoftmax(s: usize, rows: usize, columns: usize, past: usize, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (let r: usize = 0; r < rows; r++) {
    const row = s + r * columns * 4;
    const end = ((past + r + 4) & ~3) * 4;
    for (let i = (past + r + 1) * 4; i < end; i += 4) store<f32>(row + i, <f32>-Infinity);
    let top = f32x4.splat(<f32>-Infinity);
    for (let i: usize = 0; i < end; i += 16) {
      const v = f32x4.mul(v128.load(row + i), factor);
      v128.store(row + i, v);
      top = f32x4.pmax(top, v);
    }
    const shift = f32x4.splat(most4(top));
    let sum = f32x4.splat(0);
    for (let i: usize = 0; i < end; i += 16) {
      const e = exp4(f32x4.sub(v128.load(row + i), shift));
      v128.store(row + i, e);
      sum = f32x4.add(sum, e);
    }
    const inverse = f32x4.splat(<f32>1 / sum4(sum));
    for (let i: usize = 0; i < end; i += 16) v128.store(row + i, f32x4.mul(v128.load(row + i), inverse));
    memory.fill(row + end, 0, columns * 4 - end);
  }
}

/** gate[i] = silu(gate[i]) * up[i]. n is a multiple of 4. */
export function siluTimes(gate: usize, up: usize, n: usize): void {
  const one = f32x4.splat(1);
  for (let i: usize = 0; i < n * 4; i += 16) {
    const g = v128.load(gate + i);
    const e = exp4(f32x4.neg(g));
    v128.store(gate + i, f32x4.mul(f32x4.div(g, f32x4.add(one, e)), v128.load(up + i)));
  }
}

/** sums[c] += sum over rows of x[r, c]^2; float64 sums. n is a multiple of 4. */
export function addSquares(x: usize, rows: usize, n: usize, sums: usize): void {
  for (let c: usize = 0; c < n; c += 4) {
    let low = v128.load(sums + c * 8);
    let high = v128.load(sums + c * 8, 16);
    let from = x + c * 4;
    for (let r: usize = 0; r < rows; r++) {
      const v = v128.load(from);
      const a = f64x2.promote_low_f32x4(v);
      const b = f64x2.promote_low_f32x4(
        i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15),
      );
      low = f64x2.add(low, f64x2.mul(a, a));
      high = f64x2.add(high, f64x2.mul(b, b));
      from += n * 4;
    }
    v128.store(sums + c * 8, low);
    v128.store(sums + c * 8, high, 16);
  }
}

/** Sum over rows of the cosine between x[r, :] and y[r, :]. n is a multiple of 4. */
export function cosines(x: usize, y: usize, rows: usize, n: usize): f64 {
  let total: f64 = 0;
  for (let r: usize = 0; r < rows; r++) {
    let xy = f32x4.splat(0);
    let xx = xy;
    let yy = xy;
    for (let i: usize = 0; i < n * 4; i += 16) {
      const a = v128.load(x + i);
      const b = v128.load(y + i);
      xy = madd(a, b, xy);
      xx = madd(a, a, xx);
      yy = madd(b, b, yy);
    }
    const d = Math.sqrt(<f64>sum4(xx) * <f64>sum4(yy));
    total += d > 0 ? <f64>sum4(xy) / d : 1;
    x += n * 4;
    y += n * 4;
  }
  return total;
}

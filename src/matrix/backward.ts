import { exp4, most4, sum4 } from './simd';

/** Gradients of what forward.ts computes: "d" stands for the derivative of the loss by what follows it. */

/**
 * dx[r, :] += the gradient of rmsNorm(x) * weight under dy: with s = 1 / rms(x) and g = dy * weight,
 * s g - x s^3 mean(g x). Sums in float64; n is a multiple of 4.
 */
export function rmsNormBackward(
  x: usize,
  weight: usize,
  dy: usize,
  dx: usize,
  rows: usize,
  n: usize,
  epsilon: f32,
): void {
  for (let r: usize = 0; r < rows; r++) {
    let squares: f64 = 0;
    let product: f64 = 0;
    for (let i: usize = 0; i < n * 4; i += 4) {
      const v = <f64>load<f32>(x + i);
      squares += v * v;
      product += v * <f64>load<f32>(dy + i) * <f64>load<f32>(weight + i);
    }
    const s = 1 / Math.sqrt(squares / <f64>n + <f64>epsilon);
    const scale = f32x4.splat(<f32>s);
    const back = f32x4.splat(<f32>((s * s * s * product) / <f64>n));
    for (let i: usize = 0; i < n * 4; i += 16) {
      const g = f32x4.mul(v128.load(dy + i), v128.load(weight + i));
      const own = f32x4.sub(f32x4.mul(g, scale), f32x4.mul(v128.load(x + i), back));
      v128.store(dx + i, f32x4.add(v128.load(dx + i), own));
    }
    x += n * 4;
    dy += n * 4;
    dx += n * 4;
  }
}

/** dw[i] += the gradient by the weight of rmsNorm(x) * w under dy: sum over rows of dy[r, i] x[r, i] / rms(x[r]). n % 4 = 0. */
export function rmsNormWeights(x: usize, dy: usize, dw: usize, rows: usize, n: usize, epsilon: f32): void {
  for (let r: usize = 0; r < rows; r++) {
    let squares: f64 = 0;
    for (let i: usize = 0; i < n * 4; i += 4) {
      const v = <f64>load<f32>(x + i);
      squares += v * v;
    }
    const scale = f32x4.splat(<f32>(1 / Math.sqrt(squares / <f64>n + <f64>epsilon)));
    for (let i: usize = 0; i < n * 4; i += 16) {
      const own = f32x4.mul(f32x4.mul(v128.load(x + i), scale), v128.load(dy + i));
      v128.store(dw + i, f32x4.add(v128.load(dw + i), own));
    }
    x += n * 4;
    dy += n * 4;
  }
}

/** to[i] += the sum of column i of x [rows, n]: the gradient by a bias. n is a multiple of 4. */
export function addColumns(x: usize, rows: usize, n: usize, to: usize): void {
  for (let r: usize = 0; r < rows; r++, x += n * 4)
    for (let i: usize = 0; i < n * 4; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(x + i)));
}

/** gate and up become their gradients under d = d(silu(gate) * up). n is a multiple of 4. */
export function siluTimesBackward(gate: usize, up: usize, d: usize, n: usize): void {
  const one = f32x4.splat(1);
  for (let i: usize = 0; i < n * 4; i += 16) {
    const g = v128.load(gate + i);
    const dy = v128.load(d + i);
    const sigmoid = f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(g))));
    const silu = f32x4.mul(g, sigmoid);
    // silu'(g) = sigmoid (1 + g (1 - sigmoid))
    const slope = f32x4.mul(sigmoid, f32x4.add(one, f32x4.mul(g, f32x4.sub(one, sigmoid))));
    v128.store(gate + i, f32x4.mul(f32x4.mul(dy, v128.load(up + i)), slope));
    v128.store(up + i, f32x4.mul(dy, silu));
  }
}

/** Rows of d [rows, n] become the gradient by the scores under p = softmax(scale * scores): scale p (d - sum(p d)). n % 4 = 0. */
export function softmaxBackward(p: usize, d: usize, rows: usize, n: usize, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (let r: usize = 0; r < rows; r++) {
    let sum = f32x4.splat(0);
    for (let i: usize = 0; i < n * 4; i += 16) sum = f32x4.add(sum, f32x4.mul(v128.load(p + i), v128.load(d + i)));
    const all = f32x4.splat(sum4(sum));
    for (let i: usize = 0; i < n * 4; i += 16)
      v128.store(d + i, f32x4.mul(factor, f32x4.mul(v128.load(p + i), f32x4.sub(v128.load(d + i), all))));
    p += n * 4;
    d += n * 4;
  }
}

/**
 * -ln softmax(x)[target], nats; x [n] becomes the gradient of `factor` times that. The sum of exponentials in float64;
 * n is a multiple of 4.
 */
export function crossEntropy(x: usize, n: usize, target: usize, factor: f32): f64 {
  let top = f32x4.splat(<f32>-Infinity);
  for (let i: usize = 0; i < n * 4; i += 16) top = f32x4.pmax(top, v128.load(x + i));
  const most = most4(top);
  const own = <f64>load<f32>(x + target * 4) - <f64>most;
  const shift = f32x4.splat(most);
  let sum: f64 = 0;
  for (let i: usize = 0; i < n * 4; i += 16) {
    const e = exp4(f32x4.sub(v128.load(x + i), shift));
    v128.store(x + i, e);
    sum += <f64>sum4(e);
  }
  const scale = f32x4.splat(<f32>(<f64>factor / sum));
  for (let i: usize = 0; i < n * 4; i += 16) v128.store(x + i, f32x4.mul(v128.load(x + i), scale));
  store<f32>(x + target * 4, load<f32>(x + target * 4) - factor);
  return Math.log(sum) - own;
}

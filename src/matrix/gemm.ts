import { madd } from './simd';

/**
 * Packed operands of C[m, n] += A[m, k] B[k, n]:
 *
 *   A: panels of ROWS rows,    panel p = [k][ROWS]     B: panels of COLUMNS columns, panel p = [k][COLUMNS]
 *
 * The last panel is filled up with zeros. A tile of ROWS x COLUMNS needs 12 accumulators of 4 lanes, 2 registers of B and
 * 1 of A: 15 of the 16 that x86 gives to WebAssembly.
 */
export const ROWS: usize = 6;
export const COLUMNS: usize = 8;
/** Depth of a pass: a panel of B (12 kB) stays in the first-level cache while panels of A stream from the second. */
const DEPTH: usize = 384;
/** Rows of A of a pass: 192 x 384 x 4 bytes = 295 kB, within a second-level cache. */
const HEIGHT: usize = 192;

/** Where tiles that stick out of C are computed first. */
const edge = memory.data(<i32>(6 * 8 * 4), 16);

/** A from row-major src [rows, k] (row stride ld floats), times `factor`. */
export function packA(src: usize, ld: usize, rows: usize, k: usize, to: usize, factor: f32): void {
  for (let r: usize = 0; r < rows; r += ROWS) {
    const n = min(ROWS, rows - r);
    if (n < ROWS) memory.fill(to, 0, k * ROWS * 4);
    for (let i: usize = 0; i < n; i++) {
      let from = src + (r + i) * ld * 4;
      let at = to + i * 4;
      for (let j: usize = 0; j < k; j++) {
        store<f32>(at, load<f32>(from) * factor);
        from += 4;
        at += ROWS * 4;
      }
    }
    to += k * ROWS * 4;
  }
}

/** A = the transpose of row-major src [k, rows]: x as the left side of x^T x. */
export function packATransposed(src: usize, ld: usize, rows: usize, k: usize, to: usize): void {
  for (let r: usize = 0; r < rows; r += ROWS) {
    const n = min(ROWS, rows - r);
    let from = src + r * 4;
    for (let j: usize = 0; j < k; j++) {
      if (n == ROWS) {
        v128.store(to, v128.load(from));
        store<u64>(to + 16, load<u64>(from + 16));
      } else for (let i: usize = 0; i < ROWS; i++) store<f32>(to + i * 4, i < n ? load<f32>(from + i * 4) : 0);
      from += ld * 4;
      to += ROWS * 4;
    }
  }
}

/** B from row-major src [k, columns]. */
export function packB(src: usize, ld: usize, columns: usize, k: usize, to: usize): void {
  for (let c: usize = 0; c < columns; c += COLUMNS) {
    const n = min(COLUMNS, columns - c);
    let from = src + c * 4;
    for (let j: usize = 0; j < k; j++) {
      if (n == COLUMNS) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else for (let i: usize = 0; i < COLUMNS; i++) store<f32>(to + i * 4, i < n ? load<f32>(from + i * 4) : 0);
      from += ld * 4;
      to += COLUMNS * 4;
    }
  }
}

/** B = the transpose of row-major src [columns, k]: weights [out, in] as the right side of y = x W^T. */
export function packBTransposed(src: usize, ld: usize, columns: usize, k: usize, to: usize): void {
  for (let c: usize = 0; c < columns; c += COLUMNS) {
    const n = min(COLUMNS, columns - c);
    if (n < COLUMNS) memory.fill(to, 0, k * COLUMNS * 4);
    for (let i: usize = 0; i < n; i++) {
      let from = src + (c + i) * ld * 4;
      let at = to + i * 4;
      for (let j: usize = 0; j < k; j++) {
        store<f32>(at, load<f32>(from));
        from += 4;
        at += COLUMNS * 4;
      }
    }
    to += k * COLUMNS * 4;
  }
}

/** One tile: C[6, 8] (+)= A panel x B panel over `k` steps. Not unrolled: that loses (register spills). */
function tile(a: usize, b: usize, c: usize, stride: usize, k: usize, add: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  let c40 = c00;
  let c41 = c00;
  let c50 = c00;
  let c51 = c00;
  const end = a + k * ROWS * 4;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = madd(x, b0, c40);
    c41 = madd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = madd(x, b0, c50);
    c51 = madd(x, b1, c51);
    a += ROWS * 4;
    b += COLUMNS * 4;
  }
  const r1 = c + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  const r5 = r4 + stride;
  if (add) {
    c00 = f32x4.add(c00, v128.load(c));
    c01 = f32x4.add(c01, v128.load(c, 16));
    c10 = f32x4.add(c10, v128.load(r1));
    c11 = f32x4.add(c11, v128.load(r1, 16));
    c20 = f32x4.add(c20, v128.load(r2));
    c21 = f32x4.add(c21, v128.load(r2, 16));
    c30 = f32x4.add(c30, v128.load(r3));
    c31 = f32x4.add(c31, v128.load(r3, 16));
    c40 = f32x4.add(c40, v128.load(r4));
    c41 = f32x4.add(c41, v128.load(r4, 16));
    c50 = f32x4.add(c50, v128.load(r5));
    c51 = f32x4.add(c51, v128.load(r5, 16));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(r1, c10);
  v128.store(r1, c11, 16);
  v128.store(r2, c20);
  v128.store(r2, c21, 16);
  v128.store(r3, c30);
  v128.store(r3, c31, 16);
  v128.store(r4, c40);
  v128.store(r4, c41, 16);
  v128.store(r5, c50);
  v128.store(r5, c51, 16);
}

/** A tile of which only `rows` x `columns` lie inside C. */
function edgeTile(a: usize, b: usize, c: usize, stride: usize, k: usize, add: bool, rows: usize, columns: usize): void {
  tile(a, b, edge, COLUMNS * 4, k, false);
  for (let i: usize = 0; i < rows; i++)
    for (let j: usize = 0; j < columns; j++) {
      const to = c + i * stride + j * 4;
      const v = load<f32>(edge + (i * COLUMNS + j) * 4);
      store<f32>(to, add ? load<f32>(to) + v : v);
    }
}

/**
 * C[m, n] (row stride ld floats) = A B, or += with `add`; both packed. `upper` computes only tiles that touch the upper
 * triangle (column >= row), for symmetric results.
 */
export function gemm(
  a: usize,
  b: usize,
  c: usize,
  ld: usize,
  m: usize,
  n: usize,
  k: usize,
  add: bool,
  upper: bool,
): void {
  const stride = ld * 4;
  for (let k0: usize = 0; k0 < k; k0 += DEPTH) {
    const depth = min(DEPTH, k - k0);
    const sum = add || k0 > 0;
    for (let m0: usize = 0; m0 < m; m0 += HEIGHT) {
      const bottom = min(m0 + HEIGHT, m);
      for (let j: usize = 0; j < n; j += COLUMNS) {
        const pb = b + (j * k + k0 * COLUMNS) * 4;
        const columns = min(COLUMNS, n - j);
        for (let i = m0; i < bottom; i += ROWS) {
          if (upper && j + COLUMNS <= i) break;
          const pa = a + (i * k + k0 * ROWS) * 4;
          const to = c + i * stride + j * 4;
          const rows = min(ROWS, m - i);
          if (rows == ROWS && columns == COLUMNS) tile(pa, pb, to, stride, depth, sum);
          else edgeTile(pa, pb, to, stride, depth, sum, rows, columns);
        }
      }
    }
  }
}

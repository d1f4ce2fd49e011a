import { madd } from './simd';
import { columnsOf, FLOATS, formOf, rowsOf, unpackColumns, unpackRow, weightAt } from './weights';

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
/** Depth of a pass: a panel of B (9 kB) stays in the first-level cache while panels of A stream from the second. */
const DEPTH: usize = 288;
/** Rows of A of a pass: 192 x 288 x 4 bytes = 221 kB, within a second-level cache. */
const HEIGHT: usize = 192;

/** Where tiles that stick out of C are computed first. */
const edge = memory.data(<i32>(6 * 8 * 4), 16);

/** A from row-major src [rows, k] (row stride ld floats), times `factor`. */
export function packA(src: usize, ld: usize, rows: usize, k: usize, to: usize, factor: f32): void {
  const wide = k & ~3;
  for (let r: usize = 0; r < rows; r += ROWS) {
    const n = min(ROWS, rows - r);
    const from = src + r * ld * 4;
    if (n == ROWS) packSix(from, ld * 4, wide, to, factor);
    else memory.fill(to, 0, k * ROWS * 4);
    for (let i: usize = 0; i < n; i++)
      for (let j = n == ROWS ? wide : 0; j < k; j++)
        store<f32>(to + (j * ROWS + i) * 4, load<f32>(from + (i * ld + j) * 4) * factor);
    to += k * ROWS * 4;
  }
}

/** A panel of six whole rows; k is a multiple of 4. */
function packSix(r0: usize, stride: usize, k: usize, to: usize, factor: f32): void {
  const scale = f32x4.splat(factor);
  const r1 = r0 + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  const r5 = r4 + stride;
  for (let j: usize = 0; j < k * 4; j += 16) {
    const a = v128.load(r0 + j);
    const b = v128.load(r1 + j);
    const c = v128.load(r2 + j);
    const d = v128.load(r3 + j);
    const e = f32x4.mul(v128.load(r4 + j), scale);
    const f = f32x4.mul(v128.load(r5 + j), scale);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    const ef = v128.shuffle<f32>(e, f, 0, 4, 1, 5);
    const ef2 = v128.shuffle<f32>(e, f, 2, 6, 3, 7);
    v128.store(to, f32x4.mul(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), scale));
    v128.store_lane<i64>(to, ef, 0, 16);
    v128.store(to, f32x4.mul(v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), scale), 24);
    v128.store_lane<i64>(to, ef, 1, 40);
    v128.store(to, f32x4.mul(v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5), scale), 48);
    v128.store_lane<i64>(to, ef2, 0, 64);
    v128.store(to, f32x4.mul(v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7), scale), 72);
    v128.store_lane<i64>(to, ef2, 1, 88);
    to += 96;
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
  for (let c: usize = 0; c < columns; c += COLUMNS, to += k * COLUMNS * 4)
    packEight(src + c * ld * 4, ld, min(COLUMNS, columns - c), k, to);
}

/** A panel of B from up to eight rows of `k` floats. */
function packEight(src: usize, ld: usize, rows: usize, k: usize, to: usize): void {
  const wide = rows == COLUMNS ? k & ~3 : 0;
  for (let half: usize = 0; half < 2; half++) {
    const r0 = src + half * 4 * ld * 4;
    const r1 = r0 + ld * 4;
    const r2 = r1 + ld * 4;
    const r3 = r2 + ld * 4;
    let at = to + half * 16;
    for (let j: usize = 0; j < wide * 4; j += 16) {
      const a = v128.load(r0 + j);
      const b = v128.load(r1 + j);
      const c = v128.load(r2 + j);
      const d = v128.load(r3 + j);
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(at, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
      v128.store(at, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 32);
      v128.store(at, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5), 64);
      v128.store(at, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7), 96);
      at += 128;
    }
  }
  if (rows < COLUMNS) memory.fill(to, 0, k * COLUMNS * 4);
  for (let i: usize = 0; i < rows; i++)
    for (let j = wide; j < k; j++) store<f32>(to + (j * COLUMNS + i) * 4, load<f32>(src + (i * ld + j) * 4));
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
 * C[m, columns] (+)= A times panels of B over `depth` steps, for few columns: each panel of A is read once for all. Panels
 * of A are `step` bytes apart, those of B `next`.
 */
function strip(
  a: usize,
  step: usize,
  b: usize,
  next: usize,
  c: usize,
  stride: usize,
  m: usize,
  columns: usize,
  depth: usize,
  add: bool,
): void {
  for (let i: usize = 0; i < m; i += ROWS, a += step, c += ROWS * stride) {
    const rows = min(ROWS, m - i);
    for (let j: usize = 0, at = b; j < columns; j += COLUMNS, at += next) {
      const some = min(COLUMNS, columns - j);
      if (rows == ROWS && some == COLUMNS) tile(a, at, c + j * 4, stride, depth, add);
      else edgeTile(a, at, c + j * 4, stride, depth, add, rows, some);
    }
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
    for (let m0: usize = 0; m0 < m; m0 += HEIGHT) {
      const bottom = min(m0 + HEIGHT, m);
      const pa = a + (m0 * k + k0 * ROWS) * 4;
      for (let j: usize = 0; j < n; j += COLUMNS) {
        if (upper && j + COLUMNS <= m0) continue;
        // Whole tiles up to the diagonal.
        const end = upper ? min(bottom, m0 + ((j + COLUMNS - m0 + ROWS - 1) / ROWS) * ROWS) : bottom;
        const pb = b + (j * k + k0 * COLUMNS) * 4;
        const to = c + m0 * stride + j * 4;
        strip(pa, k * ROWS * 4, pb, 0, to, stride, end - m0, min(COLUMNS, n - j), depth, add || k0 > 0);
      }
    }
  }
}

/** Columns of a strip: two panels of B, beside one of A, fill the first-level cache, and a row of C one of its lines. */
const STRIP: usize = 16;
/** A strip of a stored matrix, and rows of it on their way there. */
const panels = memory.data(<i32>(16 * 288 * 4), 16);
const unpacked = memory.data(<i32>(8 * 288 * 4), 16);

/** Eight rows of W from `row` on, as columns of B over inputs k0 .. k0 + depth. */
function rowsPanel(w: usize, row: usize, k0: usize, depth: usize, panel: usize): void {
  const rows = min(COLUMNS, rowsOf(w) - row);
  if (formOf(w) == FLOATS) return packEight(weightAt(w, row, k0), columnsOf(w), rows, depth, panel);
  for (let i: usize = 0; i < rows; i++) unpackRow(w, row + i, k0, depth, unpacked + i * DEPTH * 4);
  packEight(unpacked, DEPTH, rows, depth, panel);
}

/**
 * C[m, n] (row stride ld floats) = X W^T, or `back` X W, or += with `add`: W as it is stored, X packed as A. Each panel of
 * W is unpacked where it is used, once for all rows.
 */
export function timesStored(w: usize, a: usize, c: usize, ld: usize, m: usize, back: bool, add: bool): void {
  const n = back ? columnsOf(w) : rowsOf(w);
  const k = back ? rowsOf(w) : columnsOf(w);
  for (let k0: usize = 0; k0 < k; k0 += DEPTH) {
    const depth = min(DEPTH, k - k0);
    const next = depth * COLUMNS * 4;
    for (let j: usize = 0; j < n; j += STRIP) {
      const columns = min(STRIP, n - j);
      for (let i: usize = 0, to = panels; i < columns; i += COLUMNS, to += next)
        if (back) unpackColumns(w, k0, depth, j + i, to);
        else rowsPanel(w, j + i, k0, depth, to);
      strip(a + k0 * ROWS * 4, k * ROWS * 4, panels, next, c + j * 4, ld * 4, m, columns, depth, add || k0 > 0);
    }
  }
}

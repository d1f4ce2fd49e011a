import { madd64 } from './simd';

/** Tiles of 6 x 4 float64: 12 accumulators of 2 lanes. Packed as in gemm.ts. */
const ROWS: usize = 6;
const COLUMNS: usize = 4;
const DEPTH: usize = 192;
/** Columns factored at a time: the rest of the matrix is updated by products of this depth. */
const BLOCK: usize = 48;

const edge = memory.data(<i32>(6 * 4 * 8), 16);

/** A from row-major src [rows, k], negated. */
function packA(src: usize, ld: usize, rows: usize, k: usize, to: usize): void {
  for (let r: usize = 0; r < rows; r += ROWS) {
    const n = min(ROWS, rows - r);
    if (n < ROWS) memory.fill(to, 0, k * ROWS * 8);
    for (let i: usize = 0; i < n; i++) {
      let from = src + (r + i) * ld * 8;
      let at = to + i * 8;
      for (let j: usize = 0; j < k; j++) {
        store<f64>(at, -load<f64>(from));
        from += 8;
        at += ROWS * 8;
      }
    }
    to += k * ROWS * 8;
  }
}

/** B from row-major src [k, columns]. */
function packB(src: usize, ld: usize, columns: usize, k: usize, to: usize): void {
  for (let c: usize = 0; c < columns; c += COLUMNS) {
    const n = min(COLUMNS, columns - c);
    let from = src + c * 8;
    for (let j: usize = 0; j < k; j++) {
      for (let i: usize = 0; i < COLUMNS; i++) store<f64>(to + i * 8, i < n ? load<f64>(from + i * 8) : 0);
      from += ld * 8;
      to += COLUMNS * 8;
    }
  }
}

/** B = the transpose of row-major src [columns, k]. */
function packBTransposed(src: usize, ld: usize, columns: usize, k: usize, to: usize): void {
  for (let c: usize = 0; c < columns; c += COLUMNS) {
    const n = min(COLUMNS, columns - c);
    if (n < COLUMNS) memory.fill(to, 0, k * COLUMNS * 8);
    for (let i: usize = 0; i < n; i++) {
      let from = src + (c + i) * ld * 8;
      let at = to + i * 8;
      for (let j: usize = 0; j < k; j++) {
        store<f64>(at, load<f64>(from));
        from += 8;
        at += COLUMNS * 8;
      }
    }
    to += k * COLUMNS * 8;
  }
}

/** C[6, 4] += A panel x B panel. */
function tile(a: usize, b: usize, c: usize, stride: usize, k: usize): void {
  let c00 = f64x2.splat(0);
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
  const end = a + k * ROWS * 8;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = madd64(x, b0, c00);
    c01 = madd64(x, b1, c01);
    x = v128.load64_splat(a, 8);
    c10 = madd64(x, b0, c10);
    c11 = madd64(x, b1, c11);
    x = v128.load64_splat(a, 16);
    c20 = madd64(x, b0, c20);
    c21 = madd64(x, b1, c21);
    x = v128.load64_splat(a, 24);
    c30 = madd64(x, b0, c30);
    c31 = madd64(x, b1, c31);
    x = v128.load64_splat(a, 32);
    c40 = madd64(x, b0, c40);
    c41 = madd64(x, b1, c41);
    x = v128.load64_splat(a, 40);
    c50 = madd64(x, b0, c50);
    c51 = madd64(x, b1, c51);
    a += ROWS * 8;
    b += COLUMNS * 8;
  }
  const r1 = c + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  const r5 = r4 + stride;
  v128.store(c, f64x2.add(c00, v128.load(c)));
  v128.store(c, f64x2.add(c01, v128.load(c, 16)), 16);
  v128.store(r1, f64x2.add(c10, v128.load(r1)));
  v128.store(r1, f64x2.add(c11, v128.load(r1, 16)), 16);
  v128.store(r2, f64x2.add(c20, v128.load(r2)));
  v128.store(r2, f64x2.add(c21, v128.load(r2, 16)), 16);
  v128.store(r3, f64x2.add(c30, v128.load(r3)));
  v128.store(r3, f64x2.add(c31, v128.load(r3, 16)), 16);
  v128.store(r4, f64x2.add(c40, v128.load(r4)));
  v128.store(r4, f64x2.add(c41, v128.load(r4, 16)), 16);
  v128.store(r5, f64x2.add(c50, v128.load(r5)));
  v128.store(r5, f64x2.add(c51, v128.load(r5, 16)), 16);
}

/** C[m, n] += A B, both packed over k; only tiles that touch the lower triangle where `lower`. */
function gemm(a: usize, b: usize, c: usize, ld: usize, m: usize, n: usize, k: usize, lower: bool): void {
  const stride = ld * 8;
  for (let k0: usize = 0; k0 < k; k0 += DEPTH) {
    const depth = min(DEPTH, k - k0);
    for (let j: usize = 0; j < n; j += COLUMNS) {
      const columns = min(COLUMNS, n - j);
      const pb = b + (j * k + k0 * COLUMNS) * 8;
      for (let i: usize = 0; i < m; i += ROWS) {
        if (lower && i + ROWS <= j) continue;
        const pa = a + (i * k + k0 * ROWS) * 8;
        const to = c + i * stride + j * 8;
        const rows = min(ROWS, m - i);
        if (rows == ROWS && columns == COLUMNS) tile(pa, pb, to, stride, depth);
        else {
          memory.fill(edge, 0, ROWS * COLUMNS * 8);
          tile(pa, pb, edge, COLUMNS * 8, depth);
          for (let r: usize = 0; r < rows; r++)
            for (let s: usize = 0; s < columns; s++) {
              const at = to + r * stride + s * 8;
              store<f64>(at, load<f64>(at) + load<f64>(edge + (r * COLUMNS + s) * 8));
            }
        }
      }
    }
  }
}

/** Bytes of scratch for `cholesky` and `invertLower` of order n. */
export function scratch64(n: usize): usize {
  return (n + ROWS) * (n + COLUMNS) * 8 + (n + ROWS) * (BLOCK + ROWS) * 8;
}

/**
 * L of A = L L^T in place of the lower triangle of A [n, n] (row-major float64); the upper triangle is left as it was.
 * Blocked, right-looking. Returns the first column whose pivot is not positive, or -1.
 */
export function cholesky(a: usize, n: usize, scratch: usize): i32 {
  const stride = n * 8;
  for (let j: usize = 0; j < n; j += BLOCK) {
    const nb = min(BLOCK, n - j);
    const top = a + (j * n + j) * 8;
    for (let c: usize = 0; c < nb; c++) {
      const row = top + c * stride;
      let d = load<f64>(row + c * 8);
      for (let k: usize = 0; k < c; k++) d -= load<f64>(row + k * 8) * load<f64>(row + k * 8);
      if (!(d > 0)) return <i32>(j + c);
      d = Math.sqrt(d);
      store<f64>(row + c * 8, d);
      const inverse = 1 / d;
      // The rest of this column, down to the matrix's end: rows below the block come along.
      for (let r = c + 1; r < n - j; r++) {
        const other = top + r * stride;
        let s = f64x2.splat(0);
        let k: usize = 0;
        for (; k + 1 < c; k += 2) s = madd64(v128.load(other + k * 8), v128.load(row + k * 8), s);
        let v = load<f64>(other + c * 8) - (f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1));
        if (k < c) v -= load<f64>(other + k * 8) * load<f64>(row + k * 8);
        store<f64>(other + c * 8, v * inverse);
      }
    }
    const rest = n - j - nb;
    if (rest == 0) break;
    const below = top + nb * stride;
    const pb = scratch + (rest + ROWS) * nb * 8;
    packA(below, n, rest, nb, scratch);
    packBTransposed(below, n, rest, nb, pb);
    gemm(scratch, pb, below + nb * 8, n, rest, rest, nb, true);
  }
  return -1;
}

/**
 * M = L^-1 in `m` [n, n] for the lower triangle of `l`; what lies above the diagonal of `m` becomes 0. Block rows from
 * the top: M[i, :] = -L[i, i]^-1 (L[i, :i] M[:i, :i]).
 */
export function invertLower(l: usize, m: usize, n: usize, scratch: usize): void {
  const stride = n * 8;
  memory.fill(m, 0, n * n * 8);
  for (let i: usize = 0; i < n; i += BLOCK) {
    const nb = min(BLOCK, n - i);
    // The diagonal block, column by column.
    for (let c: usize = 0; c < nb; c++) {
      store<f64>(m + ((i + c) * n + i + c) * 8, 1 / load<f64>(l + ((i + c) * n + i + c) * 8));
      for (let r = c + 1; r < nb; r++) {
        const row = l + ((i + r) * n + i) * 8;
        let s: f64 = 0;
        for (let k = c; k < r; k++) s += load<f64>(row + k * 8) * load<f64>(m + ((i + k) * n + i + c) * 8);
        store<f64>(m + ((i + r) * n + i + c) * 8, -s / load<f64>(row + r * 8));
      }
    }
    if (i == 0) continue;
    // T = -L[i, :i] M[:i, :i], into the rows of M where the result will stand; M's own triangle saves half of it.
    const pb = scratch + (nb + ROWS) * i * 8;
    for (let j: usize = 0; j < i; j += BLOCK) {
      packA(l + (i * n + j) * 8, n, nb, i - j, scratch);
      packB(m + (j * n + j) * 8, n, BLOCK, i - j, pb);
      gemm(scratch, pb, m + (i * n + j) * 8, n, nb, BLOCK, i - j, false);
    }
    // M[i, :i] = L[i, i]^-1 T, row by row from the bottom, so that T is not yet overwritten where it is read.
    for (let r = nb; r-- > 0;) {
      const to = m + (i + r) * stride;
      const d = load<f64>(m + ((i + r) * n + i + r) * 8);
      for (let k: usize = 0; k < i; k += 2) {
        // i is a multiple of BLOCK, which is even.
        let v = f64x2.mul(f64x2.splat(d), v128.load(to + k * 8));
        for (let q: usize = 0; q < r; q++)
          v = madd64(v128.load64_splat(m + ((i + r) * n + i + q) * 8), v128.load(m + ((i + q) * n + k) * 8), v);
        v128.store(to + k * 8, v);
      }
    }
  }
}

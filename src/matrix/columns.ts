import { madd } from './simd';

/** Rows handled together; tiles of rows are multiples of it. */
const LANES: usize = 16;
/** Columns that share a scale (compress/precisions.ts: BLOCK). */
const GROUP: usize = 32;

/** How weights to be removed are chosen. */
const MASK_NONE: i32 = 0;
/** `keep` says it: bytes 0 or 1, [rows, columns of the block]. */
const MASK_GIVEN: i32 = 1;
/** Two of each four columns stay in each row, chosen when the loop arrives there (SparseGPT, section 3.3). */
const MASK_2_OF_4: i32 = 2;
/** Two of each four columns stay, one choice for all rows of the tile, by the sum of scores. */
const MASK_2_OF_4_TILE: i32 = 3;

/**
 * The column loop of SparseGPT (Frantar & Alistarh 2023, algorithm 1) and GPTQ (Frantar et al. 2022, algorithm 1) on one
 * block of columns and one tile of rows. Column i of the block becomes q (removed, rounded, or both); the error
 * e = (w - q) / U[i, i] is handed on to the columns behind it in the block, w[j] -= e U[i, j], and kept in `errors` for
 * the columns behind the block, where one product serves all.
 *
 * t:       [width][rows] float32, the tile transposed; becomes the result
 * errors:  [width][rows] float32
 * u:       U's block, row stride `ldu` floats; U is upper, H^-1 = U^T U
 * keep:    [width][rows] bytes (MASK_GIVEN), else unused
 * bits:    0 = no rounding; else blocks of 32 columns with a symmetric scale each
 * scales:  [groups of the block][rows] float32; filled when the loop arrives at a group, or given (`fixedScales`) with
 *          `groups` [width] i32 saying which row of `scales` a column uses (columns may then come in any order)
 * levels:  [width][rows] bytes, the stored level of each weight
 * shrink:  candidates for the scale are 1, 1 - 1/shrinkSteps/... (see `fitScale`); 1 = largest weight maps to the end
 * weight:  [width] float32, how much an error in a column matters when a scale is fitted: 1 / U[i, i]^2
 * rows is a multiple of LANES.
 */
export function columnBlock(
  t: usize,
  errors: usize,
  u: usize,
  ldu: usize,
  rows: usize,
  width: usize,
  mask: i32,
  keep: usize,
  bits: i32,
  scales: usize,
  groups: usize,
  fixedScales: bool,
  levels: usize,
  candidates: i32,
): void {
  const stride = rows * 4;
  const zero = <f32>(1 << max(bits - 1, 0));
  const least = f32x4.splat(-zero);
  const most = f32x4.splat(zero - 1);
  const offset = i32x4.splat(<i32>zero);
  for (let i: usize = 0; i < width; i++) {
    const column = t + i * stride;
    const error = errors + i * stride;
    const pivot = f32x4.splat(load<f32>(u + (i * ldu + i) * 4));
    if (mask >= MASK_2_OF_4 && (i & 3) == 0)
      choose2of4(t + i * stride, u + (i * ldu + i) * 4, ldu, rows, keep + i * rows, min(4, width - i), mask);
    let scale: usize = 0;
    if (bits) {
      scale = scales + <usize>load<i32>(groups + i * 4) * stride;
      if (!fixedScales && i % GROUP == 0)
        for (let r: usize = 0; r < rows; r += 4)
          fitScale(
            column + r * 4,
            stride,
            min(GROUP, width - i),
            zero,
            scale + r * 4,
            u + (i * ldu + i) * 4,
            ldu,
            mask,
            keep + i * rows + r,
            rows,
            candidates,
          );
    }
    for (let r: usize = 0; r < rows; r += 4) {
      const w = v128.load(column + r * 4);
      let q = w;
      if (bits) {
        const s = v128.load(scale + r * 4);
        const none = f32x4.eq(s, f32x4.splat(0));
        const level = f32x4.min(f32x4.max(f32x4.nearest(f32x4.div(w, s)), least), most);
        q = v128.andnot(f32x4.mul(level, s), none);
        const stored = i32x4.add(v128.andnot(i32x4.trunc_sat_f32x4_s(level), none), offset);
        const packed = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(stored, stored), stored);
        store<u32>(levels + i * rows + r, <u32>i32x4.extract_lane(packed, 0));
      }
      if (mask != MASK_NONE) {
        const kept = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(keep + i * rows + r)));
        const gone = i32x4.eq(kept, i32x4.splat(0));
        q = v128.andnot(q, gone);
        if (bits) {
          const at = levels + i * rows + r;
          for (let lane: usize = 0; lane < 4; lane++)
            if (load<u8>(keep + i * rows + r + lane) == 0) store<u8>(at + lane, <u8>zero);
        }
      }
      v128.store(column + r * 4, q);
      v128.store(error + r * 4, f32x4.div(f32x4.sub(w, q), pivot));
    }
    for (let r: usize = 0; r < rows; r += LANES) {
      const e0 = f32x4.neg(v128.load(error + r * 4));
      const e1 = f32x4.neg(v128.load(error + r * 4, 16));
      const e2 = f32x4.neg(v128.load(error + r * 4, 32));
      const e3 = f32x4.neg(v128.load(error + r * 4, 48));
      for (let j = i + 1; j < width; j++) {
        const x = v128.load32_splat(u + (i * ldu + j) * 4);
        const to = t + j * stride + r * 4;
        v128.store(to, madd(e0, x, v128.load(to)));
        v128.store(to, madd(e1, x, v128.load(to, 16)), 16);
        v128.store(to, madd(e2, x, v128.load(to, 32)), 32);
        v128.store(to, madd(e3, x, v128.load(to, 48)), 48);
      }
    }
  }
}

/** (w / U[j, j])^2: what removing a weight costs (optimal brain surgeon). Two divisions agree with the reference. */
function score(w: v128, u: usize, ldu: usize, j: usize): v128 {
  const x = f32x4.div(w, f32x4.splat(load<f32>(u + j * (ldu + 1) * 4)));
  return f32x4.mul(x, x);
}

/** Fills keep[4][rows]: the two highest scores of each four; of equals the earlier column. */
function choose2of4(t: usize, u: usize, ldu: usize, rows: usize, keep: usize, columns: usize, mask: i32): void {
  const stride = rows * 4;
  // A rest of fewer than four columns stays.
  if (columns < 4) {
    memory.fill(keep, 1, columns * rows);
    return;
  }
  if (mask == MASK_2_OF_4_TILE) {
    let a: f64 = 0;
    let b: f64 = 0;
    let c: f64 = 0;
    let d: f64 = 0;
    for (let r: usize = 0; r < rows; r += 4)
      for (let j: usize = 0; j < 4; j++) {
        const s = score(v128.load(t + j * stride + r * 4), u, ldu, j);
        const sum =
          <f64>f32x4.extract_lane(s, 0) +
          <f64>f32x4.extract_lane(s, 1) +
          <f64>f32x4.extract_lane(s, 2) +
          <f64>f32x4.extract_lane(s, 3);
        if (j == 0) a += sum;
        else if (j == 1) b += sum;
        else if (j == 2) c += sum;
        else d += sum;
      }
    const ab = <i32>(a >= b);
    const ac = <i32>(a >= c);
    const ad = <i32>(a >= d);
    const bc = <i32>(b >= c);
    const bd = <i32>(b >= d);
    const cd = <i32>(c >= d);
    memory.fill(keep, <u8>(ab + ac + ad >= 2), rows);
    memory.fill(keep + rows, <u8>(1 - ab + bc + bd >= 2), rows);
    memory.fill(keep + 2 * rows, <u8>(2 - ac - bc + cd >= 2), rows);
    memory.fill(keep + 3 * rows, <u8>(3 - ad - bd - cd >= 2), rows);
    return;
  }
  const one = i32x4.splat(1);
  const two = i32x4.splat(2);
  for (let r: usize = 0; r < rows; r += 4) {
    const at = t + r * 4;
    const a = score(v128.load(at), u, ldu, 0);
    const b = score(v128.load(at + stride), u, ldu, 1);
    const c = score(v128.load(at + 2 * stride), u, ldu, 2);
    const d = score(v128.load(at + 3 * stride), u, ldu, 3);
    const ab = v128.and(f32x4.ge(a, b), one);
    const ac = v128.and(f32x4.ge(a, c), one);
    const ad = v128.and(f32x4.ge(a, d), one);
    const bc = v128.and(f32x4.ge(b, c), one);
    const bd = v128.and(f32x4.ge(b, d), one);
    const cd = v128.and(f32x4.ge(c, d), one);
    const three = i32x4.splat(3);
    const ka = i32x4.ge_s(i32x4.add(i32x4.add(ab, ac), ad), two);
    const kb = i32x4.ge_s(i32x4.add(i32x4.sub(one, ab), i32x4.add(bc, bd)), two);
    const kc = i32x4.ge_s(i32x4.add(i32x4.sub(two, i32x4.add(ac, bc)), cd), two);
    const kd = i32x4.ge_s(i32x4.sub(three, i32x4.add(i32x4.add(ad, bd), cd)), two);
    storeKeep(keep + r, ka);
    storeKeep(keep + rows + r, kb);
    storeKeep(keep + 2 * rows + r, kc);
    storeKeep(keep + 3 * rows + r, kd);
  }
}

/** Four comparison results as bytes 0 or 1. */
function storeKeep(to: usize, mask: v128): void {
  const ones = v128.and(mask, i32x4.splat(1));
  const packed = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(ones, ones), ones);
  store<u32>(to, <u32>i32x4.extract_lane(packed, 0));
}

/**
 * Scale of one group of columns for four rows: s = -(weight of largest magnitude) / 2^(bits-1), as precisions.ts has it,
 * times the factor 1, 1 - 1/32, ... of `candidates` that makes the group's rounding error least, each column weighed by
 * 1 / U[j, j]^2 (what an error there costs). One candidate is plain round to nearest.
 */
function fitScale(
  t: usize,
  stride: usize,
  columns: usize,
  zero: f32,
  to: usize,
  u: usize,
  ldu: usize,
  mask: i32,
  keep: usize,
  rows: usize,
  candidates: i32,
): void {
  let largest = f32x4.splat(-1);
  let extreme = f32x4.splat(0);
  for (let j: usize = 0; j < columns; j++) {
    let w = v128.load(t + j * stride);
    if (mask == MASK_GIVEN) w = kept4(w, keep + j * rows);
    const a = f32x4.abs(w);
    const more = f32x4.gt(a, largest);
    largest = v128.bitselect(a, largest, more);
    extreme = v128.bitselect(w, extreme, more);
  }
  const full = f32x4.div(f32x4.neg(extreme), f32x4.splat(zero));
  let best = full;
  if (candidates > 1) {
    const least = f32x4.splat(-zero);
    const most = f32x4.splat(zero - 1);
    let lowest = f32x4.splat(<f32>Infinity);
    for (let n = 0; n < candidates; n++) {
      const s = f32x4.mul(full, f32x4.splat(<f32>1 - <f32>n / 32));
      let loss = f32x4.splat(0);
      for (let j: usize = 0; j < columns; j++) {
        let w = v128.load(t + j * stride);
        if (mask == MASK_GIVEN) w = kept4(w, keep + j * rows);
        const q = f32x4.mul(f32x4.min(f32x4.max(f32x4.nearest(f32x4.div(w, s)), least), most), s);
        const d = f32x4.div(f32x4.sub(w, q), f32x4.splat(load<f32>(u + j * (ldu + 1) * 4)));
        loss = f32x4.add(loss, f32x4.mul(d, d));
      }
      const better = f32x4.lt(loss, lowest);
      lowest = v128.bitselect(loss, lowest, better);
      best = v128.bitselect(s, best, better);
    }
  }
  v128.store(to, best);
}

function kept4(w: v128, keep: usize): v128 {
  const bytes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(keep)));
  return v128.andnot(w, i32x4.eq(bytes, i32x4.splat(0)));
}

/** [rows, columns] (row stride ld floats) -> [columns][tileRows], rows beyond are 0. */
export function tileIn(src: usize, ld: usize, rows: usize, columns: usize, to: usize, tileRows: usize): void {
  if (rows < tileRows) memory.fill(to, 0, columns * tileRows * 4);
  for (let r: usize = 0; r < rows; r++) {
    const from = src + r * ld * 4;
    for (let c: usize = 0; c < columns; c++) store<f32>(to + (c * tileRows + r) * 4, load<f32>(from + c * 4));
  }
}

/** The way back. */
export function tileOut(src: usize, tileRows: usize, rows: usize, columns: usize, to: usize, ld: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    const at = to + r * ld * 4;
    for (let c: usize = 0; c < columns; c++) store<f32>(at + c * 4, load<f32>(src + (c * tileRows + r) * 4));
  }
}

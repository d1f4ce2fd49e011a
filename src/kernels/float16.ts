// Half-precision weights, dense and 2:4. WebAssembly has no half-precision arithmetic: a half moved three bits to the
// right in a 32-bit lane is the float32 value * 2^-112. Activations are lifted by 2^80 to match, and a scale per output
// (2^32) puts right what is left.
//
// A subnormal half would become a subnormal float, which costs x86 some 150 cycles each: one weight in 400 of a usual
// matrix, which made products three times slower. So the packer moves rows whose weights are all below 64 ten exponents
// up, where every half is a normal number, and gives them a scale of 2^22 (HALF_RAISE in src/lib/cpu/formats.ts).
//
// Dense panel of 16 rows, 32 bytes a k; a 32-bit lane holds two rows, four apart:
//
//   k = 0: (r0 r4)(r1 r5)(r2 r6)(r3 r7) (r8 r12)(r9 r13)(r10 r14)(r11 r15) | k = 1: ...
//
// 2:4 panel, 72 bytes a group of 4 inputs, of which every row keeps two:
//
//   8 codes, one for two rows: bits 0-1, 2-3 = the places of the even row's two weights, 4-7 = the odd row's
//   then 16 rows x 2 weights, in four vectors of (row pair u, row pair u + 1) as lanes of the dense kind:
//   lane = (pair u: even row's 1st or 2nd, odd row's 1st or 2nd; and the same of pair u + 1 in the high half)
import { HALF_LIFT } from './activations';
import { DEPTH, F16_24_CODES, F16_24_GROUP, M_MASKS, PANEL, TILE_COLUMNS } from './layout';
import { fma, pick } from './simd';
import { scaleRows } from './vectors';

const STEP: usize = PANEL * 2;
/** Sign, exponent and fraction after the shift; the sign's copies between them go. */
const SHIFTED: i32 = 0x8fffe000;

// @ts-ignore: decorator
@inline
function highHalves(v: v128): v128 {
  return v128.and(i32x4.shr_s(v, 3), i32x4.splat(SHIFTED));
}
// @ts-ignore: decorator
@inline
function lowHalves(v: v128): v128 {
  return v128.and(i32x4.shr_s(i32x4.shl(v, 16), 3), i32x4.splat(SHIFTED));
}

// @ts-ignore: decorator
@inline
function addTo(y: usize, sums: v128): void {
  v128.store(y, f32x4.add(v128.load(y), sums));
}

/** y[16] += 32 inputs of a panel times x, row scales apart. */
// @ts-ignore: decorator
@inline
function block(p: usize, q: usize, y: usize): void {
  const zero = f32x4.splat(0);
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero;
  // Even and odd inputs apart, so that eight sums are under way.
  for (const end = q + DEPTH * 4; q < end; q += 8, p += 2 * STEP) {
    const s = v128.load32_splat(q);
    const t = v128.load32_splat(q, 4);
    let v = v128.load(p);
    a0 = fma(lowHalves(v), s, a0);
    a1 = fma(highHalves(v), s, a1);
    v = v128.load(p, 16);
    a2 = fma(lowHalves(v), s, a2);
    a3 = fma(highHalves(v), s, a3);
    v = v128.load(p, 32);
    b0 = fma(lowHalves(v), t, b0);
    b1 = fma(highHalves(v), t, b1);
    v = v128.load(p, 48);
    b2 = fma(lowHalves(v), t, b2);
    b3 = fma(highHalves(v), t, b3);
  }
  addTo(y, f32x4.add(a0, b0));
  addTo(y + 16, f32x4.add(a1, b1));
  addTo(y + 32, f32x4.add(a2, b2));
  addTo(y + 48, f32x4.add(a3, b3));
}

/** y[from..to] = W x for lifted activations x. */
export function gemvF16(w: usize, scales: usize, depth: i32, x: usize, y: usize, from: i32, to: i32, streams: i32): void {
  const panel = <usize>depth * STEP;
  const panels = (to - from) / PANEL;
  const run = (panels + streams - 1) / streams;
  w += <usize>(from / PANEL) * panel;
  y += <usize>from << 2;
  memory.fill(y, 0, <usize>(to - from) << 2);
  for (let n = 0; n < run; n++) {
    let p = w + <usize>n * panel;
    for (let q = x, end = x + (<usize>depth << 2); q < end; q += DEPTH * 4, p += <usize>DEPTH * STEP) {
      let at = p;
      for (let r = n; r < panels; r += run, at += <usize>run * panel) block(at, q, y + (<usize>(r * PANEL) << 2));
    }
  }
  scaleRows(y, scales + (<usize>from << 2), to - from);
}

/** Row `row` as float32[depth]. */
export function rowF16(w: usize, scales: usize, depth: i32, row: i32, to: usize): void {
  const scale = load<f32>(scales + (<usize>row << 2)) * HALF_LIFT;
  const lane = row & (PANEL - 1);
  // Lane pairs (i, i + 4) of each group of eight rows.
  const at = ((lane & 8) << 1) + ((lane & 3) << 2) + ((lane & 4) >> 1);
  let p = w + <usize>(row & ~(PANEL - 1)) * depth * 2 + at;
  for (const end = to + (<usize>depth << 2); to < end; to += 4, p += STEP) {
    const shifted = ((<i32>load<i16>(p)) << 16 >> 3) & SHIFTED;
    store<f32>(to, reinterpret<f32>(shifted) * scale);
  }
}

/** A dense panel -> two GEMM panels float32 [depth][8 columns]. `scales`: of the panel's rows. */
export function unpackF16(p: usize, scales: usize, depth: i32, to: usize): void {
  const second = <usize>depth * TILE_COLUMNS * 4;
  const lift = f32x4.splat(HALF_LIFT);
  const f0 = f32x4.mul(v128.load(scales), lift), f1 = f32x4.mul(v128.load(scales, 16), lift);
  const f2 = f32x4.mul(v128.load(scales, 32), lift), f3 = f32x4.mul(v128.load(scales, 48), lift);
  for (const end = p + <usize>depth * STEP; p < end; p += STEP, to += TILE_COLUMNS * 4) {
    let v = v128.load(p);
    v128.store(to, f32x4.mul(f0, lowHalves(v)));
    v128.store(to, f32x4.mul(f1, highHalves(v)), 16);
    v = v128.load(p, 16);
    v128.store(to + second, f32x4.mul(f2, lowHalves(v)));
    v128.store(to + second, f32x4.mul(f3, highHalves(v)), 16);
  }
}

// @ts-ignore: decorator
@inline
function maskOf(masks: usize, code: usize): v128 {
  return v128.load(masks + (<usize>load<u8>(code) << 4));
}
// @ts-ignore: decorator
@inline
function pairSumsF32(a: v128, b: v128): v128 {
  return f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
}

/** y[16] += 32 inputs of a 2:4 panel times x: each lane picks its activation out of the group's four. */
// @ts-ignore: decorator
@inline
function sparseBlock(p: usize, q: usize, masks: usize, y: usize): void {
  const zero = f32x4.splat(0);
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero;
  for (const end = q + DEPTH * 4; q < end; q += 16, p += F16_24_GROUP) {
    const t = v128.load(q);
    let v = v128.load(p, F16_24_CODES);
    a0 = fma(lowHalves(v), pick(t, maskOf(masks, p)), a0);
    a1 = fma(highHalves(v), pick(t, maskOf(masks, p + 1)), a1);
    v = v128.load(p, F16_24_CODES + 16);
    a2 = fma(lowHalves(v), pick(t, maskOf(masks, p + 2)), a2);
    a3 = fma(highHalves(v), pick(t, maskOf(masks, p + 3)), a3);
    v = v128.load(p, F16_24_CODES + 32);
    b0 = fma(lowHalves(v), pick(t, maskOf(masks, p + 4)), b0);
    b1 = fma(highHalves(v), pick(t, maskOf(masks, p + 5)), b1);
    v = v128.load(p, F16_24_CODES + 48);
    b2 = fma(lowHalves(v), pick(t, maskOf(masks, p + 6)), b2);
    b3 = fma(highHalves(v), pick(t, maskOf(masks, p + 7)), b3);
  }
  addTo(y, pairSumsF32(a0, a1));
  addTo(y + 16, pairSumsF32(a2, a3));
  addTo(y + 32, pairSumsF32(b0, b1));
  addTo(y + 48, pairSumsF32(b2, b3));
}

/** Panels `from` to `to` of a 2:4 half-precision matrix, times one token. */
export function gemvF16Sparse(w: usize, scales: usize, depth: i32, x: usize, y: usize, from: i32, to: i32, streams: i32): void {
  const masks = <usize>load<u32>(M_MASKS);
  const panel = <usize>(depth >> 2) * F16_24_GROUP;
  const panels = (to - from) / PANEL;
  const run = (panels + streams - 1) / streams;
  w += <usize>(from / PANEL) * panel;
  y += <usize>from << 2;
  memory.fill(y, 0, <usize>(to - from) << 2);
  for (let n = 0; n < run; n++) {
    let p = w + <usize>n * panel;
    for (let q = x, end = x + (<usize>depth << 2); q < end; q += DEPTH * 4, p += (DEPTH / 4) * F16_24_GROUP) {
      let at = p;
      for (let r = n; r < panels; r += run, at += <usize>run * panel)
        sparseBlock(at, q, masks, y + (<usize>(r * PANEL) << 2));
    }
  }
  scaleRows(y, scales + (<usize>from << 2), to - from);
}

/** A 2:4 panel -> two dense GEMM panels float32 [depth][8 columns]; the places not kept are 0. */
export function unpackF16Sparse(p: usize, scales: usize, depth: i32, to: usize): void {
  const column: usize = TILE_COLUMNS * 4;
  memory.fill(to, 0, <usize>depth * PANEL * 4);
  const second = <usize>depth * column;
  for (let k = 0; k < depth; k += 4, p += F16_24_GROUP, to += 4 * column)
    for (let pair = 0; pair < PANEL / 2; pair++) {
      const code = <i32>load<u8>(p + pair);
      // Vector of pairs (2v, 2v + 1): low halves of its lanes are pair 2v, high halves pair 2v + 1.
      const at = p + F16_24_CODES + ((pair >> 1) << 4) + ((pair & 1) << 1);
      for (let i = 0; i < 4; i++) {
        const row = 2 * pair + (i >> 1);
        const place = (code >> (2 * i)) & 3;
        const shifted = ((<i32>load<i16>(at + 4 * i)) << 16 >> 3) & SHIFTED;
        const value = reinterpret<f32>(shifted) * (load<f32>(scales + (<usize>row << 2)) * HALF_LIFT);
        // Both places of a row may be the same where it keeps fewer than two: the padding is 0 and must not win.
        const cell = to + <usize>(row >> 3) * second + <usize>place * column + (<usize>(row & 7) << 2);
        if (value != 0) store<f32>(cell, value);
      }
    }
}

/** Masks of the 2:4 kernel: code -> byte indices into four floats, for lanes (even 1st, even 2nd, odd 1st, odd 2nd). */
export function fillMasks(): void {
  const masks = <usize>load<u32>(M_MASKS);
  for (let code = 0; code < 256; code++)
    for (let lane = 0; lane < 4; lane++)
      for (let b = 0; b < 4; b++)
        store<u8>(masks + code * 16 + lane * 4 + b, (((code >> (2 * lane)) & 3) * 4 + b) as u8);
}

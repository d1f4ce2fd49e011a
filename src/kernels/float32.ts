// float32 weights. A panel of 16 rows: for each input k, the 16 rows' weights.
//
//   k = 0: r0 r1 .. r15 | k = 1: r0 r1 .. r15 | ...        64 bytes a k
//
// Streams are long: two halves of a panel side by side are too short to be prefetched.
import { PANEL, TILE_COLUMNS } from './layout';
import { fma } from './simd';

const STEP: usize = PANEL * 4;

/**
 * y[from..to] = W x. `from` and `to` are multiples of a panel. Two panels at once, one from each half of the rows: two
 * long streams keep more of the memory system busy than one.
 */
export function gemvF32(w: usize, depth: i32, x: usize, y: usize, from: i32, to: i32): void {
  const zero = f32x4.splat(0);
  const end = x + (<usize>depth << 2);
  const panels = (to - from) / PANEL;
  const half = ((panels + 1) >> 1) * PANEL;
  for (let r = from; r < from + half; r += PANEL) {
    // Of an odd number of panels the last is done twice, with the same result.
    const other = min(r + half, to - PANEL);
    let p = w + <usize>r * depth * 4;
    let g = w + <usize>other * depth * 4;
    let a0 = zero, a1 = zero, a2 = zero, a3 = zero;
    let b0 = zero, b1 = zero, b2 = zero, b3 = zero;
    for (let q = x; q < end; q += 4, p += STEP, g += STEP) {
      const s = v128.load32_splat(q);
      a0 = fma(v128.load(p), s, a0);
      a1 = fma(v128.load(p, 16), s, a1);
      a2 = fma(v128.load(p, 32), s, a2);
      a3 = fma(v128.load(p, 48), s, a3);
      b0 = fma(v128.load(g), s, b0);
      b1 = fma(v128.load(g, 16), s, b1);
      b2 = fma(v128.load(g, 32), s, b2);
      b3 = fma(v128.load(g, 48), s, b3);
    }
    let o = y + (<usize>r << 2);
    v128.store(o, a0);
    v128.store(o, a1, 16);
    v128.store(o, a2, 32);
    v128.store(o, a3, 48);
    o = y + (<usize>other << 2);
    v128.store(o, b0);
    v128.store(o, b1, 16);
    v128.store(o, b2, 32);
    v128.store(o, b3, 48);
  }
}

/** Row `row` as float32[depth]. */
export function rowF32(w: usize, depth: i32, row: i32, to: usize): void {
  let p = w + <usize>(row & ~(PANEL - 1)) * depth * 4 + (<usize>(row & (PANEL - 1)) << 2);
  for (const end = to + (<usize>depth << 2); to < end; to += 4, p += STEP) store<f32>(to, load<f32>(p));
}

/** A panel -> two GEMM panels float32 [depth][8 columns], one after the other. */
export function unpackF32(p: usize, depth: i32, to: usize): void {
  const second = <usize>depth * TILE_COLUMNS * 4;
  for (const end = p + <usize>depth * STEP; p < end; p += STEP, to += TILE_COLUMNS * 4) {
    v128.store(to, v128.load(p));
    v128.store(to, v128.load(p, 16), 16);
    v128.store(to + second, v128.load(p, 32));
    v128.store(to + second, v128.load(p, 48), 16);
  }
}

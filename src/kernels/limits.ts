// What the machine can do at most, measured by loops that do nothing else: reading memory, and multiplying registers.
// Benches compare the kernels with these in the same run.
import { BENCH, MATRIX_BYTES, M_X, P_PANEL } from './layout';
import { gemm } from './gemm';
import { cutRows, matvec, mineOf, newInput } from './matvec';
import { byteDot, dot, fma } from './simd';
import { barrier } from './threads';

/** Bytes of one round of a stream. */
const LINE_PAIR: usize = 128;

/** Where sums go, so that no compiler leaves the reading out. */
// @ts-ignore: decorator
@inline
function keep(mine: usize, v: v128): void {
  v128.store(mine, v);
}

/** Reads a thread's part of [address, bytes] in `streams` runs at once. BENCH: address, bytes, streams. */
export function readAll(t: i32, threads: i32): void {
  const bytes = load<u32>(BENCH + 4) / threads;
  const streams = load<u32>(BENCH + 8);
  const part = (bytes / streams) & ~(<u32>LINE_PAIR - 1);
  const start = <usize>load<u32>(BENCH) + <usize>t * bytes;
  let a = i32x4.splat(0), b = a, c = a, d = a;
  for (let i: usize = 0; i < part; i += LINE_PAIR)
    for (let s: usize = 0; s < streams; s++) {
      const p = start + s * part + i;
      a = i32x4.add(a, v128.load(p));
      b = i32x4.add(b, v128.load(p, 16));
      c = i32x4.add(c, v128.load(p, 32));
      d = i32x4.add(d, v128.load(p, 48));
      a = i32x4.add(a, v128.load(p, 64));
      b = i32x4.add(b, v128.load(p, 80));
      c = i32x4.add(c, v128.load(p, 96));
      d = i32x4.add(d, v128.load(p, 112));
    }
  keep(mineOf(t), i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
  barrier(threads);
}

/** Products of one token with many matrices, one after another. BENCH: first matrix, count. */
export function vectorProducts(t: i32, threads: i32): void {
  const count = load<i32>(BENCH + 4);
  const mine = mineOf(t);
  const x = <usize>load<u32>(M_X);
  newInput();
  for (let i = 0; i < count; i++) {
    const matrix = <usize>load<u32>(BENCH) + <usize>i * MATRIX_BYTES;
    matvec(matrix, x, mine + load<u32>(P_PANEL), cutRows(matrix, t, threads), cutRows(matrix, t + 1, threads), mine);
  }
  barrier(threads);
}

/** The tile product of `tokens` packed tokens with one matrix. BENCH: matrix, tokens, output, row stride in floats. */
export function matrixProduct(t: i32, threads: i32): void {
  const matrix = <usize>load<u32>(BENCH);
  const from = cutRows(matrix, t, threads);
  const to = cutRows(matrix, t + 1, threads);
  gemm(
    matrix, <usize>load<u32>(BENCH + 8), load<i32>(BENCH + 12), load<i32>(BENCH + 4), from, to, false,
    mineOf(t) + load<u32>(P_PANEL),
  );
  barrier(threads);
}

/** The inner step of a tile, `rounds` times, on registers alone. BENCH: rounds. Each is 6 x 8 sums of a pair of inputs. */
export function peakInt(t: i32, threads: i32): void {
  const mine = mineOf(t);
  let u = i32x4.splat(3), v = i32x4.splat(5), s = i32x4.splat(7);
  let a0 = u, a1 = u, b0 = u, b1 = u, c0 = u, c1 = u, d0 = u, d1 = u, e0 = u, e1 = u, f0 = u, f1 = u;
  for (let n = load<i32>(BENCH); n > 0; n--) {
    a0 = dot(u, s, a0);
    a1 = dot(v, s, a1);
    b0 = dot(u, s, b0);
    b1 = dot(v, s, b1);
    c0 = dot(u, v, c0);
    c1 = dot(v, v, c1);
    d0 = dot(u, u, d0);
    d1 = dot(s, s, d1);
    e0 = dot(u, s, e0);
    e1 = dot(v, s, e1);
    f0 = dot(v, u, f0);
    f1 = dot(s, v, f1);
    // Registers change places, or the products would not depend on the round.
    const w = u;
    u = v;
    v = s;
    s = w;
  }
  const all = i32x4.add(i32x4.add(i32x4.add(a0, a1), i32x4.add(b0, b1)), i32x4.add(i32x4.add(c0, c1), i32x4.add(d0, d1)));
  keep(mine, i32x4.add(all, i32x4.add(i32x4.add(e0, e1), i32x4.add(f0, f1))));
  barrier(threads);
}

/** Byte products on registers alone, 6 x 8 sums of four inputs a round. */
export function peakByte(t: i32, threads: i32): void {
  const mine = mineOf(t);
  let u = i32x4.splat(3), v = i32x4.splat(5), s = i32x4.splat(7);
  let a0 = u, a1 = u, b0 = u, b1 = u, c0 = u, c1 = u, d0 = u, d1 = u, e0 = u, e1 = u, f0 = u, f1 = u;
  for (let n = load<i32>(BENCH); n > 0; n--) {
    a0 = byteDot<i32>(u, s, a0);
    a1 = byteDot<i32>(v, s, a1);
    b0 = byteDot<i32>(u, s, b0);
    b1 = byteDot<i32>(v, s, b1);
    c0 = byteDot<i32>(u, v, c0);
    c1 = byteDot<i32>(v, v, c1);
    d0 = byteDot<i32>(u, u, d0);
    d1 = byteDot<i32>(s, s, d1);
    e0 = byteDot<i32>(u, s, e0);
    e1 = byteDot<i32>(v, s, e1);
    f0 = byteDot<i32>(v, u, f0);
    f1 = byteDot<i32>(s, v, f1);
    // Registers change places, or the products would not depend on the round.
    const w = u;
    u = v;
    v = s;
    s = w;
  }
  const all = i32x4.add(i32x4.add(i32x4.add(a0, a1), i32x4.add(b0, b1)), i32x4.add(i32x4.add(c0, c1), i32x4.add(d0, d1)));
  keep(mine, i32x4.add(all, i32x4.add(i32x4.add(e0, e1), i32x4.add(f0, f1))));
  barrier(threads);
}

/** Multiply-adds of float32 on registers alone, 6 x 8 a round. */
export function peakFloat(t: i32, threads: i32): void {
  const mine = mineOf(t);
  let u = f32x4.splat(0.5), v = f32x4.splat(0.25), s = f32x4.splat(0.125);
  let a0 = u, a1 = u, b0 = u, b1 = u, c0 = u, c1 = u, d0 = u, d1 = u, e0 = u, e1 = u, f0 = u, f1 = u;
  for (let n = load<i32>(BENCH); n > 0; n--) {
    a0 = fma(u, s, a0);
    a1 = fma(v, s, a1);
    b0 = fma(u, s, b0);
    b1 = fma(v, s, b1);
    c0 = fma(u, v, c0);
    c1 = fma(v, v, c1);
    d0 = fma(u, u, d0);
    d1 = fma(s, s, d1);
    e0 = fma(u, s, e0);
    e1 = fma(v, s, e1);
    f0 = fma(v, u, f0);
    f1 = fma(s, v, f1);
    const w = u;
    u = v;
    v = s;
    s = w;
  }
  const all = f32x4.add(f32x4.add(f32x4.add(a0, a1), f32x4.add(b0, b1)), f32x4.add(f32x4.add(c0, c1), f32x4.add(d0, d1)));
  keep(mine, f32x4.add(all, f32x4.add(f32x4.add(e0, e1), f32x4.add(f0, f1))));
  barrier(threads);
}

import * as L from '../../kernels/layout';
import type { BuildName, ByteDot } from '../core/dot';
import { layoutsOf, type FormatName } from './formats';
import { byteDotOf, type Spawn } from './module';
import type { Streams } from './model';
import { NARROW, Scratch, TOKENS, WIDE } from './scratch';

/** What the machine can do at most, and what the kernels reach of it, in one run. Rates are medians. */
export interface KernelLimits {
  build: BuildName;
  threads: number;
  dot: ByteDot;
  /** Bytes a second read from memory that no cache holds, by streams a thread. */
  read: Record<'1' | '2' | '4' | '8', number>;
  /** Operations a second (a multiply-add is two) of the GEMM tile's inner step on registers alone. */
  peak: { int: number; byte: number; float: number };
  /** The tile product over a 1536 x 576 and a 576 x 1536 matrix, unpacking of panels included. */
  gemm: Partial<Record<FormatName, number>>;
  /**
   * One token times copies of a 1536 x 576 matrix, from memory that no cache holds: bytes and weights a second. `cached`:
   * weights a second of one copy again and again, which arithmetic alone bounds.
   */
  gemv: Partial<Record<FormatName, { bytes: number; weights: number; cached: number }>>;
}

/** More than any last-level cache that this is likely to meet. */
const DRAM_BYTES = 192 * 2 ** 20;
const PEAK_ROUNDS = 2_000_000;
/** Operations of a round of each peak: 6 x 8 sums; a step takes two 16-bit or four 8-bit inputs each. */
export const PEAK_OPERATIONS = {
  int: L.TILE * L.TILE_COLUMNS * 2 * 2,
  byte: L.TILE * L.TILE_COLUMNS * 4 * 2,
  float: L.TILE * L.TILE_COLUMNS * 2,
};

const median = (xs: number[]) => xs.sort((a, b) => a - b)[xs.length >> 1] as number;

export async function measureLimits(o: {
  module: WebAssembly.Module;
  build: BuildName;
  threads: number;
  spawn: Spawn;
  repeats: number;
  /** Of formats whose streams were chosen. */
  streams: Streams;
}): Promise<KernelLimits> {
  const dot = byteDotOf(o.build);
  const scratch = await Scratch.open({ ...o, dot });
  const { memory } = scratch;
  try {
    /** Median seconds. */
    const seconds = (once: () => number): number => {
      // The optimizing compiler takes over after some calls.
      const warm = performance.now() + 150;
      do once();
      while (performance.now() < warm);
      return median(Array.from({ length: o.repeats }, once));
    };

    const peakOf = (kind: keyof typeof PEAK_OPERATIONS, command: number) =>
      (o.threads * PEAK_ROUNDS * PEAK_OPERATIONS[kind]) / seconds(() => scratch.time(command, PEAK_ROUNDS));
    const peak = {
      int: peakOf('int', L.COMMAND_PEAK_INT),
      byte: peakOf('byte', L.COMMAND_PEAK_BYTE),
      float: peakOf('float', L.COMMAND_PEAK_FLOAT),
    };

    const region = memory.take(DRAM_BYTES);
    // Pages never written to share one page of zeros, which every cache holds.
    memory.u8(region, DRAM_BYTES).fill(1);
    const readRate = (streams: number) =>
      DRAM_BYTES / seconds(() => scratch.time(L.COMMAND_READ, region, DRAM_BYTES, streams));
    const read = { 1: readRate(1), 2: readRate(2), 4: readRate(4), 8: readRate(8) };

    const gemm: KernelLimits['gemm'] = {};
    const gemv: KernelLimits['gemv'] = {};
    for (const [precision, sparse] of [
      ['fp32', false],
      ['fp16', false],
      ['int8', false],
      ['int4', false],
      ['fp16', true],
      ['int8', true],
    ] as const) {
      const layouts = layoutsOf(precision, dot);
      const format = (sparse && layouts.sparse) || layouts.dense;
      const placed = scratch.place(precision, format);
      scratch.packTokens(placed);
      gemm[format] = (2 * TOKENS * WIDE * NARROW) / seconds(() => scratch.many(placed));
      // Each token reads all copies from memory.
      const copies = scratch.copy(placed, region, DRAM_BYTES);
      const streams = o.streams[format] ?? L.STREAMS;
      const s = seconds(() => scratch.one(placed, region, copies, streams));
      const again = seconds(() => scratch.one(placed, null, copies, streams));
      gemv[format] = { bytes: placed.bytes / s, weights: (WIDE * NARROW) / s, cached: (WIDE * NARROW) / again };
    }
    return { build: o.build, threads: o.threads, dot, read, peak, gemm, gemv };
  } finally {
    scratch.close();
  }
}

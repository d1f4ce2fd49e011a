import * as L from '../../kernels/layout';
import type { ModelConfig } from '../checkpoint/config';
import { linearShapes, type LinearName } from '../checkpoint/block';
import { PRECISIONS } from '../tensor/precisions';
import type { StoredTensor } from '../tensor/stored';
import { prune2of4 } from '../tensor/masks';
import { createRandom } from '../core/random';
import { FORMATS, formatOf, padDepth, padRows, type FormatName } from './formats';
import { CpuModel } from './model';
import type { BuildName, ByteDot } from '../core/dot';
import { byteDotOf, type Spawn } from './module';

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

/** SmolLM2-135M's sizes. */
const WIDE = 1536;
const NARROW = 576;
/** More than any last-level cache that this is likely to meet. */
const DRAM_BYTES = 192 * 2 ** 20;
const TOKENS = 252;
const PEAK_ROUNDS = 2_000_000;
/** 6 x 8 sums; a step takes two 16-bit or four 8-bit inputs each. */
const PEAK_OPERATIONS = {
  int: L.TILE * L.TILE_COLUMNS * 2 * 2,
  byte: L.TILE * L.TILE_COLUMNS * 4 * 2,
  float: L.TILE * L.TILE_COLUMNS * 2,
};

const CONFIG: ModelConfig = {
  family: 'Llama',
  hiddenSize: NARROW,
  intermediateSize: WIDE,
  layers: 1,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  vocabSize: 64,
  normEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: null,
  maxPositions: 512,
  tiedEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  bosTokenId: null,
  eosTokenIds: [],
};

const median = (xs: number[]) => xs.sort((a, b) => a - b)[xs.length >> 1] as number;

export async function measureLimits(o: {
  module: WebAssembly.Module;
  build: BuildName;
  threads: number;
  spawn: Spawn;
  repeats: number;
}): Promise<KernelLimits> {
  const model = new CpuModel(CONFIG, [WIDE], CONFIG.maxPositions, byteDotOf(o.build));
  const { memory } = model;
  const random = createRandom(1);
  const make = (rows: number, columns: number, precision: keyof typeof PRECISIONS, sparse: boolean): StoredTensor => {
    const w = Float32Array.from({ length: rows * columns }, () => random.normal() * 0.02);
    if (sparse) prune2of4(w);
    return PRECISIONS[precision].store(w, rows, columns);
  };
  const shapes = linearShapes(CONFIG, WIDE);
  const layer = {} as Record<LinearName, StoredTensor>;
  for (const [name, [r, c]] of Object.entries(shapes) as [LinearName, readonly [number, number]][])
    layer[name] = make(r, c, 'int8', false);
  model.setLayer(0, layer);
  model.setOuter(make(CONFIG.vocabSize, NARROW, 'int8', false), null);
  await model.start(o.module, o.threads, o.spawn);
  try {
    /** Median seconds of a command. */
    const seconds = (command: number, ...args: number[]): number => {
      memory.u32(L.BENCH, args.length).set(args);
      const once = () => {
        const start = performance.now();
        model.run(command);
        return (performance.now() - start) / 1000;
      };
      // The optimizing compiler takes over after some calls.
      const warm = performance.now() + 150;
      do once();
      while (performance.now() < warm);
      return median(Array.from({ length: o.repeats }, once));
    };

    const peakOf = (kind: keyof typeof PEAK_OPERATIONS, command: number) =>
      (o.threads * PEAK_ROUNDS * PEAK_OPERATIONS[kind]) / seconds(command, PEAK_ROUNDS);
    const peak = {
      int: peakOf('int', L.COMMAND_PEAK_INT),
      byte: peakOf('byte', L.COMMAND_PEAK_BYTE),
      float: peakOf('float', L.COMMAND_PEAK_FLOAT),
    };

    const region = memory.take(DRAM_BYTES);
    // Pages never written to share one page of zeros, which every cache holds.
    memory.u8(region, DRAM_BYTES).fill(1);
    const readRate = (streams: number) => DRAM_BYTES / seconds(L.COMMAND_READ, region, DRAM_BYTES, streams);
    const read = { 1: readRate(1), 2: readRate(2), 4: readRate(4), 8: readRate(8) };

    // Inputs of the products: any finite numbers will do.
    const x = memory.u32(L.M_X, 1)[0] as number;
    memory.f32(x, TOKENS * WIDE).set(Float32Array.from({ length: TOKENS * WIDE }, random.normal));
    const output = memory.take(TOKENS * WIDE * 4);
    const gemm: KernelLimits['gemm'] = {};
    const gemv: KernelLimits['gemv'] = {};
    const tables = memory.take(4096 * L.MATRIX_BYTES);
    for (const [precision, sparse] of [
      ['fp32', false],
      ['fp16', false],
      ['int8', false],
      ['int4', false],
      ['fp16', true],
      ['int8', true],
    ] as const) {
      const wide = make(WIDE, NARROW, precision, sparse);
      const format = formatOf(wide, model.dot);
      const at = memory.take(L.MATRIX_BYTES);
      model.placeAs(`${format} wide`, at, wide, format);
      const row = FORMATS[format];
      const mine = model.kernels.mineOf(0);
      for (let i = 0; i < TOKENS; i++) model.kernels.packToken(x + i * WIDE * 4, NARROW, i, row.operand, mine);
      gemm[format] = (2 * TOKENS * WIDE * NARROW) / seconds(L.COMMAND_GEMM, at, TOKENS, output, WIDE);

      // Copies side by side in the region: each token reads them all from memory.
      const [code, rows, depth, data, scales] = memory.u32(at, 5) as unknown as [
        number,
        number,
        number,
        number,
        number,
      ];
      const bytes = (padRows(WIDE) / L.PANEL) * padDepth(NARROW) * row.bytesPerInput;
      const copies = Math.floor(DRAM_BYTES / bytes);
      for (let i = 0; i < copies; i++) {
        memory.u8(region + i * bytes, bytes).set(memory.u8(data, bytes));
        memory.u32(tables + i * L.MATRIX_BYTES, 5).set([code, rows, depth, region + i * bytes, scales]);
      }
      const s = seconds(L.COMMAND_GEMV, tables, copies) / copies;
      for (let i = 0; i < copies; i++)
        memory.u32(tables + i * L.MATRIX_BYTES, 5).set([code, rows, depth, data, scales]);
      const again = seconds(L.COMMAND_GEMV, tables, copies) / copies;
      gemv[format] = { bytes: bytes / s, weights: (WIDE * NARROW) / s, cached: (WIDE * NARROW) / again };
    }
    return {
      build: o.build,
      threads: o.threads,
      dot: model.dot,
      read,
      peak,
      gemm,
      gemv,
    };
  } finally {
    model.close();
  }
}

import * as L from '../../kernels/layout';
import { linearShapes, type LinearName } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import type { ByteDot } from '../core/dot';
import { createRandom } from '../core/random';
import { prune2of4 } from '../tensor/masks';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import type { StoredTensor } from '../tensor/stored';
import { FORMATS, padDepth, padRows, type FormatName } from './formats';
import { CpuModel } from './model';
import type { KernelMemory } from './memory';
import type { Spawn } from './module';

/** Sizes of SmolLM2-135M's widest linear layer, [outputs, inputs]. */
export const WIDE = 1536;
export const NARROW = 576;
/** Tokens of the tile product. */
export const TOKENS = 252;

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

export interface ScratchOptions {
  module: WebAssembly.Module;
  /** What the device's byte dot takes, or null where 16-bit products are to be used. */
  dot: ByteDot;
  threads: number;
  spawn: Spawn;
}

/** A matrix [1536, 576] in one format. */
interface Placed {
  format: FormatName;
  /** Its descriptor. */
  at: number;
  data: number;
  bytes: number;
}

/** Kernels in a memory of their own, to be timed on random weights: no model is disturbed. Ends with `close`. */
export class Scratch {
  private constructor(
    readonly model: CpuModel,
    private readonly random: ReturnType<typeof createRandom>,
    private readonly x: number,
    private readonly output: number,
    private readonly tables: number,
  ) {}

  static async open({ module, dot, threads, spawn }: ScratchOptions): Promise<Scratch> {
    const model = new CpuModel(CONFIG, [WIDE], CONFIG.maxPositions, dot);
    const { memory } = model;
    const random = createRandom(1);
    const layer = {} as Record<LinearName, StoredTensor>;
    const shapes = Object.entries(linearShapes(CONFIG, WIDE)) as [LinearName, readonly [number, number]][];
    for (const [name, [rows, columns]] of shapes) layer[name] = weights(random, rows, columns, 'int8', false);
    model.setLayer(0, layer);
    model.setOuter(weights(random, CONFIG.vocabSize, NARROW, 'int8', false), null);
    await model.start(module, threads, spawn);
    // Inputs of the products: any finite numbers will do.
    const x = memory.u32(L.M_X, 1)[0] as number;
    memory.f32(x, TOKENS * WIDE).set(Float32Array.from({ length: TOKENS * WIDE }, random.normal));
    return new Scratch(model, random, x, memory.take(TOKENS * WIDE * 4), memory.take(4096 * L.MATRIX_BYTES));
  }

  get memory(): KernelMemory {
    return this.model.memory;
  }

  /** Seconds of one command. */
  time(command: number, ...args: number[]): number {
    this.memory.u32(L.BENCH, args.length).set(args);
    const start = performance.now();
    this.model.run(command);
    return (performance.now() - start) / 1000;
  }

  /** Random weights in `format`, 2:4 where it is sparse. */
  place(precision: PrecisionName, format: FormatName): Placed {
    const { density, bytesPerInput } = FORMATS[format];
    const at = this.memory.take(L.MATRIX_BYTES);
    this.model.placeAs(`${format} wide`, at, weights(this.random, WIDE, NARROW, precision, density < 1), format);
    const data = this.memory.u32(at + L.W_DATA, 1)[0] as number;
    return { format, at, data, bytes: (padRows(WIDE) / L.PANEL) * padDepth(NARROW) * bytesPerInput };
  }

  /** Copies of a matrix side by side from `region` on: how many there are. */
  copy({ data, bytes }: Placed, region: number, room: number): number {
    const copies = Math.floor(room / bytes);
    for (let i = 0; i < copies; i++) this.memory.u8(region + i * bytes, bytes).set(this.memory.u8(data, bytes));
    return copies;
  }

  /**
   * Seconds of a product of one token with a matrix, `copies` of which are read one after another from `region` on, in
   * `streams`; null = the same one again and again.
   */
  one({ format, at, bytes }: Placed, region: number | null, copies: number, streams = L.STREAMS): number {
    const descriptor = this.memory.u32(at, 5).slice();
    const data = descriptor[L.W_DATA / 4] as number;
    for (let i = 0; i < copies; i++) {
      descriptor[L.W_DATA / 4] = region === null ? data : region + i * bytes;
      this.memory.u32(this.tables + i * L.MATRIX_BYTES, 5).set(descriptor);
    }
    this.model.setStreams({ [format]: streams });
    return this.time(L.COMMAND_GEMV, this.tables, copies) / copies;
  }

  /** Activations as `format` multiplies them, for `many`. */
  packTokens({ format }: Placed): void {
    const mine = this.model.kernels.mineOf(0);
    for (let i = 0; i < TOKENS; i++)
      this.model.kernels.packToken(this.x + i * WIDE * 4, NARROW, i, FORMATS[format].operand, mine);
  }

  /** Seconds of the tile product of TOKENS packed tokens, unpacking of panels included. */
  many({ at }: Placed): number {
    return this.time(L.COMMAND_GEMM, at, TOKENS, this.output, WIDE);
  }

  close(): void {
    this.model.close();
  }
}

function weights(
  random: ReturnType<typeof createRandom>,
  rows: number,
  columns: number,
  precision: PrecisionName,
  sparse: boolean,
): StoredTensor {
  const w = Float32Array.from({ length: rows * columns }, () => random.normal() * 0.02);
  if (sparse) prune2of4(w);
  return PRECISIONS[precision].store(w, rows, columns);
}

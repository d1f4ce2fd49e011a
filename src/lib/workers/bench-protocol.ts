import type { KernelLimits } from '../cpu/limits';
import type { BuildName } from '../cpu/module';
import type { Cost } from '../core/cost';
import type { Measured } from '../measure/measure';
import type { ScaleResult, ScaleShape } from '../cpu/scale';
import type { CheckpointRef } from '../schema/plan';
import type { KernelWork } from '../schema/run';
import type { Progress, VariantRequest } from './protocol';

/** Times of a bench, one value a repeat, after one warm-up. */
export interface SpeedResult {
  /** From the checkpoint's first byte to a ready session. */
  openMs: number;
  prefillMs: number[];
  decodeMs: number[];
  scoreMs: number[];
  kernel: string;
  threads: number;
  computedBytes: number | null;
  wasmHeapBytes: number | null;
  /** Work of one prefill and of one decode step in the middle, for rooflines. */
  prefillCost: Cost | null;
  decodeCost: Cost | null;
  /** Kernel by kernel, of the last prefill and of the last round of decoding; null on engines that do not say. */
  kernels: { prefill: KernelWork[]; decode: KernelWork[] } | null;
  /** What metering adds to one ticket: a prefill and a decode window, and counting their work. */
  meterMs: number;
}

/** Weights a second of the functions that a recipe is made of, one value a repeat, one thread. */
export interface CompressSpeed {
  int4: number[];
  '2:4': number[];
  mag50: number[];
}

/** One row of a recipe table. */
export interface RecipeMeasured extends Measured {
  variant: string;
  kernel: string;
  threads: number;
  storedBytes: number | null;
  computedBytes: number | null;
  sparsity: number | null;
  /** Opening, calibration and compression included. */
  openMs: number;
}

/** One calibrated compression of a whole model, nothing taken from a store. */
export interface CalibrateSpeed {
  calibrateMs: number;
  compressMs: number;
  tokens: number;
  threads: number;
  /** Multiplications and additions of the calibration's linear layers, attention and x^T x. */
  calibrateFlops: number;
}

export type BenchApi = {
  /** Times prefill of `prefill` tokens, decoding `decode` more, and scoring `labels` candidates of 3 tokens after the same prompt. */
  speed: {
    args: VariantRequest & { prefill: number; decode: number; labels: number; repeats: number };
    event: Progress;
    result: SpeedResult;
  };
  /** Opens a variant once, evaluates all texts, then meters a prompt and what follows it. */
  measureRecipe: {
    args: VariantRequest & { texts: string[]; prefill: number; decode: number; repeats: number };
    event: Progress;
    result: RecipeMeasured;
  };
  /** Times quantizing and pruning on normal-distributed matrices; copies are made outside the clock. */
  compressSpeed: { args: { rows: number; columns: number; repeats: number }; event: never; result: CompressSpeed };
  /** Calibrates on random token ids and compresses every layer; `threads` workers. */
  calibrateSpeed: {
    args: { checkpoint: CheckpointRef; recipe: string; threads: number | null; sequences: number; length: number };
    event: Progress;
    result: CalibrateSpeed;
  };
  /** What this machine can do at most, and what our kernels reach of it, measured in one run. */
  kernelLimits: {
    args: { threads: number | null; build: BuildName | null; repeats: number };
    event: never;
    result: KernelLimits;
  };
  /** A decode step of a model of some size, int8, random weights. */
  scaleSpeed: {
    args: { shape: ScaleShape; threads: number | null; build: BuildName | null; repeats: number };
    event: never;
    result: ScaleResult;
  };
};

import type { CalibrateSpeed } from '../../bench/calibrate';
import type { CompressSpeed } from '../../bench/compress';
import type { SpeedOptions, SpeedResult } from '../../bench/model';
import type { KernelLimits } from '../../cpu/limits';
import type { ScaleResult, ScaleShape } from '../../cpu/scale';
import type { Measured } from '../../measure/measure';
import type { SharingOptions, SharingSpeed } from '../../measure/sharing';
import type { Trace, TraceOptions } from '../../measure/trace';
import type { Progress, VariantRequest } from '../host/request';

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

/** How a bench of the kernels alone is run. */
export interface KernelOptions {
  threads: number | null;
  build: NonNullable<VariantRequest['kernelBuild']> | null;
  repeats: number;
}

/** What `npm run bench` measures; no page calls these. */
export type BenchApi = {
  /** Times prefill of `prefill` tokens, decoding `decode` more, and scoring `labels` candidates of 3 tokens after the same prompt. */
  speed: {
    args: VariantRequest & SpeedOptions;
    event: Progress;
    result: SpeedResult;
  };
  /** Opens a variant once, evaluates all texts, then meters a prompt and what follows it. */
  measureRecipe: {
    args: VariantRequest & { texts: string[]; prefill: number; decode: number; repeats: number };
    event: Progress;
    result: RecipeMeasured;
  };
  /** Times scoring causes behind a prompt that is computed whole, and behind a prefix that is kept. */
  sharingSpeed: { args: VariantRequest & SharingOptions; event: Progress; result: SharingSpeed };
  /** What an engine computes from given tokens, for comparing it with others. */
  trace: { args: VariantRequest & TraceOptions; event: Progress; result: Trace };
  /** Times quantizing and pruning on normal-distributed matrices; copies are made outside the clock. */
  compressSpeed: { args: { rows: number; columns: number; repeats: number }; event: never; result: CompressSpeed };
  /** Calibrates on random token ids and compresses every layer; `threads` workers. */
  calibrateSpeed: {
    args: {
      checkpoint: VariantRequest['checkpoint'];
      recipe: string;
      threads: number | null;
      sequences: number;
      length: number;
    };
    event: Progress;
    result: CalibrateSpeed;
  };
  /** What this machine can do at most, and what our kernels reach of it, measured in one run. */
  kernelLimits: {
    args: KernelOptions;
    event: never;
    result: KernelLimits;
  };
  /** A decode step of a model of some size, int8, random weights. */
  scaleSpeed: {
    args: KernelOptions & { shape: ScaleShape };
    event: never;
    result: ScaleResult;
  };
};

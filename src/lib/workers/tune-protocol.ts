import type { LoraShape } from '../block/lora';
import type { Frozen } from '../gradient/frozen';
import type { Pass, PassResult } from '../gradient/pass';
import type { CheckpointRef, Templates } from '../schema/plan';
import type { Reading, TaskName } from '../schema/run';
import type { LoraOptions } from '../tune/lora';
import type { TuneEnd, TuneEvaluation, TuneOptions, TuneStep } from '../tune/trainer';
import type { TicketsPort } from './protocol';

/** A thread that computes losses and gradients of passes. */
export type GradientApi = {
  open: { args: { frozen: Frozen; lora: LoraShape }; event: never; result: void };
  /** Takes other numbers for the adapter. */
  adapter: { args: Float32Array<ArrayBuffer>; event: never; result: void };
  loss: { args: Pass; event: never; result: PassResult };
  step: {
    args: { pass: Pass; factor: number };
    event: never;
    result: { result: PassResult; gradient: Float32Array<ArrayBuffer> };
  };
};

export interface TuneRequest {
  checkpoint: CheckpointRef;
  /** Name of the model that the adapter says it belongs to. */
  name: string;
  recipe: string;
  /** Null = as many as there are cores, at most 8. */
  threads: number | null;
  tasks: readonly TaskName[];
  templates?: Templates | undefined;
  /** Training and validation tickets. */
  given: TicketsPort;
  lora: LoraOptions;
  options: TuneOptions;
  /** Row of the power profile table; null = the guess. */
  profile: string | null;
  /** Whether the whole model is written too, the adapter merged into its float32 weights. */
  merged: boolean;
}

export interface TuneReport {
  /** Folder of the export. */
  id: string;
  end: TuneEnd;
  /** Steps after which the adapter stood. */
  at: number;
  steps: readonly TuneStep[];
  evaluations: readonly TuneEvaluation[];
  /** Mean loss of validation answers before the first step, nats a token; null without validation tickets. */
  untuned: number | null;
  examples: { train: number; validation: number };
  parameters: number;
  threads: number;
  /** Time, work and joules by phase and source. */
  readings: Reading[];
}

export type TuneApi = {
  tune: {
    args: TuneRequest;
    event: { phase: string; done: number; of: number } | { step: TuneStep } | { evaluation: TuneEvaluation };
    result: TuneReport;
  };
};

import type { CheckpointRef } from '../schema/plan';
import type { Device, EngineName } from '../schema/run';

/** What every call to the engine worker says about the model. */
export interface VariantRequest {
  checkpoint: CheckpointRef;
  recipe: string;
  engine: EngineName;
  threads: number | null;
}

export interface EvaluateResult {
  tokenIds: number[];
  /** Mean negative log-likelihood of tokens 2..n, nats. */
  nll: number;
  /** Ids of the last position's five highest logits. */
  top5: number[];
  ms: { compress: number; load: number; evaluate: number };
  engine: EngineName;
  kernel: string;
  threads: number;
  variant: string;
  storedBytes: number;
  computedBytes: number;
  sparsity: number;
  wasmHeapBytes: number | null;
  fallbacks: string[];
}

export interface GenerateResult {
  promptIds: number[];
  ids: number[];
  text: string;
  prefillMs: number;
  decodeMs: number;
  kernel: string;
}

export interface Progress {
  phase: string;
  done: number;
  of: number;
}

export type EngineApi = {
  probe: { args: null; event: never; result: Device };
  evaluate: { args: VariantRequest & { text: string }; event: Progress; result: EvaluateResult };
  /** `chat`: through the checkpoint's chat template; else the text as it is. */
  generate: {
    args: VariantRequest & { prompt: string; chat: boolean; maxNewTokens: number; ignoreStop: boolean };
    event: Progress;
    result: GenerateResult;
  };
};

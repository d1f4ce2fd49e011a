import type { Given, TicketsPort } from '../../data/give';
import type { AdapterRequest } from '../../measure/adapter';
import type { Assistance, AssistRequest } from '../../measure/assist';
import type { EvaluateResult, GenerateResult } from '../../measure/evaluate';
import type { OpenRequest } from '../../measure/unit';
import type { UnitProgress } from '../../plan/execute';
import type { OpenUnit, SliceOptions } from '../../plan/open-members';
import type { Unit } from '../../plan/units';
import type { Device, RunRecord, TaskName } from '../../schema/run';
import type { ExportApi } from '../export/protocol';
import type { Progress, VariantRequest } from '../host/request';

/** The calls of `workers/export` among them. */
export type EngineApi = ExportApi & {
  probe: { args: null; event: never; result: Device };
  evaluate: { args: VariantRequest & { text: string }; event: Progress; result: EvaluateResult };
  /** `chat`: through the checkpoint's chat template; else the text as it is. */
  generate: {
    args: VariantRequest & { prompt: string; chat: boolean; maxNewTokens: number; ignoreStop: boolean };
    event: Progress;
    result: GenerateResult;
  };
  /** Opens a variant that this thread keeps: `assist` answers with it until the thread ends. */
  openAssistant: {
    args: Omit<AssistRequest, 'train' | 'validation'> & { given: TicketsPort | null };
    event: Progress;
    result: { kernel: string; fallbacks: string[] };
  };
  /** The two files of a fine-tuned variant's adapter, by name. */
  adapter: {
    args: Omit<AdapterRequest, 'train' | 'validation'> & { given: TicketsPort };
    event: Progress;
    result: Record<string, Uint8Array<ArrayBuffer>>;
  };
  assist: { args: { text: string }; event: { task: TaskName; text: string }; result: Assistance[] };
  /** Opens a variant of a plan, which this thread keeps: `slice` measures with it until the thread ends. */
  openUnit: {
    args: Omit<OpenRequest, keyof Given> & { given: TicketsPort };
    event: UnitProgress;
    result: Pick<OpenUnit, 'kernel' | 'threads' | 'memoryBytes'>;
  };
  slice: { args: { unit: Unit } & Pick<SliceOptions, 'patience' | 'tries'>; event: UnitProgress; result: RunRecord };
  /** Milliseconds of each of `n` short pieces of equal work. */
  pieces: { args: { n: number }; event: never; result: number[] };
};

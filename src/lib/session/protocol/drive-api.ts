import type { PlanOutcome } from '../../plan/execute';
import type { Folded } from '../../rank/fold';
import type { DatasetRecord } from '../../schema/dataset';
import type { SamplerAccess } from '../../schema/sampler';
import type { PlanRecord } from '../../schema/plan';
import type { BenchApi } from '../../workers/bench/protocol';
import type { DataApi } from '../../workers/data/protocol';
import type { EngineApi } from '../../workers/engine/protocol';
import type { FitApi } from '../../workers/fit/protocol';
import type { TuneApi, TuneReport, TuneRequest } from '../../workers/tune/protocol';

type Call<T extends { args: unknown; result: unknown }> = Pick<T, 'args' | 'result'>;

/** An export's files go to the address `upload`, one PUT each. */
type Exporting<M extends 'compress' | 'exportVariant' | 'exportGguf'> = {
  args: EngineApi[M]['args'] & { upload: string };
  result: EngineApi[M]['result'] & { files: { path: string; bytes: number }[] };
};

type EngineCall = 'probe' | 'evaluate' | 'generate';

/** What the command line calls in the page, typed at both ends. */
export type DriveApi = { [M in EngineCall]: Call<EngineApi[M]> } & { [M in keyof BenchApi]: Call<BenchApi[M]> } & {
  [M in keyof FitApi]: Call<FitApi[M]>;
} & {
  storeCheckpoint: Call<DataApi['storeCheckpoint']>;
  storeHub: Call<DataApi['storeHub']>;
  importTickets: { args: DataApi['import']['args']; result: DataApi['whole']['result'] };
  generateTickets: { args: DataApi['generate']['args']; result: DatasetRecord };
  compress: Exporting<'compress'>;
  exportVariant: Exporting<'exportVariant'>;
  exportGguf: Exporting<'exportGguf'>;
  /** Trains on a dataset's own tickets. */
  tune: {
    args: Omit<TuneRequest, 'given'> & {
      dataset: DatasetRecord;
      /** Validation tickets, at most. */
      validation: number;
      /** Training tickets, at most; null = all. */
      train: number | null;
      upload: string;
    };
    result: TuneReport & { files: { path: string; bytes: number }[] };
  };
  /** Makes the built-in checkpoint. */
  build: {
    args: TuneApi['build']['args'] & { upload: string };
    result: TuneApi['build']['result'] & { files: { path: string; bytes: number }[] };
  };
  tuneSpeed: Call<TuneApi['tuneSpeed']>;
  lessons: Call<TuneApi['lessons']>;
  runPlan: {
    args: {
      plan: PlanRecord;
      dataset: DatasetRecord;
      name: string;
      /** Forgets what an earlier run of this plan left. */
      fresh: boolean;
      calibrationTexts?: string[] | null;
      /** What counts the joules; null or none = the power profile. */
      sampler?: SamplerAccess | null;
    };
    /** With what the runs fold to, and the plan's hash. */
    result: PlanOutcome & { folded: Folded; plan: string };
  };
};
export type DriveCommand = keyof DriveApi;

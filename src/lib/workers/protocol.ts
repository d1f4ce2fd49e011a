import type { OuterReport } from '../compress/compress';
import type { GroupJob, GroupResult } from '../compress/group';
import type { LayerStatistics, Level } from '../compress/statistics';
import type { GeneratorOptions } from '../data/generator';
import type { ImportReport, TablePreview } from '../data/import';
import type { Assistance, AssistRequest } from '../measure/assist';
import type { UnitProgress } from '../plan/execute';
import type { PlanSummary } from '../plan/summary';
import type { OpenRequest } from '../measure/unit';
import type { OpenUnit, SliceOptions } from '../plan/sessions';
import type { Unit } from '../plan/units';
import type { Folded, FoldOptions } from '../rank/fold';
import type { BuildName } from '../cpu/module';
import type { ExportReport } from '../export/onnx';
import type { GgufReport } from '../export/gguf';
import type { ExportFormat, ExportSize } from '../export/sizes';
import type { WeightsReport } from '../export/safetensors';
import type { ModelConfig } from '../checkpoint/config';
import type { DatasetRecord, DatasetSummaryRecord, Mapping } from '../schema/dataset';
import type { CheckpointRef, Templates } from '../schema/plan';
import type { DownloadProgress } from '../store/download';
import type { Device, RunHead, RunRecord, TaskName } from '../schema/run';
import type { EngineName } from '../schema/engines';
import type { BenchApi } from './bench-protocol';

/**
 * Where a thread finds tickets that a data thread put there (`give`): they go from one to the other, past the page, which
 * would stutter under 100,000 of them.
 */
export type TicketsPort = MessagePort;

/** What every call to the engine worker says about the model. */
export interface VariantRequest {
  checkpoint: CheckpointRef;
  recipe: string;
  engine: EngineName;
  threads: number | null;
  /** Text for recipes that calibrate, or the training tickets of a task; absent or null where there is none. */
  calibration?:
    { texts: string[] } | { tasks: readonly TaskName[]; given: TicketsPort; templates?: Templates | undefined } | null;
  /** Row of the power profile table that prices a budget in joules; absent or null = the guess. */
  profile?: string | null;
  /** Build of our own kernels, where a bench or a test names one. */
  kernelBuild?: BuildName | null;
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
  /** Null for ready-made exports, whose weights are not ours to count. */
  storedBytes: number | null;
  computedBytes: number | null;
  sparsity: number | null;
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
  fallbacks: string[];
}

/** What became of one linear layer of one layer. */
export type LayerReport = WeightsReport['layers'][number];

export interface Progress {
  phase: string;
  done: number;
  of: number;
}

export type EngineApi = BenchApi & {
  probe: { args: null; event: never; result: Device };
  evaluate: { args: VariantRequest & { text: string }; event: Progress; result: EvaluateResult };
  /** `chat`: through the checkpoint's chat template; else the text as it is. */
  generate: {
    args: VariantRequest & { prompt: string; chat: boolean; maxNewTokens: number; ignoreStop: boolean };
    event: Progress;
    result: GenerateResult;
  };
  /** Compresses every layer, calibrated on a task's training tickets as a run of it is, and keeps only what was lost. */
  inspect: {
    args: {
      checkpoint: CheckpointRef;
      recipe: string;
      threads: number | null;
      tasks: readonly TaskName[];
      /** Training tickets; null for a recipe that does not calibrate. */
      given: TicketsPort | null;
    };
    event: Progress & { report?: LayerReport; outer?: OuterReport[] };
    result: {
      layers: LayerReport[];
      outer: OuterReport[];
      compression: WeightsReport['compression'];
      ms: { calibrate: number; compress: number };
    };
  };
  /** Writes compressed weights and their report into an export folder in OPFS. */
  compress: {
    args: Omit<VariantRequest, 'engine'>;
    event: Progress;
    result: WeightsReport & { id: string; ms: { calibrate: number; compress: number } };
  };
  /** Writes the variant into an export folder in OPFS; its id comes back. */
  exportVariant: { args: VariantRequest; event: Progress; result: ExportReport & { id: string } };
  /** How large both would be, before a weight is read; `storedBytes` as measured, for recipes under a budget. */
  exportSizes: {
    args: Pick<VariantRequest, 'checkpoint' | 'recipe' | 'engine'> & { storedBytes: number | null };
    event: never;
    result: Record<ExportFormat, ExportSize>;
  };
  /** The same as one GGUF file, called `<name>.gguf`. */
  exportGguf: { args: VariantRequest & { name: string }; event: Progress; result: GgufReport & { id: string } };
  /** Opens a variant that this thread keeps: `assist` answers with it until the thread ends. */
  openAssistant: {
    args: Omit<AssistRequest, 'train'> & { given: TicketsPort | null };
    event: Progress;
    result: { kernel: string; fallbacks: string[] };
  };
  assist: { args: { text: string }; event: { task: TaskName; text: string }; result: Assistance[] };
  /** Opens a variant of a plan, which this thread keeps: `slice` measures with it until the thread ends. */
  openUnit: {
    args: Omit<OpenRequest, 'tickets' | 'validation' | 'train' | 'causes'> & { given: TicketsPort };
    event: UnitProgress;
    result: Pick<OpenUnit, 'kernel' | 'threads' | 'memoryBytes'>;
  };
  slice: { args: { unit: Unit } & Pick<SliceOptions, 'patience' | 'tries'>; event: UnitProgress; result: RunRecord };
  /** Milliseconds of each of `n` short pieces of equal work. */
  pieces: { args: { n: number }; event: never; result: number[] };
};

/** A thread of a calibration. */
export type CalibrateApi = {
  open: {
    args: { checkpoint: CheckpointRef; states: Float32Array<ArrayBuffer>[]; level: Level };
    event: never;
    result: void;
  };
  next: { args: null; event: never; result: LayerStatistics };
  solve: { args: GroupJob; event: never; result: GroupResult };
};

/** A file by its address or its bytes. */
export type FileRef = { kind: 'url'; name: string; url: string } | { kind: 'blob'; name: string; blob: Blob };

/** What an import says on a page; of classes the dataset's summary says enough. */
export type PageReport = Omit<ImportReport, 'classes'>;

/** Which tickets of a dataset a thread wants. */
export interface Wanted {
  tasks: readonly TaskName[];
  /** Test tickets of each task, stratified by cause in an order that the seed gives. */
  limit: number;
  seed: number;
  /** Validation tickets with a cause, at most; absent = none. */
  validation?: number;
  /** Of those with an answer for one of the tasks instead. */
  answered?: boolean;
  /** Whether the training tickets too; a number: so many of them, stratified by cause in an order that the seed gives. */
  train: boolean | number;
}

/** `import`, `generate` and `open` make the thread hold a dataset, for `keep`, `give` and `whole`. */
export type DataApi = {
  preview: { args: FileRef; event: never; result: TablePreview };
  import: {
    args: {
      file: FileRef;
      mapping: Partial<Mapping> | null;
      redact: boolean;
      seed: number;
      causeNames?: Readonly<Record<string, string>>;
      licence?: string | null;
    };
    /** Rows read so far. */
    event: { rows: number };
    result: { dataset: DatasetSummaryRecord; report: PageReport };
  };
  generate: { args: GeneratorOptions; event: never; result: DatasetSummaryRecord };
  /** Takes a dataset from the store. Throws `store.unavailable` where it is gone. */
  open: { args: { hash: string; name: string }; event: never; result: DatasetSummaryRecord };
  /** Writes the dataset into the store. */
  keep: { args: null; event: never; result: void };
  /** Puts tickets into a port, for the thread that gets its other end. */
  give: { args: { port: TicketsPort; wanted: Wanted }; event: never; result: void };
  /** The dataset itself, and what its import said; for the command line. */
  whole: { args: null; event: never; result: { dataset: DatasetRecord; report: ImportReport | null } };
  /** The text of a stored test ticket, counted from 0; null where there are no more. */
  testTicket: { args: { hash: string; nth: number }; event: never; result: string | null };
  exportArchive: { args: null; event: never; result: Blob };
  importArchive: { args: { file: Blob }; event: never; result: { records: number } };
  /** Reads all runs of each plan, and keeps what a list shows of it beside the plan. */
  summarise: { args: { hashes: readonly string[] }; event: { hash: string; summary: PlanSummary }; result: void };
  /** Folds the runs with these ids: those it is told now, and those that this thread was told before. */
  fold: {
    args: { add: readonly RunRecord[]; ids: readonly string[]; plan: FoldOptions };
    event: never;
    result: Folded;
  };
  /** Folds all stored runs of a plan; of the runs themselves it hands back all but their tickets. */
  foldStored: { args: { hash: string }; event: never; result: { folded: Folded; runs: RunHead[] } };
  /** What a stored checkpoint is, from its header alone. */
  describe: { args: Extract<CheckpointRef, { kind: 'stored' }>; event: never; result: ModelConfig };
  /** Copies a checkpoint's files into OPFS, once they are known to be readable. */
  storeCheckpoint: {
    args: { name: string; files: FileRef[] };
    event: { bytes: number; of: number };
    result: CheckpointRef;
  };
  /** Downloads what an engine needs of a Hub repository into OPFS, going on where an earlier try ended; ready-made exports by their names in `exports`. */
  storeHub: {
    args: { repo: string; revision: string; base: string; exports: string[] | null };
    event: DownloadProgress;
    result: CheckpointRef;
  };
};

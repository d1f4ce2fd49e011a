import type { ModelConfig } from '../../checkpoint/config';
import type { GeneratorOptions } from '../../data/generator';
import type { TicketsPort, Wanted } from '../../data/give';
import type { ImportReport, PageReport, Reading, TablePreview } from '../../data/import';
import type { RedactionPreview } from '../../data/redaction-preview';
import type { Hiding } from '../../data/redaction-report';
import type { PlanSummary } from '../../plan/summary';
import type { Folded, FoldOptions } from '../../rank/fold';
import type { DatasetRecord, DatasetSummaryRecord, Mapping } from '../../schema/dataset';
import type { CheckpointRef } from '../../schema/plan';
import type { RunHead, RunRecord } from '../../schema/run';
import type { DownloadProgress } from '../../store/download';

/** A file by its address or its bytes. */
export type FileRef = { kind: 'url'; name: string; url: string } | { kind: 'blob'; name: string; blob: Blob };

/** `import`, `generate` and `open` make the thread hold a dataset, for `keep`, `give` and `whole`. */
export type DataApi = {
  preview: { args: { file: FileRef } & Pick<Reading, 'encoding'>; event: never; result: TablePreview };
  /** What redaction would do to the first rows; nothing is kept. */
  previewRedaction: {
    args: { file: FileRef; mapping: Partial<Mapping> } & Hiding & Pick<Reading, 'encoding'>;
    event: never;
    result: RedactionPreview;
  };
  import: {
    args: {
      file: FileRef;
      mapping: Partial<Mapping> | null;
      redact: boolean;
      seed: number;
      causeNames?: Readonly<Record<string, string>>;
      licence?: string | null;
    } & Hiding &
      Reading;
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

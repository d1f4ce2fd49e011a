import type { MadeBlock } from '../../calibrate/forward';
import type { GroupJob, GroupResult } from '../../compress/group';
import type { LayerStatistics, Collected } from '../../compress/statistics';
import type { CheckpointRef } from '../../schema/plan';

/** A thread of a calibration. */
export type CalibrateApi = {
  open: {
    args: { checkpoint: CheckpointRef; lanes: Float32Array<ArrayBuffer>[][]; level: Collected };
    event: never;
    result: void;
  };
  next: { args: null; event: never; result: LayerStatistics };
  look: { args: { layer: number; lane: number }; event: never; result: LayerStatistics };
  pass: { args: MadeBlock; event: never; result: void };
  solve: { args: GroupJob; event: never; result: GroupResult };
};

import type { TicketsPort } from '../../data/give';
import type { Named } from '../../measure/open';
import type { Templates } from '../../schema/plan';
import type { TaskName } from '../../schema/run';

/** What a call says about the model that it is for. */
export interface VariantRequest extends Named {
  /** Text for recipes that calibrate, or the training tickets of a task; absent or null where there is none. */
  calibration?:
    { texts: string[] } | { tasks: readonly TaskName[]; given: TicketsPort; templates?: Templates | undefined } | null;
}

export interface Progress {
  phase: string;
  done: number;
  of: number;
}

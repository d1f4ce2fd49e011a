import type { CheckpointRef, Templates } from '../../schema/plan';
import type { TaskName } from '../../schema/run';
import type { SamplerAccess } from '../../schema/sampler';
import type { lessonsFrom, SpeedRequest, TrainSpeed } from '../../train/files/speed';
import type { TrainEvent, TrainReport, TrainRequest, TrainTickets } from '../../train/files/train';
import type { BuildEvent, BuildReport } from '../../train/files/build';
import type { TicketsPort } from '../../data/give';

export interface TuneRequest extends TrainRequest {
  checkpoint: CheckpointRef;
  /** Null = as many as there are cores, at most 8. */
  threads: number | null;
  tasks: readonly TaskName[];
  templates?: Templates | undefined;
  /** Training and validation tickets. */
  given: TicketsPort;
  /** Row of the power profile table; null = the guess. */
  profile: string | null;
  /** What counts the joules; null or none = the power profile. */
  sampler?: SamplerAccess | null;
  /** Whether it begins anew although an interrupted run left a state. */
  fresh: boolean;
}

/** With the folder of the export. */
export type TuneReport = TrainReport & { id: string };

/** The threads and the checkpoint of a bench. */
type Timed = Pick<TuneRequest, 'checkpoint' | 'threads'>;

export type TuneApi = {
  tune: { args: TuneRequest; event: TrainEvent; result: TuneReport };
  /** Makes the built-in checkpoint; `fresh` begins anew. */
  build: { args: { threads: number | null; fresh: boolean }; event: BuildEvent; result: BuildReport & { id: string } };
  /** For the bench: times of steps. */
  tuneSpeed: { args: SpeedRequest & Timed; event: TrainEvent; result: TrainSpeed };
  /** Tickets as training takes them. */
  lessons: {
    args: Pick<TuneRequest, 'checkpoint' | 'tasks'> & { tickets: TrainTickets['train']; causes: string[] };
    event: never;
    result: Awaited<ReturnType<typeof lessonsFrom>>;
  };
};

import type { Untold } from '../../meter/firefox/attach';

/** What became of a profile. */
export interface Attached {
  /** Runs that got its joules, for all of their phases and for some. */
  whole: number;
  partly: number;
  untold: Readonly<Record<Untold, number>>;
  /** What was counted, as it stands in the records. */
  source: string;
  /** Hashes of plans whose runs changed. */
  plans: string[];
}

export type AttachApi = {
  /** Stores the joules of a saved profile of Firefox beside the readings of the runs that it holds marks of. */
  attach: { args: { file: File }; event: never; result: Attached };
};

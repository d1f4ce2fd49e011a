import type { Tokenizer } from '../checkpoint/tokenizer';
import type { LayerCache } from '../compress/compress';
import type { Solver } from '../compress/group';
import type { OpenPortions, StatisticsStore } from './calibrate';

/** Threads and places that calibrated recipes work with; opened only where a recipe needs them. */
export interface CalibrationHost {
  openPortions: OpenPortions;
  solver: Solver;
  /** Null keeps nothing beyond this run. */
  statistics: StatisticsStore | null;
  /** Finished layers by the hash of what made them. */
  layers: ((hash: string) => LayerCache) | null;
  /** Null for checkpoints that have no hash. */
  checkpointHash: string | null;
  /** Ends the threads. */
  close: () => void;
}

/** What a calibrated recipe is calibrated on, and with. */
export interface Calibration {
  /** Sequences of token ids, each a multiple of 4 long (prompts.ts). */
  prompts(tokenizer: Tokenizer): number[][];
  open(): Promise<CalibrationHost>;
}

import type { TrainingProgress } from '../../plan/execute';
import type { PlanRecord } from '../../schema/plan';
import type { DatasetSummaryRecord } from '../../schema/dataset';
import type { RunRecord } from '../../schema/run';
import type { ResultSet } from '../results/results';
import { sentence } from '../../texts/sentence';
import type { Series } from '../progress/series';

/** One line of progress, and what is being read and written. */
export interface Progress {
  done: number;
  of: number;
  /** Null before the first unit is measured. */
  secondsLeft: number | null;
  variant: string;
  task: string;
  slice: number;
  phase: string;
  ticket: { index: number; of: number } | null;
  /** Of opening a variant, or of waiting for a quiet device; null while tickets are answered. */
  step: { index: number; of: number } | null;
  /** Of fine-tuning, so far; null while nothing is fine-tuned. */
  training: Training | null;
  text: string | null;
  output: string | null;
  /** Read and written, in this unit; null before its first ticket. */
  tokensPerSecond: number | null;
}

/** How fine-tuning goes: what each step told, and the last figures. */
export interface Training extends TrainingProgress {
  /** [step, mean loss of its answers], and of validation answers, nats a token. */
  losses: readonly (readonly [step: number, loss: number])[];
  validations: readonly (readonly [step: number, loss: number])[];
  /** Of fine-tuning this variant; null before the second step. */
  secondsLeft: number | null;
}

export interface Opened {
  hash: string;
  plan: PlanRecord;
  name: string;
  createdAt: string;
}

/** An experiment to run. */
export interface Start {
  plan: PlanRecord;
  /** Its tickets are stored. */
  dataset: DatasetSummaryRecord;
  name: string;
}

export type Status = 'idle' | 'starting' | 'running' | 'pausing' | 'paused' | 'stopping';

/** What can be asked of the run under way. */
export interface RunControl {
  abort(): void;
  /** Goes on after a pause. */
  resume(): void;
  skip(variant: string): void;
}

/**
 * The plan that runs, or the stored one that is looked at. One at a time in a tab. Here stands what pages show; what
 * runs it (`live-run`) is loaded when there is something to run or to show, so that the first page stays light.
 */
class Live {
  status = $state<Status>('idle');
  /** Why the last run ended early; null where it did not. */
  error = $state<string | null>(null);
  /** How the last run ended, where it ended well or by the user. */
  ended = $state<string | null>(null);
  loading = $state(false);
  /** Finished runs that were kept when the tab was closed; null where none was. */
  returned = $state<number | null>(null);
  /** Seconds of the last run, where it ran from its beginning to its end at once; else null. */
  measuredSeconds: number | null = null;
  opened = $state.raw<Opened | null>(null);
  progress = $state.raw<Progress | null>(null);
  /** Power and energy of the run under way; null before it begins. */
  series = $state.raw<Series | null>(null);
  runs = $state.raw<readonly RunRecord[]>([]);
  /** What the results view shows; null before the first run is finished. */
  results = $state.raw<ResultSet | null>(null);
  control: RunControl | null = null;

  get busy(): boolean {
    return this.status !== 'idle';
  }

  /** Shows a stored experiment. */
  async open(hash: string): Promise<void> {
    if (this.busy) return;
    this.loading = true;
    this.error = null;
    this.ended = null;
    await this.#load(async ({ openStored }) => openStored(hash));
    this.loading = false;
  }

  close(): void {
    if (this.busy) return;
    this.opened = null;
    this.runs = [];
    this.results = null;
    this.error = null;
    this.ended = null;
  }

  /** Goes on with a stored plan: what is finished is not run again. */
  async resume(hash: string): Promise<void> {
    if (this.busy) return;
    this.error = null;
    await this.#load(async ({ startOf }) => this.start(await startOf(hash)));
  }

  /** Runs a plan to its end, or to Stop. Never throws: what fails stands in `error`. */
  async start(what: Start): Promise<void> {
    if (this.busy) return;
    this.status = 'starting';
    this.error = null;
    this.ended = null;
    this.progress = null;
    this.series = null;
    this.measuredSeconds = null;
    await this.#load(({ run }) => run(what));
    this.status = 'idle';
  }

  /** A run under way is not cut: a pause inside it would spoil its energy. */
  pause(): void {
    if (this.status === 'running') this.status = 'pausing';
  }

  continue(): void {
    if (this.status !== 'pausing' && this.status !== 'paused') return;
    this.status = 'running';
    this.control?.resume();
  }

  stop(): void {
    if (!this.busy || this.status === 'starting') return;
    this.status = 'stopping';
    this.control?.abort();
    this.control?.resume();
  }

  /** Leaves out the variant on the screen, even where its run ended just now, and goes on with the others. */
  skip(): void {
    if (this.progress) this.control?.skip(this.progress.variant);
  }

  /** Goes on with the experiment whose tab was closed while it ran, and says what was kept. */
  async goOn(): Promise<void> {
    await this.#load(async ({ leftBehind }) => {
      const left = await leftBehind();
      if (left === null || this.busy) return;
      this.returned = left.kept;
      await this.resume(left.hash);
    });
  }

  async #load(work: (by: typeof import('./live-run')) => Promise<void>): Promise<void> {
    try {
      await work(await import('./live-run'));
    } catch (error) {
      this.error = sentence(error);
    }
  }
}

export const live = new Live();

import type { RunRecord } from '../../schema/run';
import type { Opened, Start } from '../../session/run/stored';
import { sentence } from '../../texts/sentence';
import type { Progress, Status } from '../progress/track';
import type { Series } from '../progress/series';
import type { ResultSet } from '../results/results';

/** What can be asked of the run under way. */
export interface RunControl {
  abort(): void;
  /** Holds up what can be: fine-tuning after its step, else the plan before its next run. */
  pause(): void;
  /** Goes on after a pause. */
  resume(): void;
  skip(variant: string): void;
}

/**
 * The plan that runs, or the stored one that is looked at. One at a time in a tab. Here stands what pages show; what
 * runs it (`live-run`) is loaded when there is something to run or to show, so that the first page stays light.
 */
export class Live {
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
    await this.#load(({ openStored }) => openStored(this, hash));
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
    await this.#load(({ resume }) => resume(this, hash));
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
    await this.#load(({ run }) => run(this, what));
    this.status = 'idle';
  }

  /** A run under way is not cut: a pause inside it would spoil its energy. Fine-tuning stops after the step at hand. */
  pause(): void {
    if (this.status !== 'running') return;
    this.status = 'pausing';
    this.control?.pause();
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
    await this.#load(({ goOn }) => goOn(this));
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

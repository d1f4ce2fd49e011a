import { JoulewiseError, quote } from '../core/errors';
import type { PlanEvent } from '../plan/execute';
import type { Unit } from '../plan/units';
import type { DatasetRecord } from '../schema/dataset';
import type { PlanRecord } from '../schema/plan';
import type { VariantResult } from '../schema/result';
import type { RunRecord } from '../schema/run';
import { RUN } from '../texts/run';
import type { Skips } from './skips';
import { device } from './device.svelte';
import { library } from './library.svelte';
import { expectedPace, secondsLeft, stageBegins, totalOf, unitBegins, unitEnds, type Pace } from './pace';
import { records } from './records';
import { localResults, type ResultSet } from './results';
import { sentence } from './sentence';
import type { Recorder, Series } from './series';

/** Figures that move are redrawn at most this often. */
const REDRAW_MS = 250;

/** One line of progress, and what is being read and written. */
export interface Progress {
  done: number;
  of: number;
  /** Null before the first unit is measured. */
  secondsLeft: number | null;
  variant: string;
  task: string;
  repeat: number;
  phase: string;
  ticket: { index: number; of: number } | null;
  text: string | null;
  output: string | null;
  /** Read and written, in this unit; null before its first ticket. */
  tokensPerSecond: number | null;
}

interface Opened {
  hash: string;
  plan: PlanRecord;
  name: string;
  createdAt: string;
}

interface Failure {
  unit: Unit;
  message: string;
}

export type Status = 'idle' | 'starting' | 'running' | 'pausing' | 'paused' | 'stopping';

/** A run under way, between two redraws. */
interface Pending {
  pace: Pace;
  unit: Unit | null;
  began: number;
  view: Partial<Progress>;
  runs: RunRecord[];
  /** For the chart; null until it is loaded. */
  recorder: Recorder | null;
}

/** The plan that runs, or the stored one that is looked at. One at a time in a tab. */
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
  #skips: Skips | null = null;
  #runs = $state.raw<RunRecord[]>([]);
  #folded = $state.raw<VariantResult[]>([]);
  #failures = $state.raw<Failure[]>([]);
  #abort: AbortController | null = null;
  #resume: (() => void) | null = null;

  get busy(): boolean {
    return this.status !== 'idle';
  }

  get runs(): readonly RunRecord[] {
    return this.#runs;
  }

  /** What the results view shows; null before the first run is finished. */
  get results(): ResultSet | null {
    if (!this.opened || this.#folded.length === 0) return null;
    const { plan, createdAt } = this.opened;
    return localResults(plan, this.#runs, this.#folded, {
      createdAt,
      profileWhy: plan.profile ? RUN.chosenProfile : (device.guess(plan.engine)?.why ?? null),
      failures: this.#failures.map(({ unit, message }) => ({
        what: RUN.failed(unit.variant, unit.task, unit.repeat + 1),
        why: message,
      })),
    });
  }

  /** Shows a stored experiment. */
  async open(hash: string): Promise<void> {
    if (this.busy) return;
    this.loading = true;
    this.error = null;
    this.ended = null;
    try {
      const { getPlan, runsOfPlan } = await records();
      const stored = await getPlan(hash);
      if (!stored) throw new JoulewiseError('store.unavailable', 'This experiment is no longer stored here.');
      this.#runs = await runsOfPlan(hash);
      this.#failures = [];
      await this.#fold();
      this.opened = stored;
    } catch (error) {
      this.error = sentence(error);
    } finally {
      this.loading = false;
    }
  }

  close(): void {
    if (this.busy) return;
    this.opened = null;
    this.#runs = [];
    this.#folded = [];
    this.#failures = [];
    this.error = null;
    this.ended = null;
  }

  /** Goes on with a stored plan: what is finished is not run again. */
  async resume(hash: string): Promise<void> {
    if (this.busy) return;
    this.error = null;
    try {
      const { getDataset, getPlan } = await records();
      const stored = await getPlan(hash);
      if (!stored) throw new JoulewiseError('store.unavailable', 'This experiment is no longer stored here.');
      const dataset = await getDataset(stored.plan.dataset.hash);
      if (!dataset)
        throw new JoulewiseError(
          'store.unavailable',
          `The tickets ${quote(stored.plan.dataset.name)} are no longer stored here. Import them again and run a new experiment.`,
        );
      await this.start({ plan: stored.plan, dataset, name: stored.name });
    } catch (error) {
      this.error = sentence(error);
    }
  }

  /** Runs a plan to its end, or to Stop. Never throws: what fails stands in `error`. */
  async start({ plan, dataset, name }: { plan: PlanRecord; dataset: DatasetRecord; name: string }): Promise<void> {
    if (this.busy) return;
    this.status = 'starting';
    this.error = null;
    this.ended = null;
    this.progress = null;
    this.measuredSeconds = null;
    const abort = new AbortController();
    this.#abort = abort;
    this.series = null;
    const pending: Pending = {
      pace: expectedPace(plan),
      unit: null,
      began: 0,
      view: {},
      runs: [],
      recorder: null,
    };
    let markEnded: (() => void) | null = null;
    let release: (() => Promise<void>) | null = null;
    let timer: ReturnType<typeof setInterval> | null = null;
    const redraw = async () => {
      const { pace, unit, view, recorder } = pending;
      if (unit) {
        const ticket = view.ticket ?? null;
        this.progress = {
          done: pace.done,
          of: totalOf(pace),
          secondsLeft: secondsLeft(pace, ticket ? ticket.index / ticket.of : 0),
          variant: unit.variant,
          task: unit.task,
          repeat: unit.repeat,
          phase: view.phase ?? 'load',
          ticket,
          text: view.text ?? null,
          output: view.output ?? null,
          tokensPerSecond: recorder?.tokensPerSecond ?? null,
        };
        this.series = recorder?.draw(this.progress.phase) ?? null;
      }
      if (pending.runs.length !== this.#runs.length) {
        this.#runs = pending.runs.slice();
        await this.#fold();
      }
    };
    try {
      const [{ Recorder }, { runPlan }, { Skips }, { planHash }, { askToPersist, keepAwake }, mark] = await Promise.all(
        [
          import('./series'),
          import('./run-plan'),
          import('./skips'),
          import('../plan/execute'),
          import('./awake'),
          import('./interrupted'),
        ],
      );
      markEnded = mark.markEnded;
      const started = performance.now();
      pending.recorder = new Recorder(() => (performance.now() - started) / 1000);
      await device.load();
      if (!device.found) throw new JoulewiseError('internal', device.error ?? 'The device could not be looked at.');
      const hash = await planHash(plan);
      this.#runs = [];
      this.#folded = [];
      this.#failures = [];
      const known = await (await records()).getPlan(hash);
      this.opened = { hash, plan, name, createdAt: known?.createdAt ?? new Date().toISOString() };
      void askToPersist();
      release = await keepAwake();
      mark.markRunning(hash);
      timer = setInterval(() => void redraw(), REDRAW_MS);
      this.status = 'running';
      this.#skips = new Skips();
      const outcome = await runPlan({
        plan,
        dataset,
        device: device.found,
        name,
        signal: abort.signal,
        skips: this.#skips,
        onEvent: (event) => this.#take(event, pending),
        gate: () => this.#gate(abort.signal),
      });
      pending.runs = outcome.runs;
      const { seconds } = pending.pace;
      if (seconds.length === outcome.runs.length) this.measuredSeconds = seconds.reduce((a, s) => a + s, 0);
      this.ended = RUN.finished(outcome.runs.length, outcome.failures.length);
    } catch (error) {
      if (error instanceof JoulewiseError && error.code === 'cancelled') this.ended = RUN.stopped;
      else this.error = sentence(error);
    } finally {
      if (timer !== null) clearInterval(timer);
      pending.unit = null;
      await redraw().catch((error: unknown) => (this.error = sentence(error)));
      this.progress = null;
      this.#abort = null;
      this.#resume = null;
      this.#skips = null;
      markEnded?.();
      this.status = 'idle';
      await release?.();
      void library.refresh();
    }
  }

  #take(event: PlanEvent, pending: Pending): void {
    switch (event.type) {
      case 'stage':
        pending.pace = stageBegins(pending.pace, event.stage, event.units);
        return;
      case 'unit':
        pending.pace = unitBegins(pending.pace, event.stage, event.index);
        pending.unit = event.unit;
        pending.began = performance.now();
        pending.view = { phase: 'load', ticket: null };
        pending.recorder?.begin();
        return;
      case 'progress': {
        const { phase, done, of, ticket, output, spent } = event.progress;
        pending.recorder?.progress(phase, spent);
        pending.view =
          phase === 'load' || phase === 'warm-up'
            ? { ...pending.view, phase, ticket: null }
            : { phase, ticket: { index: done, of }, text: ticket ?? null, output: output ?? null };
        return;
      }
      case 'run':
        pending.pace = unitEnds(pending.pace, event.resumed ? null : (performance.now() - pending.began) / 1000);
        pending.runs.push(event.run);
        pending.recorder?.finish(event.run);
        return;
      case 'failed':
        pending.pace = unitEnds(pending.pace, null);
        this.#failures = [...this.#failures, { unit: event.unit, message: event.error.message }];
        return;
      default:
        event satisfies never;
    }
  }

  /** A run under way is not cut: a pause inside it would spoil its energy. */
  pause(): void {
    if (this.status === 'running') this.status = 'pausing';
  }

  continue(): void {
    if (this.status !== 'pausing' && this.status !== 'paused') return;
    this.status = 'running';
    this.#resume?.();
  }

  stop(): void {
    if (!this.busy || this.status === 'starting') return;
    this.status = 'stopping';
    this.#abort?.abort();
    this.#resume?.();
  }

  /** Leaves out the variant on the screen, even where its run ended just now, and goes on with the others. */
  skip(): void {
    if (this.progress) this.#skips?.skip(this.progress.variant);
  }

  /** Goes on with the experiment whose tab was closed while it ran, and says what was kept. */
  async goOn(): Promise<void> {
    const { interrupted, markEnded } = await import('./interrupted');
    const hash = await interrupted();
    if (hash === null || this.busy) return;
    markEnded();
    const kept = (await (await records()).runsOfPlan(hash)).length;
    this.returned = kept;
    await this.resume(hash);
  }

  #gate(signal: AbortSignal): Promise<void> {
    if (this.status !== 'pausing' || signal.aborted) return Promise.resolve();
    this.status = 'paused';
    return new Promise((done) => {
      this.#resume = () => {
        this.#resume = null;
        done();
      };
    });
  }

  /** Statistics are loaded when there is something to fold, not with the page. */
  async #fold(): Promise<void> {
    if (this.#runs.length === 0) {
      this.#folded = [];
      return;
    }
    const { foldRuns } = await import('../rank/fold');
    this.#folded = foldRuns(this.#runs);
  }
}

export const live = new Live();

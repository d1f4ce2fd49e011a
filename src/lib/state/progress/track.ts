import type { PlanEvent, TrainingProgress } from '../../plan/execute';
import type { Unit } from '../../plan/units';
import type { RunRecord } from '../../schema/run';
import { newPace, paceAfter, secondsLeft, totalOf } from './pace';
import { Recorder } from './series';

export type Status = 'idle' | 'starting' | 'running' | 'pausing' | 'paused' | 'stopping';

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
  /** Whether another tab runs an experiment too. */
  others: boolean;
}

/** How fine-tuning goes: what each step told, and the last figures. */
export interface Training extends TrainingProgress {
  /** [step, mean loss of its answers], and of validation answers, nats a token. */
  losses: readonly (readonly [step: number, loss: number])[];
  validations: readonly (readonly [step: number, loss: number])[];
  /** Of fine-tuning this variant; null before the second step. */
  secondsLeft: number | null;
}

export interface Failure {
  unit: Unit;
  message: string;
}

/** A run under way, from its events: what it has come to, between two redraws. */
export class Track {
  runs: RunRecord[] = [];
  failures: readonly Failure[] = [];
  /** Whether another tab runs an experiment too. */
  others = false;
  /** For the chart. */
  readonly recorder: Recorder;
  #pace = newPace();
  #unit: Unit | null = null;
  /** When the unit, or the opening of its variant, began, ms. */
  #began = 0;
  #view: Partial<Progress> = {};
  /** When the first step of the last fine-tuning was done, ms. */
  #trained = 0;
  /** Since when fine-tuning is held up, ms; null where it is not. */
  #paused: number | null = null;
  /** How long it was held up while the variant was opened, ms. */
  #held = 0;

  /** @param now ms */
  constructor(private readonly now: () => number) {
    const started = now();
    this.recorder = new Recorder(() => (now() - started) / 1000);
  }

  /** Whether the first unit, or the opening of its variant, began. */
  get underWay(): boolean {
    return this.#unit !== null;
  }

  /** Seconds of each unit that was measured. */
  get seconds(): readonly number[] {
    return this.#pace.seconds;
  }

  /** Null before anything began. */
  get progress(): Progress | null {
    const [unit, view] = [this.#unit, this.#view];
    if (!unit) return null;
    const ticket = view.ticket ?? null;
    return {
      done: this.#pace.done,
      of: totalOf(this.#pace),
      secondsLeft: sum(secondsLeft(this.#pace, ticket ? ticket.index / ticket.of : 0), view.training?.secondsLeft),
      variant: unit.variant,
      task: unit.task,
      slice: unit.slice,
      phase: view.phase ?? 'load',
      ticket,
      step: view.step ?? null,
      training: view.training ?? null,
      text: view.text ?? null,
      output: view.output ?? null,
      tokensPerSecond: this.recorder.tokensPerSecond,
      others: this.others,
    };
  }

  take(given: PlanEvent): void {
    const event = given.type === 'opened' ? { ...given, seconds: given.seconds - this.#held / 1000 } : given;
    const took = (this.now() - this.#began) / 1000;
    this.#pace = paceAfter(this.#pace, event, event.type === 'run' && !event.resumed ? took : null);
    switch (event.type) {
      case 'planned':
        return;
      case 'opening':
        this.#begin({ ...firstUnit(event.member), ...this.#unit, ...event.member }, 'load');
        return;
      case 'opened':
        return;
      case 'unit':
        this.#begin(event.unit, 'wait');
        return;
      case 'progress': {
        const { phase, done, of, ticket, output, spent, training, paused } = event.progress;
        if (paused) {
          this.#paused = this.now();
          return;
        }
        // What was held up is no part of its pace.
        if (this.#paused !== null) this.#goOn(this.now() - this.#paused);
        this.recorder.progress(phase, spent);
        if (phase === 'train' && training?.loss != null && !this.#view.training?.losses.length)
          this.#trained = this.now();
        this.#view = UNTICKETED.has(phase)
          ? {
              ...this.#view,
              phase,
              ticket: null,
              step: { index: done, of },
              training: this.#trainingAfter(training, done, of),
            }
          : { phase, ticket: { index: done, of }, text: ticket ?? null, output: output ?? null };
        return;
      }
      case 'run': {
        // Measured again, a slice takes the place of what was disturbed.
        const at = this.runs.findIndex(({ id }) => id === event.run.id);
        if (at < 0) this.runs.push(event.run);
        else this.runs = this.runs.with(at, event.run);
        this.recorder.finish(event.run);
        return;
      }
      case 'failed':
        this.failures = [...this.failures, { unit: event.unit, message: event.error.message }];
        return;
      case 'stopped':
        return;
      default:
        event satisfies never;
    }
  }

  /** Fine-tuning goes on after so many milliseconds. */
  #goOn(held: number): void {
    this.#trained += held;
    this.#held += held;
    this.#paused = null;
  }

  #begin(unit: Unit, phase: string): void {
    [this.#paused, this.#held] = [null, 0];
    this.#unit = unit;
    this.#began = this.now();
    this.#view = { phase, ticket: null };
    this.recorder.begin();
  }

  /** What fine-tuning told up to now; null where it tells nothing. */
  #trainingAfter(now: TrainingProgress | undefined, done: number, of: number): Training | null {
    if (!now) return null;
    const before = this.#view.training;
    const { losses = [], validations = [] } = before ?? {};
    const [first] = losses;
    const seconds = (this.now() - this.#trained) / 1000;
    // From the first step that this run saw: one that went on where another ended saw fewer.
    const left = first && done > first[0] ? ((of - done) * seconds) / (done - first[0]) : null;
    if (now.validation !== null)
      return { ...(before ?? now), losses, validations: [...validations, [done, now.validation]], secondsLeft: left };
    return {
      ...now,
      losses: now.loss === null ? losses : [...losses, [done, now.loss]],
      validations,
      secondsLeft: left,
    };
  }
}

/** With what fine-tuning still takes, which no pace of runs tells. */
const sum = (left: number | null, training: number | null | undefined) =>
  left === null && training == null ? null : (left ?? 0) + (training ?? 0);

/** Phases in which no ticket is answered. */
const UNTICKETED: ReadonlySet<string> = new Set([
  'load',
  'calibrate',
  'train',
  'blend',
  'check',
  'threads',
  'warm-up',
  'wait',
]);

/** What is shown while the first variant is opened. */
const firstUnit = (member: Pick<Unit, 'variant' | 'stage'>): Unit => ({
  ...member,
  task: 'rca',
  slice: 0,
  block: 0,
  anchor: false,
  part: 'test',
  engine: 'cpu',
});

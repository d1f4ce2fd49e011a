import { JoulewiseError } from '../core/errors';
import { mean } from '../core/stats';
import type { Arithmetic } from '../gradient/frozen';
import type { Pass, PassResult } from '../gradient/pass';
import { STEP_ENGINES } from '../schema/engines';
import { batchAt, countOf, labelsOf, passesOf, PASS_ROWS, withDropout, type Example } from './examples';
import { adamStep, ADAMW, clipScale, newAdamW, normOf, schedule, type AdamW, type AdamWOptions } from './optimizer';

/** What computes losses and gradients: threads of the processor, or a graph on a GPU. */
export interface TuneEngine {
  /** Losses of passes with these numbers for what is trained. */
  losses(passes: readonly Pass[], numbers: Float32Array<ArrayBuffer>): Promise<PassResult[]>;
  /** Losses of passes, and the gradient of `factor` times their sum, added up in the passes' order. */
  gradients(
    passes: readonly Pass[],
    factor: number,
    numbers: Float32Array<ArrayBuffer>,
  ): Promise<{ results: PassResult[]; gradient: Float32Array<ArrayBuffer> }>;
  /** Where an engine steps by itself, from numbers that it keeps; absent = the trainer steps, from gradients. */
  held?: HeldState;
}

/** Numbers of a training, without what the trainer counts and judges. */
export type Numbers = Pick<TuneState, 'numbers' | 'optimizer'>;

/** What is trained and the optimizer's moments, kept where an engine computes, as in a GPU's memory. */
export interface HeldState {
  /** Takes other ones. */
  load(state: Numbers): Promise<void>;
  losses(passes: readonly Pass[]): Promise<PassResult[]>;
  /**
   * One step of AdamW (optimizer.ts) along the gradient of `factor` times the passes' losses, which is clipped to the norm
   * `clip`; `norm` is what it was before. Where a loss or the norm is no number, all stays as it was.
   */
  step(
    passes: readonly Pass[],
    factor: number,
    o: AdamWOptions & Pick<TuneOptions, 'lr' | 'clip'>,
  ): Promise<{ results: PassResult[]; norm: number }>;
  /** Copies of what is kept. */
  read(): Promise<Numbers>;
}

/** What computes the steps of a training, by its name (schema/engines.ts); the first where nobody chose. */
export const TUNE_ENGINES = ['cpu', ...STEP_ENGINES] as const;
export type TuneEngineName = (typeof TUNE_ENGINES)[number];

/** What can be asked of an engine (gradient/frozen.ts). */
export const ARITHMETICS = ['int8', 'fp32'] as const satisfies readonly Arithmetic[];

export interface TuneOptions extends AdamWOptions {
  steps: number;
  /** Examples a step. */
  batch: number;
  lr: number;
  /** Steps of linear warm-up. */
  warmup: number;
  /** Share of the rate that is left at the end. */
  floor: number;
  /** Rows of a pass, at most, unless one example alone has more: it bounds memory, and is shared out over threads. */
  rows: number;
  /** Largest norm of a gradient; null = unbounded. */
  clip: number | null;
  seed: number;
  /**
   * Share of what an adapter reads that is left out of each training pass and of no evaluation (PEFT's `lora_dropout`), from
   * 0 to below 1; absent = 0.
   */
  dropout?: number | undefined;
  /** Steps between two evaluations on validation examples, which also keep the best numbers; 0 = at the beginning and the end alone. */
  evaluateEvery: number;
  /** Evaluations without a better one after which it stops; null = never. */
  patience: number | null;
  /** Ends where either is spent; null = no such bound. */
  seconds: number | null;
  joules: number | null;
}

export const TUNE: TuneOptions = {
  ...ADAMW,
  steps: 200,
  batch: 8,
  lr: 1e-3,
  warmup: 10,
  floor: 0,
  rows: PASS_ROWS,
  clip: 1,
  seed: 1,
  evaluateEvery: 50,
  patience: null,
  seconds: null,
  joules: null,
};

/** Peak of the rate where all weights are trained, unless another is asked for: weights that know something are moved less than a new adapter. */
export const FULL_RATE = 2e-4;

/** One step of the log. */
export interface TuneStep {
  step: number;
  /** Mean over answer tokens of the whole batch, nats, each as much as it counts. */
  loss: number;
  /** Of the gradient before clipping. */
  norm: number;
  lr: number;
  ms: number;
  /** Since the beginning, this run and those before it; null where it cannot be told. */
  joules: number | null;
  /** Computed: a beginning that examples share counts once. */
  tokens: number;
  /** Answer tokens; where tokens count differently, what they count in all. */
  labels: number;
}

export interface TuneEvaluation {
  /** Steps taken before it. */
  step: number;
  /** Mean over answer tokens of all validation examples, nats. */
  loss: number;
}

/** All that a run is, between two steps: it goes on from here bit for bit. */
export interface TuneState {
  /** Steps taken. */
  step: number;
  /** What is trained: an adapter's numbers, or all weights, as their layout has them. */
  numbers: Float32Array<ArrayBuffer>;
  optimizer: AdamW;
  /** Before the first evaluation it is null. */
  best: { numbers: Float32Array<ArrayBuffer>; loss: number; step: number } | null;
  /** Evaluations since the best one. */
  waited: number;
  steps: readonly TuneStep[];
  evaluations: readonly TuneEvaluation[];
}

/** Why it ended. */
export type TuneEnd = 'steps' | 'patience' | 'seconds' | 'joules' | 'stopped' | 'diverged';

export interface TuneResult {
  /** The best by validation loss, or the last where nothing was evaluated. */
  numbers: Float32Array<ArrayBuffer>;
  /** Steps after which it stood. */
  at: number;
  end: TuneEnd;
  state: TuneState;
}

export interface TuneHost {
  engine: TuneEngine;
  train: readonly Example[];
  /** Passes of a step (from 0), where they are not those of `train` in an order that the seed gives. */
  passesAt?: (step: number) => readonly Pass[];
  /** Ranges of the numbers that weight decay leaves alone; absent = none. */
  undecayed?: readonly (readonly [from: number, to: number])[];
  validation: readonly Example[];
  /** Joules since `tune` was called; null where they cannot be told. */
  joules: () => number | null | Promise<number | null>;
  now: () => number;
  /** Called between steps; what it awaits is a pause. The state costs a copy where an engine keeps it. */
  onStep?: (step: TuneStep, state: () => Promise<TuneState>) => Promise<void> | void;
  /** Resolves at once, or when a pause between two steps is over; its time counts in no budget. */
  gate?: () => Promise<void>;
  onEvaluation?: (evaluation: TuneEvaluation) => void;
  signal?: AbortSignal | undefined;
}

export const startTuning = (numbers: Float32Array<ArrayBuffer>): TuneState => ({
  step: 0,
  numbers,
  optimizer: newAdamW(numbers.length),
  best: null,
  waited: 0,
  steps: [],
  evaluations: [],
});

/** Refuses what cannot be trained on. Throws `input.empty`. */
export function checkExamples(train: readonly Example[], batch: number): void {
  if (train.length < batch)
    throw new JoulewiseError(
      'input.empty',
      `There are ${train.length} training examples, fewer than the ${batch} of one step. Import more tickets, or take a smaller batch.`,
    );
  if (train.some((example) => labelsOf(example) < 1 || example.answer < 1))
    throw new JoulewiseError('internal', 'An example has no answer, or nothing before it.');
}

/** Refuses shares of dropout that leave nothing, or are none. Throws `option.invalid`. */
export function checkDropout(share: number): void {
  if (!(share >= 0 && share < 1))
    throw new JoulewiseError(
      'option.invalid',
      `Dropout is the share of an adapter's inputs that is left out, from 0 to below 1; it is ${share}. Take 0.05 or 0.1, or 0 for none.`,
    );
}

/** Passes of step `step` (from 0), as they are trained. */
function passesAt({ passesAt: given, train }: TuneHost, o: TuneOptions, step: number): readonly Pass[] {
  const passes =
    given?.(step) ??
    passesOf(
      batchAt(train.length, o.batch, step, o.seed).map((i) => train[i] as Example),
      o.rows,
    );
  return withDropout(passes, o.dropout ?? 0, o.seed, step);
}

/** Mean loss over answer tokens, nats; null without examples. */
export async function meanLoss(
  losses: (passes: readonly Pass[]) => Promise<PassResult[]>,
  examples: readonly Example[],
  rows = PASS_ROWS,
): Promise<number | null> {
  if (examples.length === 0) return null;
  const results = await losses(passesOf(examples, rows));
  return results.reduce((n, r) => n + r.loss, 0) / results.reduce((n, r) => n + r.labels, 0);
}

/** What the loop asks for, whoever keeps the numbers. */
type Stepping = Pick<HeldState, 'losses' | 'step' | 'read'>;

/** The trainer's own steps, from an engine's gradients. Changes what it is given. */
function ownSteps(
  engine: TuneEngine,
  { numbers, optimizer }: Numbers,
  undecayed: NonNullable<TuneHost['undecayed']>,
): Stepping {
  return {
    losses: (passes) => engine.losses(passes, numbers),
    async step(passes, factor, { clip, ...o }) {
      const { results, gradient } = await engine.gradients(passes, factor, numbers);
      const norm = normOf(gradient);
      if (Number.isFinite(norm) && results.every(({ loss }) => Number.isFinite(loss)))
        adamStep(optimizer, numbers, gradient, { ...o, scale: clipScale(norm, clip), undecayed });
      return { results, norm };
    },
    read: () => Promise.resolve({ numbers, optimizer }),
  };
}

/** Whoever takes the steps, with the numbers of `from`, which stay as they are. */
async function steppingFrom(
  { engine, undecayed = [] }: TuneHost,
  { numbers, optimizer }: TuneState,
  dropout: number,
): Promise<Stepping> {
  const own: Numbers = {
    numbers: numbers.slice(),
    optimizer: { first: optimizer.first.slice(), second: optimizer.second.slice(), taken: optimizer.taken },
  };
  if (!engine.held) return ownSteps(engine, own, undecayed);
  if (dropout > 0)
    throw new JoulewiseError(
      'option.invalid',
      'Dropout is trained on the engine "cpu" alone. Leave --dropout or --engine away.',
    );
  if (undecayed.length > 0)
    throw new JoulewiseError('internal', 'An engine that steps by itself takes no numbers without weight decay.');
  await engine.held.load(own);
  return engine.held;
}

/**
 * Trains, from a new state or from where an earlier run ended. A loss or a gradient that is no number ends it as `diverged`,
 * with the last good numbers. Never changes `from`.
 */
export async function tune(host: TuneHost, o: TuneOptions, from: TuneState): Promise<TuneResult> {
  const { train, validation } = host;
  if (!host.passesAt) checkExamples(train, o.batch);
  checkDropout(o.dropout ?? 0);
  const began = host.now();
  let paused = 0;
  const joulesBefore = from.steps.at(-1)?.joules ?? 0;
  const secondsBefore = from.steps.reduce((n, { ms }) => n + ms / 1000, 0);
  const stepping = await steppingFrom(host, from, o.dropout ?? 0);
  let { step, best, waited } = from;
  const steps = [...from.steps];
  const evaluations = [...from.evaluations];
  const stateNow = async (): Promise<TuneState> => ({
    step,
    ...(await stepping.read()),
    best,
    waited,
    steps,
    evaluations,
  });
  let end: TuneEnd | null = null;

  const evaluate = async () => {
    if (evaluations.at(-1)?.step === step) return;
    const loss = await meanLoss((passes) => stepping.losses(passes), validation, o.rows);
    if (loss === null) return;
    evaluations.push({ step, loss });
    host.onEvaluation?.({ step, loss });
    if (best === null || loss < best.loss)
      [best, waited] = [{ numbers: (await stepping.read()).numbers.slice(), loss, step }, 0];
    else waited++;
    if (o.patience !== null && waited >= o.patience) end ??= 'patience';
  };

  // What was not trained yet is a candidate too: training may make it worse.
  if (step === 0) await evaluate();
  while (end === null && step < o.steps) {
    const start = host.now();
    const passes = passesAt(host, o, step);
    const labels = passes.reduce((n, pass) => n + countOf(pass), 0);
    const lr = o.lr * schedule(step, o.steps, o.warmup, o.floor);
    const { results, norm } = await stepping.step(passes, 1 / labels, { ...o, lr });
    const loss = results.reduce((n, r) => n + r.loss, 0) / labels;
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      end = 'diverged';
      break;
    }
    step++;
    const spent = await host.joules();
    const joules = spent === null ? null : joulesBefore + spent;
    const tokens = passes.reduce((n, { ids }) => n + ids.length, 0);
    const taken: TuneStep = { step, loss, norm, lr, ms: host.now() - start, joules, tokens, labels };
    steps.push(taken);
    if (o.evaluateEvery > 0 && step % o.evaluateEvery === 0) await evaluate();
    if (o.joules !== null && joules !== null && joules >= o.joules) end ??= 'joules';
    if (o.seconds !== null && secondsBefore + (host.now() - began - paused) / 1000 >= o.seconds) end ??= 'seconds';
    await host.onStep?.(taken, stateNow);
    const held = host.now();
    await host.gate?.();
    paused += host.now() - held;
    if (host.signal?.aborted) end ??= 'stopped';
  }
  if (end !== 'diverged' && end !== 'stopped') await evaluate();
  const chosen = best;
  const state = await stateNow();
  return {
    numbers: chosen?.numbers ?? state.numbers,
    at: chosen?.step ?? step,
    end: end ?? 'steps',
    state,
  };
}

/** Tokens a second of the last steps; null before the first. */
export function tokensPerSecond(steps: readonly TuneStep[], last = 10): number | null {
  const some = steps.slice(-last);
  return some.length === 0 ? null : (1000 * mean(some.map(({ tokens }) => tokens))) / mean(some.map(({ ms }) => ms));
}

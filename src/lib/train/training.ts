import type { Checkpoint } from '../checkpoint/checkpoint';
import type { ModelConfig } from '../checkpoint/config';
import { createTokenizer } from '../checkpoint/tokenizer';
import { totalBytes } from '../core/cost';
import { JoulewiseError, quote } from '../core/errors';
import { bytes, operations } from '../core/units';
import type { Task } from '../data/tasks';
import { arithmeticOf, freeze, type Arithmetic, type Frozen, type ModelShape } from '../gradient/frozen';
import { fullThreadsThatFit, threadsThatFit } from '../gradient/size';
import { passCost } from '../gradient/work';
import type { Meter } from '../meter/meter';
import { mainReadings } from '../meter/readings';
import type { Reading } from '../schema/run';
import { LORA, type LoraOptions } from '../tune/lora';
import type { AdamWOptions } from '../tune/optimizer';
import { examplesOf } from '../tune/tickets';
import { beginning, layoutOfAsked, undecayedOf, type TrainedLayout } from '../tune/trained';
import {
  startTuning,
  tune,
  type HeldState,
  type TuneEngine,
  type TuneEvaluation,
  TUNE,
  type TuneOptions,
  type TuneResult,
  type TuneState,
  type TuneStep,
} from '../tune/trainer';
import {
  compressVariant,
  formatRecipe,
  type Calibration,
  type CompressVariantOptions,
  type Recipe,
} from '../variant/compress';

/** What it is trained on: as `Task.target` and `Task.messages` want it. */
export interface TrainTickets {
  tasks: readonly Task[];
  train: Parameters<Task['target']>[0][];
  validation: Parameters<Task['target']>[0][];
  causes: readonly string[];
}

export type TrainEvent =
  | { phase: 'load' | 'calibrate'; done: number; of: number }
  | { step: TuneStep; of: number }
  | { evaluation: TuneEvaluation };

/** An engine that takes whole steps by itself, all in float32, from a model's weights as a recipe stores them. */
export interface StepEngine {
  /** Throws `recipe.impossible` or `engine.memory` for what it does not train, before a weight is read. */
  check(config: ModelConfig, recipe: Recipe, asked: Asked & Pick<TuneOptions, 'rows'>): void;
  /** `kernel` says what computes. */
  open(
    model: Frozen,
    layout: TrainedLayout,
    options: AdamWOptions,
  ): Promise<TuneEngine & { kernel: string; threads: number; end(): void }>;
}

/** What training takes of this device. */
export interface TrainingHost {
  meter: Meter;
  /** A model's weights need not come where all of them are trained. */
  openThreads(
    model: Frozen | ModelShape,
    layout: TrainedLayout,
    arithmetic: Arithmetic,
    threads: number,
  ): Promise<TuneEngine & { end(): void }>;
  /** Threads that are asked for, and the device's memory as the browser tells it; null where it does not. */
  threads: number;
  memoryGiB: number | null;
  /** What takes the steps instead of threads that give gradients; null or none = threads. */
  graphs?: StepEngine | null;
  /** For recipes that calibrate; null or none = nowhere. */
  calibration?: Calibration | null;
  /** What a recipe's budget counts with. */
  target?: CompressVariantOptions['target'];
  emit: (event: TrainEvent) => void;
  /** Where an earlier run of the same training ended; null or none = it begins. */
  resume?: ((size: number) => TuneState | null) | null;
  /** Told between steps, which wait for it. */
  onState?: (state: () => Promise<TuneState>) => Promise<void>;
  /** Between two steps: resolves at once, or when a pause is over. */
  gate?: () => Promise<void>;
  signal: AbortSignal;
}

/** Answers of tickets as they are learnt, and how many were left out. */
export interface Lessons {
  learning: ReturnType<typeof examplesOf>['examples'];
  checking: ReturnType<typeof examplesOf>['examples'];
  /** Training answers that do not fit into the model's context. */
  tooLong: number;
}

/** Throws `input.empty` where tickets have no answers to learn, or all the same. */
export function lessonsOf(checkpoint: Checkpoint, tickets: TrainTickets): Lessons {
  const choosing = tickets.tasks.find(({ scored }) => scored === 'labels');
  if (choosing && new Set(tickets.train.flatMap((t) => choosing.target(t) ?? [])).size === 1)
    throw new JoulewiseError(
      'input.empty',
      `All training tickets have the same answer for ${choosing.title.toLowerCase()}, so there is nothing to tell apart. Map another column, or import tickets of more causes.`,
    );
  const { config } = checkpoint;
  const tokenizer = createTokenizer(checkpoint.tokenizer);
  const make = (some: TrainTickets['train']) =>
    examplesOf(tokenizer, config.eosTokenIds, tickets.tasks, some, tickets.causes, config.maxPositions);
  const [{ examples: learning, tooLong }, { examples: checking }] = [make(tickets.train), make(tickets.validation)];
  if (learning.length === 0)
    throw new JoulewiseError(
      'input.empty',
      tooLong > 0
        ? `All ${tooLong} training answers are longer with their prompt than the ${config.maxPositions} tokens that the model reads. Choose a model with a longer context, or shorter tickets.`
        : 'None of the training tickets has an answer for this task. Map a column to it.',
    );
  return { learning, checking, tooLong };
}

/** What was trained, and how it came about. */
export interface Trained extends TuneResult {
  layout: TrainedLayout;
  /** Of the model that it belongs to. */
  shape: Pick<Frozen, 'config' | 'ffnSizes'>;
  threads: number;
  /** How products with frozen weights were computed. */
  arithmetic: Arithmetic;
  /** What computed the steps, in words. */
  kernel: string;
}

/** What the threads compute with. */
const OWN_KERNELS = 'losses and gradients by threads of the processor (own WASM kernels)';

const NOTHING = { bytes: bytes(0), operations: operations(0), tokens: null };

/** Throws `recipe.impossible` where a checkpoint comes with adapters already: one more would be trained beside other weights. */
export function checkPlain({ adapted, named }: Checkpoint): void {
  if (adapted || Object.keys(named).length > 0)
    throw new JoulewiseError(
      'recipe.impossible',
      'This checkpoint comes with an adapter already, and one more would be merged without it. Merge that one first (compress --variant fp32), or train on the checkpoint alone.',
    );
}

/** Reads and compresses the model as a run of this recipe would, and keeps its weights as they are stored. */
async function frozenOf(checkpoint: Checkpoint, recipe: Recipe, host: TrainingHost): Promise<Frozen> {
  const { emit, meter, signal } = host;
  const { model, close } = await compressVariant(checkpoint, recipe, {
    inPhase: (phase, work) => meter.window(phase, NOTHING, work),
    calibration: host.calibration ?? null,
    target: host.target ?? null,
    onCalibrated: (done, of) => emit({ phase: 'calibrate', done, of }),
    signal,
  });
  try {
    return await meter.window('load', NOTHING, () =>
      freeze(model, (done, of) => {
        if (signal.aborted) throw new JoulewiseError('cancelled', 'Stopped before training began.');
        emit({ phase: 'load', done, of });
      }),
    );
  } finally {
    close();
  }
}

/** An engine whose losses and gradients are metered: judging what is trained on validation answers is part of training it. */
export function metered(
  engine: TuneEngine,
  model: Frozen | ModelShape,
  layout: TrainedLayout,
  arithmetic: Arithmetic,
  meter: Meter,
): TuneEngine {
  const workOf = (passes: Parameters<TuneEngine['losses']>[0], back: boolean) => {
    const costs = passes.map((pass) => passCost(model, layout, pass, { back, arithmetic }));
    return {
      bytes: bytes(costs.reduce((n, c) => n + totalBytes(c), 0)),
      operations: operations(costs.reduce((n, c) => n + c.operations, 0)),
      tokens: passes.reduce((n, { ids }) => n + ids.length, 0),
    };
  };
  const meteredState = (held: HeldState): HeldState => ({
    load: (state) => held.load(state),
    read: () => held.read(),
    losses: (passes) => meter.window('train', workOf(passes, false), () => held.losses(passes)),
    step: (passes, factor, o) => meter.window('train', workOf(passes, true), () => held.step(passes, factor, o)),
  });
  return {
    losses: (passes, numbers) => meter.window('train', workOf(passes, false), () => engine.losses(passes, numbers)),
    gradients: (passes, factor, numbers) =>
      meter.window('train', workOf(passes, true), () => engine.gradients(passes, factor, numbers)),
    ...(engine.held ? { held: meteredState(engine.held) } : {}),
  };
}

/** The arithmetic that is asked for, or the faster one. Throws `recipe.impossible` where these weights do not allow it. */
function arithmeticFor(frozen: Frozen, recipe: Recipe, { lora, arithmetic: asked = null }: Asked): Arithmetic {
  const best = arithmeticOf(frozen);
  if (asked === 'int8' && best !== 'int8')
    throw new JoulewiseError(
      'recipe.impossible',
      `Arithmetic of int8 needs weights of 8 or 4 bits, and ${quote(formatRecipe(recipe))} has others. Train in fp32, or over int8 or int4.`,
    );
  return lora === null ? 'fp32' : (asked ?? best);
}

/** Milliseconds between two questions to a counter: what a step took is known as soon, and costs the run nothing to speak of. */
const ASKED_MS = 1000;

/**
 * Joules of training so far: a counter's, as many a second as it told where it lags or fell silent, so that a budget ends
 * all the same; where none tells, what work and time are priced at.
 */
function joulesBy(meter: Meter) {
  let asked = -Infinity;
  return async () => {
    if (performance.now() - asked >= ASKED_MS) {
      await meter.settle();
      asked = performance.now();
    }
    const train = (readings: readonly Reading[]) => mainReadings(readings).find(({ phase }) => phase === 'train');
    const [counted, all] = [train(meter.settled()), train(meter.peek())];
    if (!counted?.joules || !all) return all?.joules?.mid ?? null;
    return (counted.joules.mid * all.seconds) / counted.seconds;
  };
}

/** What is to be trained. */
interface Asked {
  /** Null = all weights, in float32. */
  lora: LoraOptions | null;
  arithmetic?: Arithmetic | null;
  /** What of the optimizer a graph of steps is built with; none = the usual. */
  adamw?: AdamWOptions;
}

/** A model, open in threads that compute losses and gradients of what is trained of it. */
interface OpenTraining extends Pick<Trained, 'layout' | 'shape' | 'threads' | 'arithmetic' | 'kernel'> {
  /** Metered; `end` frees the threads. */
  engine: TuneEngine & { end(): void };
  /** What training begins with, by its seed. */
  begin: (seed: number) => ReturnType<typeof beginning>;
}

/** Reads and compresses the model and opens the threads. Throws what reading and compressing throw, `engine.memory`, `option.invalid`. */
export async function openTraining(
  checkpoint: Checkpoint,
  recipe: Recipe,
  asked: Asked & Pick<TuneOptions, 'rows'>,
  host: TrainingHost,
): Promise<OpenTraining> {
  // Said before a weight is read; what pruning leaves needs less.
  const threads = host.graphs ? null : threadsFor(checkpoint.config, recipe, asked, host);
  host.graphs?.check(checkpoint.config, recipe, asked);
  const frozen = await frozenOf(checkpoint, recipe, host);
  const { config, ffnSizes } = frozen;
  const layout = layoutOfAsked(config, ffnSizes, asked.lora);
  const arithmetic = host.graphs ? 'fp32' : arithmeticFor(frozen, recipe, asked);
  const model = layout.kind === 'full' ? { config, ffnSizes } : frozen;
  const opened = host.graphs
    ? await host.graphs.open(frozen, layout, asked.adamw ?? TUNE)
    : {
        kernel: OWN_KERNELS,
        threads: threads as number,
        ...(await host.openThreads(model, layout, arithmetic, threads as number)),
      };
  return {
    engine: { ...metered(opened, model, layout, arithmetic, host.meter), end: () => opened.end() },
    begin: (seed) => beginning(frozen, layout, seed),
    layout,
    shape: { config, ffnSizes },
    threads: opened.threads,
    arithmetic,
    kernel: opened.kernel,
  };
}

/** Threads that memory holds, at most those asked for. Throws `engine.memory`. */
function threadsFor(
  config: ModelConfig,
  { precision }: Recipe,
  asked: Asked & Pick<TuneOptions, 'rows'>,
  host: TrainingHost,
) {
  const room = { rows: asked.rows, rank: (asked.lora ?? LORA).rank, memoryGiB: host.memoryGiB };
  return asked.lora
    ? threadsThatFit(host.threads, config, precision, room)
    : fullThreadsThatFit(host.threads, config, room);
}

/**
 * Trains an adapter over the frozen weights of a recipe, or all weights. Ends as `tune` does; throws what `openTraining`
 * throws.
 */
export async function trainWeights(
  checkpoint: Checkpoint,
  recipe: Recipe,
  asked: Asked & { options: TuneOptions },
  { learning, checking }: Lessons,
  host: TrainingHost,
): Promise<Trained> {
  const { meter, emit, signal } = host;
  const { options } = asked;
  const { engine, layout, begin, ...opened } = await openTraining(
    checkpoint,
    recipe,
    { ...asked, rows: options.rows, adamw: options },
    host,
  );
  try {
    const result = await tune(
      {
        engine,
        train: learning,
        validation: checking,
        undecayed: undecayedOf(layout),
        joules: joulesBy(meter),
        now: () => performance.now(),
        onStep: async (step, state) => {
          emit({ step, of: options.steps });
          await host.onState?.(state);
        },
        gate: () => host.gate?.() ?? Promise.resolve(),
        onEvaluation: (evaluation) => emit({ evaluation }),
        signal,
      },
      options,
      host.resume?.(layout.size) ?? startTuning(begin(options.seed)),
    );
    return { ...result, ...opened, layout };
  } finally {
    engine.end();
  }
}

import { ADAPTER_FILES } from '../checkpoint/adapter';
import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint';
import { bytesSource, type FileSet } from '../checkpoint/source';
import { createTokenizer } from '../checkpoint/tokenizer';
import { totalBytes } from '../core/cost';
import { JoulewiseError, quote } from '../core/errors';
import { bytes, flops } from '../core/units';
import type { Task } from '../data/tasks';
import type { ExportTarget } from '../export/onnx';
import { writeWeights } from '../export/safetensors';
import { arithmeticOf, freeze, type Arithmetic, type Frozen } from '../gradient/frozen';
import { passCost } from '../gradient/work';
import type { Meter } from '../meter/meter';
import { mainReadings } from '../meter/readings';
import { loraLayout, newAdapter, type LoraLayout, type LoraOptions } from '../tune/lora';
import { toPeft } from '../tune/peft';
import { examplesOf } from '../tune/tickets';
import {
  startTuning,
  tune,
  type TuneEnd,
  type TuneEngine,
  type TuneEvaluation,
  type TuneOptions,
  type TuneStep,
} from '../tune/trainer';
import { compressVariant, parseRecipe } from '../variant/compress';
import { staysApart } from '../variant/panels';

/** What is trained: plain data. */
export interface TrainRequest {
  /** Name of the model that the adapter says it belongs to. */
  name: string;
  recipe: string;
  lora: LoraOptions;
  options: TuneOptions;
  /** How products with frozen weights are computed; null = the faster way for how they are stored. */
  arithmetic: Arithmetic | null;
  /** Whether the whole model is written too, the adapter merged into its float32 weights. */
  merged: boolean;
}

/** What it is trained on: as `Task.target` and `Task.messages` want it. */
export interface TrainTickets {
  tasks: readonly Task[];
  train: Parameters<Task['target']>[0][];
  validation: Parameters<Task['target']>[0][];
  causes: readonly string[];
}

export interface TrainReport {
  end: TuneEnd;
  /** Steps after which the adapter stood. */
  at: number;
  steps: readonly TuneStep[];
  evaluations: readonly TuneEvaluation[];
  /** Mean loss of validation answers before the first step, nats a token; null without validation tickets. */
  untuned: number | null;
  /** `tooLong`: training answers that do not fit into the model's context, left out. */
  examples: { train: number; validation: number; tooLong: number };
  parameters: number;
  threads: number;
  /** How products with frozen weights were computed. */
  arithmetic: Arithmetic;
  /** Time, work and joules by phase and source. */
  readings: Awaited<ReturnType<Meter['read']>>;
}

export type TrainEvent =
  { phase: 'load'; done: number; of: number } | { step: TuneStep } | { evaluation: TuneEvaluation };

export interface TrainHost {
  files: FileSet;
  meter: Meter;
  openThreads(
    frozen: Frozen,
    lora: LoraLayout,
    arithmetic: Arithmetic,
  ): Promise<TuneEngine & { threads: number; end(): void }>;
  folder: ExportTarget;
  emit: (event: TrainEvent) => void;
  signal: AbortSignal;
}

/** The checkpoint's files with an adapter beside them, which reading merges in. */
function beside(files: FileSet, adapter: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): FileSet {
  return {
    name: files.name,
    list: () => files.list()?.then((names) => [...new Set([...names, ...ADAPTER_FILES])]) ?? null,
    open: (name) => {
      const own = adapter[name];
      return own ? Promise.resolve(bytesSource(name, own)) : files.open(name);
    },
  };
}

/** Reads and compresses the model as a run of this recipe would, and keeps its weights as they are stored. */
async function frozenOf(checkpoint: Checkpoint, recipe: string, { emit, signal }: TrainHost): Promise<Frozen> {
  const { model, close } = await compressVariant(checkpoint, parseRecipe(recipe), {
    inPhase: (_, work) => work(),
    signal,
  });
  try {
    return await freeze(model, (done, of) => emit({ phase: 'load', done, of }));
  } finally {
    close();
  }
}

/** The same engine, its gradients metered. */
function metered(
  engine: TuneEngine,
  frozen: Frozen,
  lora: LoraLayout,
  arithmetic: Arithmetic,
  meter: Meter,
): TuneEngine {
  return {
    losses: (passes, adapter) => engine.losses(passes, adapter),
    gradients: (passes, factor, adapter) => {
      const costs = passes.map((pass) => passCost(frozen, lora, pass, { back: true, arithmetic }));
      const work = {
        bytes: bytes(costs.reduce((n, c) => n + totalBytes(c), 0)),
        flops: flops(costs.reduce((n, c) => n + c.flops, 0)),
        tokens: passes.reduce((n, { ids }) => n + ids.length, 0),
      };
      return meter.window('train', work, () => engine.gradients(passes, factor, adapter));
    },
  };
}

async function writeAll(target: ExportTarget, files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<void> {
  for (const [name, data] of Object.entries(files)) {
    const file = await target.open(name);
    await file.append(data);
    await file.close();
  }
}

/** Throws `recipe.impossible` where a run could not compute with an adapter as it was trained over these weights. */
function checkRecipe({ recipe }: TrainRequest, { adapted }: Checkpoint): void {
  if (!staysApart(parseRecipe(recipe)))
    throw new JoulewiseError(
      'recipe.impossible',
      `An adapter cannot stay beside the weights of ${quote(recipe)}: runs merge it before they calibrate or change shapes, and would compute something else than was trained. Train over a precision, alone or with a mask by magnitude (int8, int4+2:4).`,
    );
  if (adapted)
    throw new JoulewiseError(
      'recipe.impossible',
      'This checkpoint comes with an adapter already, and one more would be merged without it. Merge that one first (compress --variant fp32), or train on the checkpoint alone.',
    );
}

/** The arithmetic that is asked for, or the faster one. Throws `recipe.impossible` where these weights do not allow it. */
function arithmeticFor(frozen: Frozen, { arithmetic, recipe }: TrainRequest): Arithmetic {
  const best = arithmeticOf(frozen);
  if (arithmetic === 'int8' && best !== 'int8')
    throw new JoulewiseError(
      'recipe.impossible',
      `Arithmetic of int8 needs weights of 8 or 4 bits, and ${quote(recipe)} has others. Train in fp32, or over int8 or int4.`,
    );
  return arithmetic ?? best;
}

/**
 * Trains an adapter over the frozen weights of a variant. Throws `input.empty` where tickets have no answers or are fewer
 * than a batch, `recipe.impossible` where runs could not use what comes out.
 */
export async function train(request: TrainRequest, tickets: TrainTickets, host: TrainHost): Promise<TrainReport> {
  const choosing = tickets.tasks.find(({ scored }) => scored === 'labels');
  if (choosing && new Set(tickets.train.flatMap((t) => choosing.target(t) ?? [])).size === 1)
    throw new JoulewiseError(
      'input.empty',
      `All training tickets have the same answer for ${choosing.title.toLowerCase()}, so there is nothing to tell apart. Map another column, or import tickets of more causes.`,
    );
  const { meter, files, folder, emit, signal } = host;
  const checkpoint = await openCheckpoint(files);
  checkRecipe(request, checkpoint);
  const none = { bytes: bytes(0), flops: flops(0), tokens: null };
  const frozen = await meter.window('load', none, () => frozenOf(checkpoint, request.recipe, host));
  const arithmetic = arithmeticFor(frozen, request);
  const { config, ffnSizes } = frozen;
  const lora = loraLayout(config, ffnSizes, request.lora);
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
  const threads = await host.openThreads(frozen, lora, arithmetic);
  try {
    const engine = metered(threads, frozen, lora, arithmetic, meter);
    const start = newAdapter(lora, request.options.seed);
    const { adapter, at, end, state } = await tune(
      {
        engine,
        train: learning,
        validation: checking,
        joules: () => mainReadings(meter.peek()).find(({ phase }) => phase === 'train')?.joules?.mid ?? null,
        now: () => performance.now(),
        onStep: ({ steps }) => {
          const step = steps.at(-1);
          if (step) emit({ step });
        },
        onEvaluation: (evaluation) => emit({ evaluation }),
        signal,
      },
      request.options,
      startTuning(start),
    );
    const saved = toPeft(lora, adapter, request.lora, request.name);
    await writeAll(folder, saved);
    if (request.merged)
      await writeWeights(
        await openCheckpoint(beside(files, saved)),
        parseRecipe('fp32'),
        { open: (name) => folder.open(`merged/${name}`) },
        { inPhase: (_, work) => work(), signal },
      );
    return {
      end,
      at,
      steps: state.steps,
      evaluations: state.evaluations,
      untuned: state.evaluations.find(({ step }) => step === 0)?.loss ?? null,
      examples: { train: learning.length, validation: checking.length, tooLong },
      parameters: lora.size,
      threads: threads.threads,
      arithmetic,
      readings: await meter.read(),
    };
  } finally {
    threads.end();
  }
}

import { ADAPTER_FILES } from '../../checkpoint/adapter';
import { openCheckpoint, type Checkpoint } from '../../checkpoint/checkpoint';
import { bytesSource, type FileSet } from '../../checkpoint/source';
import { contentHash } from '../../core/canonical';
import { JoulewiseError, quote } from '../../core/errors';
import type { ExportTarget } from '../../export/onnx';
import { writeWeights } from '../../export/safetensors';
import type { LoraOptions } from '../../tune/lora';
import { toPeft } from '../../tune/peft';
import { parametersOf } from '../../tune/trained';
import type { ARITHMETICS, TuneEnd, TuneEngineName, TuneEvaluation, TuneOptions, TuneStep } from '../../tune/trainer';
import { formatRecipe, parseRecipe } from '../../variant/compress';
import { staysApart } from '../../variant/tuned';
import type { AdapterStore } from '../../variant/tuned';
import { writeModel } from './model';
import { checkPlain, lessonsOf, trainWeights, type TrainingHost, type TrainTickets } from '../training';
import { spentIn, trainOn, UNDER_WAY, untoldIn, type Spent } from '../interrupted';

export type { TrainEvent, TrainTickets } from '../training';

/** What is trained: plain data. */
export interface TrainRequest {
  /** Name of the model that the adapter says it belongs to. */
  name: string;
  recipe: string;
  /** Null = all weights are trained, and the whole model is written. */
  lora: LoraOptions | null;
  options: TuneOptions;
  /** How products with frozen weights are computed; null = the faster way for how they are stored. */
  arithmetic: AskedArithmetic;
  /** What computes the steps. */
  engine: TuneEngineName;
  /** Whether the whole model is written too where an adapter is trained, merged into its float32 weights. */
  merged: boolean;
}

type AskedArithmetic = (typeof ARITHMETICS)[number] | null;

export interface TrainReport {
  end: TuneEnd;
  /** Steps after which what is kept stood. */
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
  arithmetic: NonNullable<AskedArithmetic>;
  /** What computed the steps, by its name and in words. */
  engine: TuneEngineName;
  kernel: string;
  /** What interrupted runs of this training had spent before this one went on; null where there were none. */
  before: Spent | null;
  /** What this run itself took, and what its sampler could not tell of that. */
  spent: Spent;
  warnings: string[];
  /** Time, work and joules of this run by phase and source. */
  readings: Awaited<ReturnType<TrainingHost['meter']['read']>>;
}

export interface TrainHost extends TrainingHost {
  files: FileSet;
  folder: ExportTarget;
  /** Where the state of a training under way is kept; null = nowhere. */
  keeping: AdapterStore | null;
  /** Whether it begins anew although an interrupted run left a state. */
  fresh: boolean;
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

async function writeAll(target: ExportTarget, files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<void> {
  for (const [name, data] of Object.entries(files)) {
    const file = await target.open(name);
    await file.append(data);
    await file.close();
  }
}

/** Throws `recipe.impossible` where a run could not compute with what comes out as it was trained. */
function checkRecipe({ recipe, lora, options, merged }: TrainRequest, checkpoint: Checkpoint): void {
  if (lora === null && formatRecipe(parseRecipe(recipe)) !== 'fp32')
    throw new JoulewiseError(
      'recipe.impossible',
      `All weights are trained as float32 and written whole, and ${quote(recipe)} would round or prune them. Train in full over fp32 and compress what comes out, or train an adapter over ${quote(recipe)}.`,
    );
  if (lora === null && merged)
    throw new JoulewiseError(
      'option.invalid',
      'Training in full writes the whole model anyway: leave --merged away, which is for adapters.',
    );
  if (lora === null && options.dropout)
    throw new JoulewiseError(
      'option.invalid',
      'Dropout leaves out part of what an adapter reads, and training in full has no adapter. Leave --dropout away, or train without --full.',
    );
  if (!staysApart(parseRecipe(recipe)))
    throw new JoulewiseError(
      'recipe.impossible',
      `An adapter cannot stay beside the weights of ${quote(recipe)}: runs merge it before they calibrate or change shapes, and would compute something else than was trained. Train over a precision, alone or with a mask by magnitude (int8, int4+2:4).`,
    );
  checkPlain(checkpoint);
}

/** Writes what was trained: PEFT's two files, with the whole model beside them where it is asked for, or the whole model. */
async function writeTrained(
  request: TrainRequest,
  checkpoint: Checkpoint,
  { layout, shape, numbers }: Awaited<ReturnType<typeof trainWeights>>,
  { files, folder, signal }: TrainHost,
): Promise<void> {
  if (layout.kind === 'full' || request.lora === null) {
    if (layout.kind === 'full') await writeModel(checkpoint, shape, layout, numbers, folder);
    return;
  }
  const saved = toPeft(layout, numbers, { ...request.lora, dropout: request.options.dropout }, request.name);
  await writeAll(folder, saved);
  if (request.merged)
    await writeWeights(
      await openCheckpoint(beside(files, saved)),
      parseRecipe('fp32'),
      { open: (name) => folder.open(`merged/${name}`) },
      { inPhase: (_, work) => work(), signal },
    );
}

/** Raise when a step gives other numbers than before; what was under way then begins anew. */
const STATE_VERSION = 1;

/**
 * Trains an adapter over the frozen weights of a variant, or all weights, from where an interrupted run of the same training
 * ended. Throws `input.empty` where tickets have no answers
 * or are fewer than a batch, `recipe.impossible` where runs could not use what comes out, `engine.memory` where it does not
 * fit.
 */
export async function train(request: TrainRequest, tickets: TrainTickets, host: TrainHost): Promise<TrainReport> {
  const checkpoint = await openCheckpoint(host.files);
  checkRecipe(request, checkpoint);
  const lessons = lessonsOf(checkpoint, tickets);
  const { recipe, lora, options, arithmetic: asked } = request;
  const { learning, checking } = lessons;
  // The engine `cpu` is not named: states of it from before there were others go on.
  const other = request.engine === 'cpu' ? {} : { engine: request.engine };
  const key = await contentHash({ recipe, lora, options, asked, learning, checking, ...other, version: STATE_VERSION });
  const underWay = key + UNDER_WAY;
  if (host.fresh) await host.keeping?.remove(underWay);
  const { trained, before } = await trainOn(
    underWay,
    (more) => trainWeights(checkpoint, parseRecipe(recipe), request, lessons, { ...host, ...more }),
    host,
  );
  await writeTrained(request, checkpoint, trained, host);
  if (trained.end !== 'stopped') await host.keeping?.remove(underWay);
  const { at, end, state, layout, threads, arithmetic, kernel } = trained;
  return {
    end,
    at,
    steps: state.steps,
    evaluations: state.evaluations,
    untuned: state.evaluations.find(({ step }) => step === 0)?.loss ?? null,
    examples: { train: lessons.learning.length, validation: lessons.checking.length, tooLong: lessons.tooLong },
    parameters: parametersOf(layout),
    threads,
    arithmetic,
    engine: request.engine,
    kernel,
    before,
    spent: await spentIn(host.meter, null),
    warnings: await untoldIn(host.meter),
    readings: await host.meter.read(),
  };
}

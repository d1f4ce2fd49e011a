import { contentHash, sha256 } from '../core/canonical';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { createTokenizer } from '../checkpoint/tokenizer';
import type { FileSet } from '../checkpoint/source';
import { JoulewiseError, quote } from '../core/errors';
import type { StepEngineName } from '../schema/engines';
import type { TunedRecord } from '../schema/run';
import { adapterOf, LORA, loraLayout, rangeOf, type LoraLayout, type LoraOptions } from '../tune/lora';
import { toPeft } from '../tune/peft';
import { TUNE, type TuneOptions } from '../tune/trainer';
import { formatRecipe, parseRecipe, untuned, weightsOf, type RatesOf } from '../variant/compress';
import { cpuTarget } from '../variant/target';
import type { AdapterStore, Tuned } from '../variant/tuned';
import { spentIn, trainOn, UNDER_WAY, type Spent } from './interrupted';
import {
  checkPlain,
  lessonsOf,
  trainWeights,
  type TrainingHost,
  type Lessons,
  type StepEngine,
  type TrainTickets,
  type Trained,
} from './training';

/** Raise when training gives another adapter than before; what was kept is then trained anew. */
const TRAINING_VERSION = 2;

/** Validation answers that judge an adapter, at most: more would cost more than they tell. */
const JUDGES = 64;

export interface TunedRequest {
  /** Of a variant that names an adapter. */
  recipe: string;
  seed: number;
}

export interface TunedHost extends Omit<TrainingHost, 'target' | 'graphs'> {
  /** What takes the steps where the recipe names it. */
  graphsOf: (engine: StepEngineName) => StepEngine;
  files: FileSet;
  /** What things cost: what a recipe's budget counts with. */
  rates: RatesOf;
  /** Where trained adapters are kept; null = nowhere. */
  keeping: AdapterStore | null;
}

/** How a variant of a plan is trained, by its name: alpha is twice the rank; all kinds of linear layers and all layers, unless named. */
export function tuningOf({ recipe, seed }: TunedRequest): {
  lora: LoraOptions;
  options: TuneOptions;
  /** Null = our own kernels. */
  engine: StepEngineName | null;
} {
  const { tuning } = parseRecipe(recipe);
  if (!tuning) throw new JoulewiseError('internal', `The recipe ${quote(recipe)} names no adapter.`);
  const steps = tuning.steps ?? TUNE.steps;
  return {
    lora: {
      ...LORA,
      rank: tuning.rank,
      alpha: 2 * tuning.rank,
      targets: tuning.targets ?? LORA.targets,
      layers: tuning.layers && rangeOf(tuning.layers.first, tuning.layers.last),
    },
    options: {
      ...TUNE,
      steps,
      warmup: Math.min(TUNE.warmup, Math.floor(steps / 10)),
      evaluateEvery: Math.max(1, Math.min(TUNE.evaluateEvery, Math.floor(steps / 4))),
      seed,
    },
    engine: tuning.engine,
  };
}

/** What training took, by its meter and by those of the runs that it was interrupted in. */
async function recordOf(
  { layout, state, at, end, threads, arithmetic }: Trained,
  lessons: Lessons,
  { lora: { rank }, options: { batch }, engine }: ReturnType<typeof tuningOf>,
  meter: TrainingHost['meter'],
  before: Spent | null,
): Promise<TunedRecord> {
  const lossAt = (step: number) => state.evaluations.find((e) => e.step === step)?.loss ?? null;
  const [first, last] = [lossAt(0), lossAt(at)];
  return {
    rank,
    parameters: layout.size,
    steps: state.step,
    at,
    examples: lessons.learning.length,
    seen: state.step * batch,
    loss: first === null || last === null ? null : { before: first, after: last },
    end,
    ...(await spentIn(meter, before)),
    threads,
    ...(engine ? { engine } : {}),
    arithmetic,
    earlier: false,
  };
}

/** What is kept of a finished training. */
interface AdapterHead {
  record: TunedRecord;
  /** Of the model that it stands beside, which pruning may have made smaller. */
  shape: Trained['shape'];
}

async function tunedOf(
  lora: LoraLayout,
  options: LoraOptions,
  numbers: Float32Array<ArrayBuffer>,
  record: TunedRecord,
): Promise<Tuned> {
  return {
    adapter: adapterOf(lora, numbers),
    hash: await sha256(new Uint8Array(numbers.buffer)),
    record,
    files: (base) => toPeft(lora, numbers, options, base),
  };
}

/**
 * The adapter of a plan's variant: as an earlier run left it, or trained now over the weights that the rest of the recipe
 * makes, from where an interrupted run ended. Throws `input.empty` for tickets that cannot be learnt, `engine.failed` where
 * training ran off.
 */
export async function tunedVariant(request: TunedRequest, tickets: TrainTickets, host: TunedHost): Promise<Tuned> {
  const { keeping } = host;
  const checkpoint = await openCheckpoint(host.files);
  checkPlain(checkpoint);
  const weights = untuned(parseRecipe(request.recipe));
  const asked = tuningOf(request);
  const { engine, ...learnt } = asked;
  const all = lessonsOf(checkpoint, tickets);
  const lessons = { ...all, checking: all.checking.slice(0, JUDGES) };
  const key = await contentHash({
    recipe: formatRecipe(weightsOf(weights)),
    ...learnt,
    // Others than our own kernels round otherwise.
    ...(engine ? { engine } : {}),
    learning: lessons.learning,
    checking: lessons.checking,
    prompts: host.calibration?.prompts(createTokenizer(checkpoint.tokenizer)) ?? null,
    version: TRAINING_VERSION,
  });
  const kept = await keeping?.read(key);
  if (kept) {
    const { record, shape } = kept.head as AdapterHead;
    return tunedOf(loraLayout(shape.config, shape.ffnSizes, asked.lora), asked.lora, kept.numbers, {
      ...record,
      earlier: true,
    });
  }
  const underWay = key + UNDER_WAY;
  const target = await cpuTarget(weights, () => Promise.resolve(host.rates));
  const { trained, before } = await trainOn(
    underWay,
    (more) =>
      trainWeights(checkpoint, weights, asked, lessons, {
        ...host,
        ...more,
        target,
        graphs: engine && host.graphsOf(engine),
      }),
    host,
  );
  if (trained.end === 'stopped')
    throw new JoulewiseError('cancelled', 'Stopped while fine-tuning. Finished runs are kept.');
  await keeping?.remove(underWay);
  if (trained.end === 'diverged')
    throw new JoulewiseError(
      'engine.failed',
      `Fine-tuning ${quote(request.recipe)} ran off after ${trained.state.step} steps: its loss is no number any more. Choose more bits or fewer cuts, or train with a smaller rate ("tune --lr").`,
    );
  const record = await recordOf(trained, lessons, asked, host.meter, before);
  await keeping?.write(key, {
    head: { record, shape: trained.shape } satisfies AdapterHead,
    numbers: trained.numbers,
  });
  const { config, ffnSizes } = trained.shape;
  return tunedOf(loraLayout(config, ffnSizes, asked.lora), asked.lora, trained.numbers, record);
}

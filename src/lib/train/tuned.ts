import { contentHash, sha256 } from '../core/canonical';
import { openCheckpoint } from '../checkpoint/checkpoint';
import { createTokenizer } from '../checkpoint/tokenizer';
import type { FileSet } from '../checkpoint/source';
import { JoulewiseError, quote } from '../core/errors';
import { mainReadings } from '../meter/readings';
import type { TunedRecord } from '../schema/run';
import { adapterOf, LORA, loraLayout, type LoraLayout } from '../tune/lora';
import { TUNE, type TuneOptions, type TuneState } from '../tune/trainer';
import { formatRecipe, parseRecipe, untuned, type RatesOf } from '../variant/compress';
import { cpuTarget } from '../variant/target';
import type { AdapterStore, KeptAdapter, Tuned } from '../variant/tuned';
import { lessonsOf, trainAdapter, type AdapterHost, type Lessons, type TrainTickets, type Trained } from './adapter';

/** Raise when training gives another adapter than before; what was kept is then trained anew. */
const TRAINING_VERSION = 1;

/** Validation answers that judge an adapter, at most: more would cost more than they tell. */
const JUDGES = 64;

export interface TunedRequest {
  /** Of a variant that names an adapter. */
  recipe: string;
  seed: number;
}

export interface TunedHost extends Omit<AdapterHost, 'target'> {
  files: FileSet;
  /** What things cost: what a recipe's budget counts with. */
  rates: RatesOf;
  /** Where trained adapters are kept; null = nowhere. */
  keeping: AdapterStore | null;
}

/** How a variant of a plan is trained, by its name: alpha is twice the rank, all kinds of linear layers, all layers. */
export function tuningOf({ recipe, seed }: TunedRequest): { lora: typeof LORA; options: TuneOptions } {
  const { tuning } = parseRecipe(recipe);
  if (!tuning) throw new JoulewiseError('internal', `The recipe ${quote(recipe)} names no adapter.`);
  const steps = tuning.steps ?? TUNE.steps;
  return {
    lora: { ...LORA, rank: tuning.rank, alpha: 2 * tuning.rank },
    options: {
      ...TUNE,
      steps,
      warmup: Math.min(TUNE.warmup, Math.floor(steps / 10)),
      evaluateEvery: Math.max(1, Math.min(TUNE.evaluateEvery, Math.floor(steps / 4))),
      seed,
    },
  };
}

/** What training took, by its meter. */
async function recordOf(
  { lora, state, at, end, threads }: Trained,
  lessons: Lessons,
  rank: number,
  batch: number,
  meter: AdapterHost['meter'],
): Promise<TunedRecord> {
  const reading = mainReadings(await meter.read()).find(({ phase }) => phase === 'train');
  const lossAt = (step: number) => state.evaluations.find((e) => e.step === step)?.loss ?? null;
  const [before, after] = [lossAt(0), lossAt(at)];
  return {
    rank,
    parameters: lora.size,
    steps: state.step,
    at,
    examples: lessons.learning.length,
    seen: state.step * batch,
    loss: before === null || after === null ? null : { before, after },
    end,
    seconds: reading?.seconds ?? secondsOf(state),
    joules: reading?.joules ?? null,
    tier: reading?.tier ?? 'profile',
    boundary: reading?.boundary ?? 'device',
    source: reading?.source ?? 'unknown',
    threads,
    earlier: false,
  };
}

const secondsOf = ({ steps }: TuneState) => steps.reduce((n, { ms }) => n + ms / 1000, 0);

const tunedOf = async (lora: LoraLayout, { numbers, record }: KeptAdapter): Promise<Tuned> => ({
  adapter: adapterOf(lora, numbers),
  hash: await sha256(new Uint8Array(numbers.buffer)),
  record,
});

/**
 * The adapter of a plan's variant: as an earlier run left it, or trained now over the weights that the rest of the recipe
 * makes. Throws `input.empty` for tickets that cannot be learnt, `engine.failed` where training ran off.
 */
export async function tunedVariant(request: TunedRequest, tickets: TrainTickets, host: TunedHost): Promise<Tuned> {
  const checkpoint = await openCheckpoint(host.files);
  if (checkpoint.adapted)
    throw new JoulewiseError(
      'recipe.impossible',
      'This checkpoint comes with an adapter already, and one more would be merged without it. Merge that one first (compress --variant fp32), or fine-tune the checkpoint alone.',
    );
  const weights = untuned(parseRecipe(request.recipe));
  const asked = tuningOf(request);
  const all = lessonsOf(checkpoint, tickets);
  const lessons = { ...all, checking: all.checking.slice(0, JUDGES) };
  const key = await contentHash({
    recipe: formatRecipe({ ...weights, kv8: false }),
    ...asked,
    learning: lessons.learning,
    checking: lessons.checking,
    prompts: host.calibration?.prompts(createTokenizer(checkpoint.tokenizer)) ?? null,
    version: TRAINING_VERSION,
  });
  const kept = await host.keeping?.read(key);
  if (kept) {
    const lora = loraLayout(kept.shape.config, kept.shape.ffnSizes, asked.lora);
    return tunedOf(lora, { ...kept, record: { ...kept.record, earlier: true } });
  }
  const trained = await trainAdapter(checkpoint, weights, asked, lessons, {
    ...host,
    target: await cpuTarget(weights, () => Promise.resolve(host.rates)),
  });
  if (trained.end === 'stopped')
    throw new JoulewiseError('cancelled', 'Stopped while fine-tuning. Finished runs are kept.');
  if (trained.end === 'diverged')
    throw new JoulewiseError(
      'engine.failed',
      `Fine-tuning ${quote(request.recipe)} ran off after ${trained.state.step} steps: its loss is no number any more. Choose more bits or fewer cuts, or train with a smaller rate ("tune --lr").`,
    );
  const record = await recordOf(trained, lessons, asked.lora.rank, asked.options.batch, host.meter);
  const numbers = trained.adapter;
  await host.keeping?.write(key, { numbers, record, shape: trained.shape });
  return tunedOf(trained.lora, { numbers, record, shape: trained.shape });
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { formatRecipe, parseRecipe } from '../../src/lib/compress/recipe';
import { KINDS, parseKinds } from '../../src/lib/compress/tuning';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import type { TuneEvaluation, TuneStep } from '../../src/lib/tune/trainer';
import { LORA, rangeOf, type LoraOptions } from '../../src/lib/tune/lora';
import { ARITHMETICS, checkDropout, FULL_RATE, TUNE, TUNE_ENGINES } from '../../src/lib/tune/trainer';
import { TUNED } from '../../src/lib/texts/tune';
import { parseArgs, type Parsed } from '../shared/args';
import { checkpointOf, fromHere, threadsOf, webgpuOf, withDriver } from '../shared/context';
import { print, say } from '../shared/print';
import { samplerOf, SOURCE_FLAGS } from '../shared/sampler';
import { generatedBy, importFile, taskOf, TICKET_FLAGS } from '../shared/tickets';

/** Steps between two lines of progress. */
const LINE_EVERY = 10;

type Event = { phase: string } | { step: TuneStep } | { evaluation: TuneEvaluation };

function tell(event: Event): void {
  if ('evaluation' in event)
    say(`validation after ${event.evaluation.step} steps: loss ${event.evaluation.loss.toFixed(4)}`);
  else if ('step' in event && (event.step.step === 1 || event.step.step % LINE_EVERY === 0)) {
    const { step, loss, norm, ms, joules, tokens } = event.step;
    say(
      `step ${step}: loss ${loss.toFixed(4)}, gradient ${norm.toFixed(3)}, ${((1000 * tokens) / ms).toFixed(0)} tokens/s${joules === null ? '' : `, ${joules.toFixed(1)} J so far`}`,
    );
  }
}

/** A number above 0, or what stands for it. */
function positive(text: string | null, name: string, otherwise: number): number {
  if (text === null) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new JoulewiseError('option.invalid', `--${name} is a number above 0; "${text}" is not.`);
  return value;
}

/** Dropout as an option of training; none where it is 0 or not asked for, so that such a training has one name. */
function dropoutOf(text: string | null): { dropout?: number } {
  const share = text === null ? 0 : Number(text.trim() || NaN);
  checkDropout(share);
  return share === 0 ? {} : { dropout: share };
}

/** Null where it is not asked for. */
function arithmeticOf(text: string | null) {
  const asked = ARITHMETICS.find((name) => name === text) ?? null;
  if (text !== null && asked === null)
    throw new JoulewiseError('option.invalid', `--arithmetic is ${ARITHMETICS.join(' or ')}; "${text}" is neither.`);
  return asked;
}

/** What computes the steps. */
function engineOf(text: string | null, adapter: boolean) {
  const engine = TUNE_ENGINES.find((name) => name === (text ?? TUNE_ENGINES[0]));
  if (!engine)
    throw new JoulewiseError('option.unknown', `--engine is ${TUNE_ENGINES.join(', ')}; "${text}" is none of them.`);
  if (engine !== 'cpu' && !adapter)
    throw new JoulewiseError(
      'option.invalid',
      `--full trains on the engine "cpu" alone; leave --engine ${engine} away.`,
    );
  return engine;
}

/** Options that say something of an adapter, and nothing where all weights are trained. */
const ADAPTERS_OWN = ['rank', 'alpha', 'dropout', 'modules', 'layers', 'arithmetic'] as const;
const ADAPTERS_FLAGS = ['merged', 'rslora'] as const;

/** Kinds of linear layers, `q+v`; all where none are named. */
function modulesOf(text: string | null): LoraOptions['targets'] {
  if (text === null) return LORA.targets;
  const kinds = parseKinds(text.split('+'));
  if (kinds) return kinds;
  throw new JoulewiseError(
    'option.invalid',
    `--modules are kinds of linear layers joined by "+", each once: ${KINDS.join('+')}; ${quote(text)} is not.`,
  );
}

/** Layers from 0, `20-29` or `0-3+29`; null, all of them, where none are named. */
function layersOf(text: string | null): readonly number[] | null {
  if (text === null) return null;
  return text.split('+').flatMap((part) => {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || Number(first) > Number(last))
      throw new JoulewiseError(
        'option.invalid',
        `--layers are ranges of layers from 0, joined by "+", such as 20-29 or 0-3+29; ${quote(text)} is not.`,
      );
    return rangeOf(Number(first), Number(last));
  });
}

/** What of LoRA is asked for; null where all weights are trained. Throws `option.invalid` for both at once. */
function loraOf(a: Parsed) {
  if (!a.flag('full')) {
    const rank = a.whole('rank', LORA.rank);
    return {
      rank,
      alpha: positive(a.text('alpha'), 'alpha', 2 * rank),
      stabilised: a.flag('rslora'),
      targets: modulesOf(a.text('modules')),
      layers: layersOf(a.text('layers')),
    };
  }
  const own = ADAPTERS_FLAGS.find((name) => a.flag(name)) ?? ADAPTERS_OWN.find((name) => a.text(name) !== null);
  if (own)
    throw new JoulewiseError(
      'option.invalid',
      `--${own} says something of an adapter, and --full trains all weights in float32 and writes the whole model. Leave one of them away.`,
    );
  return null;
}

/** Fine-tunes an adapter or, with --full, all weights on tickets, and writes it or the whole model with its log. */
export async function tuneModel(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, {
    ...TICKET_FLAGS,
    checkpoint: 'text',
    data: 'text',
    task: 'text',
    variant: 'text',
    steps: 'whole',
    batch: 'whole',
    lr: 'text',
    rank: 'whole',
    alpha: 'text',
    dropout: 'text',
    modules: 'text',
    layers: 'text',
    rslora: 'flag',
    'budget-joules': 'text',
    'budget-minutes': 'text',
    'evaluate-every': 'whole',
    train: 'whole',
    validation: 'whole',
    threads: 'whole',
    profile: 'text',
    arithmetic: 'text',
    engine: 'text',
    swiftshader: 'flag',
    decay: 'number',
    full: 'flag',
    merged: 'flag',
    fresh: 'flag',
    out: 'text',
    ...SOURCE_FLAGS,
  });
  const recipe = formatRecipe(parseRecipe(a.text('variant') ?? 'fp32'));
  const task = taskOf(a);
  const out = fromHere(a.need('out'));
  mkdirSync(out, { recursive: true });
  const seed = a.whole('seed', TUNE.seed);
  const lora = loraOf(a);
  const checkpoint = a.text('checkpoint') ?? 'builtin';
  const [joules, minutes] = [a.text('budget-joules'), a.text('budget-minutes')];
  const steps = a.whole('steps', TUNE.steps);
  const options = {
    ...TUNE,
    steps,
    warmup: Math.min(TUNE.warmup, Math.floor(steps / 10)),
    batch: a.whole('batch', TUNE.batch),
    lr: positive(a.text('lr'), 'lr', lora ? TUNE.lr : FULL_RATE),
    decay: a.number('decay', TUNE.decay, 0, 1),
    seed,
    ...dropoutOf(a.text('dropout')),
    evaluateEvery: a.whole('evaluate-every', TUNE.evaluateEvery, 0),
    joules: joules === null ? null : positive(joules, 'budget-joules', 0),
    seconds: minutes === null ? null : 60 * positive(minutes, 'budget-minutes', 0),
  };
  const engine = engineOf(a.text('engine'), lora !== null);
  const report = await withDriver(
    { webgpu: webgpuOf(a, engine), sampler: samplerOf(a), onEvent: (event) => tell(event as Event) },
    async (d) => {
      const vocabulary = generatedBy(a.need('data'));
      const dataset =
        vocabulary !== null
          ? await d.call('generateTickets', { count: 400, seed, vocabulary })
          : (await importFile(d, a.need('data'), a, task)).dataset;
      return d.call('tune', {
        checkpoint: await checkpointOf(d, checkpoint),
        name: basename(checkpoint),
        recipe,
        threads: threadsOf(a),
        tasks: [task],
        dataset,
        train: a.text('train') === null ? null : a.whole('train', 1),
        validation: a.whole('validation', 100, 0),
        lora,
        options,
        profile: a.text('profile'),
        sampler: d.sampler,
        arithmetic: arithmeticOf(a.text('arithmetic')),
        engine,
        merged: a.flag('merged'),
        fresh: a.flag('fresh'),
        upload: d.server.receive(out),
      });
    },
  );
  writeFileSync(
    join(out, 'tune.json'),
    JSON.stringify({ checkpoint, variant: recipe, task, lora, options, ...report }, null, 1),
  );
  const { steps: log, evaluations, readings, spent, warnings, files, ...rest } = report;
  const last = evaluations.find(({ step }) => step === report.at)?.loss ?? null;
  say(TUNED.ended(report.end, log.length));
  say(TUNED.computed(report.engine, report.kernel));
  if (report.examples.tooLong > 0) say(TUNED.tooLong(report.examples.tooLong));
  if (spent.joules) say(TUNED.spent(spent.seconds, spent.joules, spent.tier, spent.source));
  for (const warning of warnings) say(warning);
  if (report.before) say(TUNED.before(report.before));
  if (report.untuned !== null && last !== null) say(TUNED.gained(report.untuned, last, report.examples.validation));
  print(
    JSON.stringify({
      out,
      variant: recipe,
      ...rest,
      steps: log.length,
      loss: log.at(-1)?.loss ?? null,
      validation: last,
      files: files.length,
      readings,
    }),
  );
}

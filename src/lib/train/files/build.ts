import { configFromJson } from '../../checkpoint/config';
import { createTokenizer } from '../../checkpoint/tokenizer';
import { contentHash } from '../../core/canonical';
import { JoulewiseError } from '../../core/errors';
import { mean } from '../../core/stats';
import type { ExportTarget } from '../../export/onnx';
import { fromSnapshot, savesEvery, toSnapshot, type Snapshot } from '../../tune/snapshot';
import { layoutOfAsked, newWeights, parametersOf, undecayedOf } from '../../tune/trained';
import {
  startTuning,
  tune,
  type TuneEnd,
  type TuneEngine,
  type TuneEvaluation,
  type TuneState,
} from '../../tune/trainer';
import type { AdapterStore } from '../../variant/tuned';
import type { TrainingHost } from '../training';
import {
  builtinPasses,
  builtinTokenizer,
  GENERATION_FILE,
  heldOut,
  optionsOf,
  SEED,
  SPREAD,
  RECIPE,
  type Recipe,
} from './builtin';
import { writeAllWeights, writeJson } from './model';

/** Raise when the same stages give other weights than before; what was kept of a build is then begun anew. */
const BUILD_VERSION = 1;
/** Milliseconds between two snapshots. */
const SNAPSHOT_MS = 60_000;
/** Steps whose time says how long the rest takes. */
const LAST = 40;

export type BuildEvent =
  | { phase: 'tokenizer' | 'tickets' | 'resumed'; stage: number }
  | {
      stage: number;
      step: TuneState['steps'][number];
      of: number;
      /** Of all stages, at the pace of the last steps. */
      secondsLeft: number;
    }
  | { stage: number; evaluation: TuneEvaluation };

/** What building takes of this device. */
export interface BuildHost extends Pick<TrainingHost, 'openThreads' | 'threads' | 'signal'> {
  folder: ExportTarget;
  /** Where a build under way is kept; null = nowhere. */
  keeping: AdapterStore | null;
  /** Whether to begin anew, whatever is kept. */
  fresh: boolean;
  emit: (event: BuildEvent) => void;
}

/** How one stage went. */
export interface StageReport {
  steps: number;
  /** Steps after which the weights that are kept stood. */
  at: number;
  /** Rows that were computed: what prompts of a pass begin with counts once. */
  tokens: number;
  /** Of its steps, whatever ran beside them and between them. */
  seconds: number;
  /** Of the last step. */
  loss: number;
  evaluations: readonly TuneEvaluation[];
}

export interface BuildReport {
  parameters: number;
  threads: number;
  seed: number;
  stages: StageReport[];
}

/** What is kept of a build between two steps. */
interface Head {
  done: StageReport[];
  /** Null at the beginning of a stage, whose weights stand alone then. */
  snapshot: Snapshot['head'] | null;
}

/** The same engine, which makes ready the passes of the next step while threads compute. */
function readingAhead(engine: TuneEngine, passesAt: ReturnType<typeof builtinPasses>) {
  let ready: { step: number; passes: ReturnType<typeof passesAt> } | null = null;
  let at = 0;
  return {
    passesAt: (step: number) => {
      at = step;
      return ready?.step === step ? ready.passes : passesAt(step);
    },
    engine: {
      ...engine,
      gradients: (...args: Parameters<TuneEngine['gradients']>) => {
        const computed = engine.gradients(...args);
        const next = at + 1;
        // Once the threads have what they need: this one is then idle.
        setTimeout(() => (ready = { step: next, passes: passesAt(next) }), 40);
        return computed;
      },
    },
  };
}

const reportOf = ({ steps, evaluations }: TuneState, at: number): StageReport => ({
  steps: steps.length,
  at,
  tokens: steps.reduce((n, { tokens }) => n + tokens, 0),
  seconds: Math.round(steps.reduce((n, { ms }) => n + ms / 1000, 0)),
  loss: steps.at(-1)?.loss ?? NaN,
  evaluations,
});

/**
 * Makes the built-in checkpoint from nothing but the generator, and writes its folder: the same bits for the same stages on
 * the same engine, whatever the number of threads and wherever it was interrupted. Throws `cancelled` when it is stopped
 * (what was done is kept), `engine.failed` where training ran off.
 */
export async function buildBuiltin(host: BuildHost, recipe: Recipe = RECIPE): Promise<BuildReport> {
  const { keeping, emit, signal } = host;
  const { stages } = recipe;
  const key = `builtin-${await contentHash({ recipe, seed: SEED, version: BUILD_VERSION })}`;
  const config = configFromJson(recipe.config);
  const ffnSizes = Array.from({ length: config.layers }, () => config.intermediateSize);
  const layout = layoutOfAsked(config, ffnSizes, null);
  if (layout.kind !== 'full') throw new JoulewiseError('internal', 'All weights are trained here.');
  const kept = host.fresh ? null : ((await keeping?.read(key)) as { head: Head; numbers: Snapshot['numbers'] } | null);
  const [first] = stages;
  if (!first) throw new JoulewiseError('internal', 'A build has at least one stage.');
  emit({ phase: 'tokenizer', stage: 0 });
  const files = await builtinTokenizer(first, config.vocabSize);
  const tokenizer = createTokenizer(files);
  const validation = await heldOut(tokenizer, recipe.validation);
  const done: StageReport[] = [...(kept?.head.done ?? [])];
  let numbers = kept && !kept.head.snapshot ? kept.numbers : newWeights(layout, SPREAD, SEED);
  let resumed = kept?.head.snapshot
    ? fromSnapshot({ head: kept.head.snapshot, numbers: kept.numbers }, layout.size)
    : null;
  if (kept) emit({ phase: 'resumed', stage: done.length });
  const threads = await host.openThreads({ config, ffnSizes }, layout, 'fp32', host.threads);
  const save = (head: Head, own: Snapshot['numbers']) => keeping?.write(key, { head, numbers: own });
  try {
    for (const [index, stage] of stages.entries()) {
      if (index < done.length) continue;
      emit({ phase: 'tickets', stage: index });
      const options = optionsOf(stage);
      const later = stages.slice(index + 1).reduce((n, { steps }) => n + steps, 0);
      const { engine, passesAt } = readingAhead(threads, builtinPasses(tokenizer, stage));
      const saveState = async (state: TuneState) => {
        const { head, numbers: all } = toSnapshot(state);
        await save({ done, snapshot: head }, all);
      };
      const saveNow = savesEvery(SNAPSHOT_MS, saveState);
      const result = await tune(
        {
          engine,
          train: [],
          passesAt,
          validation,
          undecayed: undecayedOf(layout),
          joules: () => null,
          now: () => performance.now(),
          async onStep(step, state) {
            const { steps } = await state();
            const pace = mean(steps.slice(-LAST).map(({ ms }) => ms / 1000));
            const secondsLeft = pace * (options.steps - step.step + later);
            emit({ stage: index, step, of: options.steps, secondsLeft });
            await saveNow(state);
          },
          onEvaluation: (evaluation) => emit({ stage: index, evaluation }),
          signal,
        },
        options,
        resumed ?? startTuning(numbers),
      );
      resumed = null;
      await checkEnd(result.end, result.state, index, saveState);
      done.push(reportOf(result.state, result.at));
      numbers = result.numbers;
      await save({ done, snapshot: null }, numbers);
    }
  } finally {
    threads.end();
  }
  await writeAllWeights(layout, numbers, 'F16', host.folder);
  await writeJson(host.folder, {
    'config.json': recipe.config,
    'generation_config.json': GENERATION_FILE,
    'tokenizer.json': files.tokenizer,
    'tokenizer_config.json': files.config,
  });
  return { parameters: parametersOf(layout), threads: host.threads, seed: SEED, stages: done };
}

/** Throws where a stage did not come to its end. */
async function checkEnd(end: TuneEnd, state: TuneState, stage: number, save: (state: TuneState) => Promise<void>) {
  if (end === 'stopped') {
    await save(state);
    throw new JoulewiseError('cancelled', 'The build was stopped. Run it again to go on from here.');
  }
  if (end === 'diverged')
    throw new JoulewiseError(
      'engine.failed',
      `Stage ${stage + 1} ran off after ${state.step} steps: its loss is no number any more. Choose a smaller rate in train/files/builtin.ts.`,
    );
}

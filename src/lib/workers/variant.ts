import type { Recipe } from '../compress/recipe';
import { bestBuild, byteDotOf } from '../cpu/module';
import { taskOf } from '../data/tasks';
import { profileFor } from '../meter/open';
import { ratesOf } from '../meter/model';
import { trainingPrompts } from '../measure/unit';
import { targetOf, type Calibration, type RatesOf } from '../variant/compress';
import type { PackedStore } from '../variant/kept';
import { chooseKernel, featuresOf } from '../variant/kernels';
import { openVariant } from '../engine/open';
import { probeDevice } from '../device/probe';
import type { EngineName } from '../schema/engines';
import type { Phase } from '../schema/run';
import { ASSETS } from './assets';
import { keepingOf, openFiles } from './checkpoints';
import { calibrationOn, openHost } from './pool';
import type { Progress, VariantRequest } from './protocol';
import { take } from './tickets';

/** Where a request's recipe finds calibration text; null where none was given. */
export async function calibrationOf({
  checkpoint,
  threads,
  calibration,
}: Omit<VariantRequest, 'engine'>): Promise<Calibration | null> {
  if (!calibration) return null;
  if ('texts' in calibration) return calibrationOn(calibration.texts, { checkpoint, threads });
  const { tasks, given, templates } = calibration;
  const { train, causes } = await take(given);
  return {
    prompts: (tokenizer) =>
      trainingPrompts(
        tokenizer,
        tasks.map((task) => taskOf(task, templates)),
        train,
        causes,
      ),
    open: () => Promise.resolve(openHost({ checkpoint, threads })),
  };
}

/**
 * What a byte and an operation cost on this device, by the profile that the user chose, or the guess: a budget in joules
 * then exports the weights that were measured.
 */
export async function ratesFor(engine: EngineName, chosen: string | null): Promise<RatesOf> {
  const profile = profileFor({ device: await probeDevice(), engine, profile: chosen });
  return (arithmetic) => ratesOf(profile, arithmetic);
}

/** What a budget counts where weights are made for no engine in particular: our own kernels on this device. */
export const cpuTarget = async (recipe: Recipe) => {
  const dot = byteDotOf(bestBuild());
  const { kernel } = chooseKernel('cpu', recipe, featuresOf(dot));
  return recipe.budget && targetOf(kernel, await ratesFor('cpu', null), dot);
};

/** Adds up milliseconds of work: of phase `named`, and of all others under `rest`. */
export function stopwatch<N extends Phase, R extends Phase>(named: N, rest: R) {
  const ms = { [named]: 0, [rest]: 0 } as Record<N | R, number>;
  return {
    ms,
    inPhase: async <T>(phase: Phase, work: () => Promise<T>): Promise<T> => {
      const start = performance.now();
      try {
        return await work();
      } finally {
        ms[phase === named ? named : rest] += performance.now() - start;
      }
    },
  };
}

/** One thread, one variant: it ends with the run, because a WebAssembly heap never shrinks. */
export async function openRequest(
  request: VariantRequest,
  emit: (p: Progress) => void,
  signal: AbortSignal,
  keeping: PackedStore | null = keepingOf(request.checkpoint),
) {
  const { ms, inPhase } = stopwatch('compress', 'load');
  const opened = await openVariant({
    files: await openFiles(request.checkpoint),
    variant: request.recipe,
    engine: request.engine,
    threads: request.threads,
    kernelBuild: request.kernelBuild ?? null,
    assets: ASSETS,
    calibration: await calibrationOf(request),
    rates: await ratesFor(request.engine, request.profile ?? null),
    keeping,
    signal,
    onProgress: (done, of) => emit({ phase: 'load', done, of }),
    inPhase,
  });
  return { ms, ...opened };
}

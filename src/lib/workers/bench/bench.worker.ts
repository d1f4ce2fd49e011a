import { timeCalibration } from '../../bench/calibrate';
import { timeCompression } from '../../bench/compress';
import { timeModel } from '../../bench/model';
import { serve } from '../../core/rpc';
import { measureLimits } from '../../cpu/limits';
import { choiceOf, type KernelKind } from '../../cpu/choice';
import { bestBuild, byteDotOf } from '../../cpu/module';
import { measureScale } from '../../cpu/scale';
import { spawnWorker } from '../../cpu/spawn';
import { hashOf, timingsOf } from '../../engine/choice';
import { chooseThreads, loadKernels, thisProcessor } from '../../engine/open';
import { measure } from '../../measure/measure';
import { timeSharing } from '../../measure/sharing';
import { traceEngine } from '../../measure/trace';
import { openRef } from '../../store/checkpoints';
import { calibrationThreads, openHost } from '../calibrate/pool';
import { deviceHere, HERE, openRequest } from '../host/host';
import type { BenchApi, KernelOptions } from './protocol';

/** Kinds of matrices that `kernelLimits` times, in the streams that were chosen for them. */
const KINDS: readonly KernelKind[] = (['fp16', 'int8', 'int4'] as const).flatMap((precision) =>
  (precision === 'int4' ? [false] : [false, true]).map((sparse) => ({ precision, sparse })),
);

/** What a bench of the kernels alone needs. */
async function kernelBench(o: KernelOptions, kinds: readonly KernelKind[] = []) {
  const build = o.build ?? bestBuild();
  const { threads } = chooseThreads(o.threads);
  const url = HERE.assets.cpu[build];
  const dot = byteDotOf(build);
  const here = { module: await loadKernels(url), build, threads, spawn: spawnWorker, repeats: o.repeats };
  const timing = { ...here, moduleHash: await hashOf(url), timings: HERE.timings, processor: thisProcessor() };
  const timed = [];
  for (const kind of kinds) timed.push((await timingsOf(kind, dot, timing)).filter((t) => t.dot === dot));
  return { ...here, streams: choiceOf(timed, dot).streams };
}

serve<BenchApi>({
  async speed(args, { emit, signal }) {
    const start = performance.now();
    // Opening is timed, so nothing kept may shorten it.
    const opened = await openRequest(args, emit, signal, null);
    const openMs = performance.now() - start;
    const onRepeat = (done: number) => emit({ phase: 'speed', done, of: args.repeats });
    return timeModel(opened, openMs, { ...args, onRepeat });
  },

  async measureRecipe({ texts, prefill, decode, repeats, ...request }, { emit, signal }) {
    const start = performance.now();
    const { session, tokenizer, compression } = await openRequest(request, emit, signal, null);
    const openMs = performance.now() - start;
    try {
      const measured = await measure(session, {
        texts: texts.map((t) => tokenizer.encode(t)).filter((ids) => ids.length > 1),
        prefill,
        decode,
        repeats,
        device: await deviceHere(),
      });
      return {
        ...measured,
        variant: compression?.recipe ?? request.recipe,
        kernel: session.kernel,
        threads: session.threads,
        storedBytes: compression?.storedBytes ?? null,
        computedBytes: compression?.computedBytes ?? null,
        sparsity: compression ? compression.zeros / compression.linearParameters : null,
        openMs,
      };
    } finally {
      await session.close();
    }
  },

  async sharingSpeed(args, { emit, signal }) {
    const opened = await openRequest(args, emit, signal);
    const onRound = (done: number) => emit({ phase: 'speed', done, of: args.rounds });
    return timeSharing(opened, { ...args, onRound });
  },

  async trace(args, { emit, signal }) {
    const opened = await openRequest(args, emit, signal);
    try {
      return await traceEngine(opened, args, signal);
    } finally {
      await opened.session.close();
    }
  },

  compressSpeed: (args) => Promise.resolve(timeCompression(args)),

  kernelLimits: async (args) => measureLimits(await kernelBench(args, KINDS)),

  scaleSpeed: async ({ shape, ...args }) => measureScale(shape, await kernelBench(args)),

  async calibrateSpeed({ checkpoint, recipe, threads, ...sizes }, { emit, signal }) {
    return timeCalibration(await openRef(checkpoint), recipe, {
      ...sizes,
      threads: calibrationThreads(threads),
      host: () => openHost({ checkpoint, threads, keep: false }),
      signal,
      onProgress: (phase, done, of) => emit({ phase, done, of }),
    });
  },
});

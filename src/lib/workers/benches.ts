import { openCheckpoint } from '../checkpoint/checkpoint';
import { PRECISIONS } from '../tensor/precisions';
import { prune2of4, pruneMagnitude } from '../tensor/masks';
import { calibrationLevel, parseRecipe } from '../compress/recipe';
import { createRandom } from '../core/random';
import { bytes, flops } from '../core/units';
import { measureLimits } from '../cpu/limits';
import { bestBuild, type BuildName } from '../cpu/module';
import { spawnWorker } from '../cpu/spawn';
import { totalBytes } from '../core/cost';
import { createMeter } from '../meter/meter';
import { measure } from '../measure/measure';
import { compressVariant } from '../variant/compress';
import type { EngineSession } from '../engine/session';
import { chooseThreads, loadKernels } from '../engine/open';
import { probeDevice } from '../device/probe';
import { measureScale } from '../cpu/scale';
import type { KernelWork } from '../schema/run';
import { ASSETS } from './assets';
import type { BenchApi } from './bench-protocol';
import { openFiles } from './checkpoints';
import { calibrationThreads, openHost } from './pool';
import type { Handlers } from './rpc';
import { openRequest, stopwatch } from './variant';

/** Tokens of a label in the bench. */
const LABEL_TOKENS = 3;

/** Tickets over which the bench averages what metering costs. */
const METERED_TICKETS = 20;

/** Milliseconds of metering one generated answer, as a run does it; prompts differ in length, as tickets do. */
async function meterCost(session: EngineSession, prefill: number, decode: number): Promise<number> {
  const meter = createMeter({
    clock: () => performance.now(),
    fence: () => session.fence(),
    // Reading happens once a run, not once a ticket.
    sources: [{ tier: 'profile', boundary: 'device', name: 'bench', read: () => Promise.resolve([]) }],
  });
  const workOf = (passes: readonly (readonly [fresh: number, past: number])[]) => {
    const costs = passes.map(([fresh, past]) => session.cost(fresh, past, 1));
    return {
      bytes: bytes(costs.reduce((n, c) => n + (c ? totalBytes(c) : 0), 0)),
      flops: flops(costs.reduce((n, c) => n + (c?.flops ?? 0), 0)),
      tokens: passes.length,
    };
  };
  const start = performance.now();
  for (let t = 0; t < METERED_TICKETS; t++) {
    const length = prefill + t + 1;
    await meter.window(
      'prefill',
      () => workOf([[length, 0]]),
      () => undefined,
    );
    await meter.window(
      'decode',
      () => workOf(Array.from({ length: decode }, (_, i) => [1, length + i] as const)),
      () => undefined,
    );
  }
  return (performance.now() - start) / METERED_TICKETS;
}

/** What a bench of the kernels alone needs. */
async function kernelBench(o: { threads: number | null; build: BuildName | null; repeats: number }) {
  const build = o.build ?? bestBuild();
  const { threads } = chooseThreads(o.threads);
  return { module: await loadKernels(ASSETS.cpu[build]), build, threads, spawn: spawnWorker, repeats: o.repeats };
}

/** What `npm run bench` measures; no page calls these. */
export const benches: Handlers<BenchApi> = {
  async speed(args, { emit, signal }) {
    const start = performance.now();
    // Opening is timed, so nothing kept may shorten it.
    const { session, compression, tokenizer } = await openRequest(args, emit, signal, null);
    const openMs = performance.now() - start;
    const random = createRandom(1);
    const vocabulary = Math.max(...tokenizer.encode('a b c d e f g h')) + 1;
    const ids = (n: number) => Array.from({ length: n }, () => random.int(vocabulary));
    const prompt = ids(args.prefill);
    const labels = Array.from({ length: args.labels }, () => ids(LABEL_TOKENS));
    const times = { prefillMs: [] as number[], decodeMs: [] as number[], scoreMs: [] as number[] };
    const time = async (into: number[], keep: boolean, work: () => Promise<unknown>) => {
      const from = performance.now();
      await work();
      await session.fence();
      if (keep) into.push(performance.now() - from);
    };
    let prefillKernels: KernelWork[] | null = null;
    let decodeKernels: KernelWork[] | null = null;
    for (let r = 0; r <= args.repeats; r++) {
      const keep = r > 0;
      if (args.labels) await time(times.scoreMs, keep, () => session.score(prompt, labels));
      session.takeKernels();
      await time(times.prefillMs, keep, () => session.prefill(prompt));
      prefillKernels = session.takeKernels();
      await time(times.decodeMs, keep, async () => {
        for (let i = 0; i < args.decode; i++) await session.decode(prompt[i % prompt.length] as number);
      });
      decodeKernels = session.takeKernels();
      emit({ phase: 'speed', done: r, of: args.repeats });
    }
    return {
      openMs,
      ...times,
      kernel: session.kernel,
      threads: session.threads,
      computedBytes: compression?.computedBytes ?? null,
      wasmHeapBytes: session.heapBytes(),
      prefillCost: session.cost(args.prefill, 0, 1),
      decodeCost: session.cost(1, args.prefill + Math.floor(args.decode / 2), 1),
      kernels: prefillKernels && decodeKernels && { prefill: prefillKernels, decode: decodeKernels },
      meterMs: await meterCost(session, args.prefill, args.decode),
    };
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
        device: await probeDevice(),
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

  compressSpeed({ rows, columns, repeats }) {
    const random = createRandom(1);
    const source = Float32Array.from({ length: rows * columns }, () => random.normal() * 0.02);
    const rate = (work: (w: Float32Array) => void) =>
      Array.from({ length: repeats }, () => {
        const copy = source.slice();
        const start = performance.now();
        work(copy);
        return source.length / ((performance.now() - start) / 1000);
      });
    return Promise.resolve({
      int4: rate((w) => PRECISIONS.int4.store(w, rows, columns)),
      '2:4': rate(prune2of4),
      mag50: rate((w) => pruneMagnitude(w, 0.5)),
    });
  },

  kernelLimits: async (args) => measureLimits(await kernelBench(args)),

  scaleSpeed: async ({ shape, ...args }) => measureScale(shape, await kernelBench(args)),

  async calibrateSpeed(args, { emit, signal }) {
    const checkpoint = await openCheckpoint(await openFiles(args.checkpoint));
    const recipe = parseRecipe(args.recipe);
    const { config } = checkpoint;
    const random = createRandom(1);
    const prompts = Array.from({ length: args.sequences }, () =>
      Array.from({ length: args.length }, () => random.int(config.vocabSize)),
    );
    const { ms, inPhase } = stopwatch('calibrate', 'compress');
    const { model, close } = await compressVariant(checkpoint, recipe, {
      signal,
      calibration: {
        prompts: () => prompts,
        open: () => Promise.resolve(openHost({ checkpoint: args.checkpoint, threads: args.threads, keep: false })),
      },
      onCalibrated: (done, of) => emit({ phase: 'calibrate', done, of }),
      inPhase,
    });
    const start = performance.now();
    try {
      for (let layer = 0; layer < model.config.layers; layer++) {
        await model.layer(layer);
        emit({ phase: 'compress', done: layer + 1, of: model.config.layers });
      }
    } finally {
      close();
    }
    const { hiddenSize: h, intermediateSize: f, heads, kvHeads, headDim, layers } = config;
    const q = heads * headDim;
    const linear = 2 * (h * (2 * q + 2 * kvHeads * headDim) + 3 * h * f);
    const gram = calibrationLevel(recipe) === 'gram' ? 2 * h * h + q * q + f * f : 0;
    const tokens = args.sequences * args.length;
    return {
      calibrateMs: ms.calibrate,
      compressMs: ms.compress + performance.now() - start,
      tokens,
      threads: calibrationThreads(args.threads),
      calibrateFlops: tokens * layers * (linear + gram + 4 * q * args.length),
    };
  },
};

import { openCheckpoint } from '../checkpoint/checkpoint';
import { outerReport } from '../compress/compress';
import { PRECISIONS } from '../compress/precisions';
import { prune2of4, pruneMagnitude } from '../compress/pruners';
import { calibrationLevel, parseRecipe, type Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import { createRandom } from '../core/random';
import { bytes, flops } from '../core/units';
import { measureLimits } from '../cpu/limits';
import { bestBuild, byteDotOf, type BuildName } from '../cpu/module';
import { spawnWorker } from '../cpu/spawn';
import { taskOf } from '../data/tasks';
import { vectorNames } from '../decoder/decoder';
import { totalBytes } from '../graph/cost';
import { createMeter } from '../meter/meter';
import { openAssistant, type Assistant } from '../plan/assist';
import { measure } from '../plan/measure';
import { runUnit, trainingPrompts } from '../plan/unit';
import { exportVariant } from '../run/export';
import { createExport } from '../store/exports';
import { topK, type EngineSession } from '../run/engine';
import { generate } from '../run/generate';
import { chooseThreads, loadKernels, openVariant } from '../run/open';
import { probeDevice } from '../run/probe';
import { compressVariant, cpuForm, targetOf, withCompressed, type Calibration } from '../run/compress';
import type { PackedStore } from '../run/kept';
import { chooseKernel, featuresOf } from '../run/kernels';
import { measureScale } from '../run/scale';
import { writeWeights } from '../run/weights';
import { guessProfile } from '../meter/match';
import type { EngineName, KernelWork, Phase } from '../schema/run';
import { ASSETS } from './assets';
import { keepingOf, openFiles } from './checkpoints';
import type { EngineApi, Progress, VariantRequest } from './protocol';
import { calibrationOn, calibrationThreads, openHost } from './pool';
import { serve } from './rpc';
import { take } from './tickets';

/** Where a request's recipe finds calibration text; null where none was given. */
async function calibrationOf({
  checkpoint,
  threads,
  calibration,
}: Omit<VariantRequest, 'engine'>): Promise<Calibration | null> {
  if (!calibration) return null;
  if ('texts' in calibration) return calibrationOn(calibration.texts, { checkpoint, threads });
  const { task, given, templates } = calibration;
  const { train, causes } = await take(given);
  return {
    prompts: (tokenizer) => trainingPrompts(tokenizer, taskOf(task, templates), train, causes),
    open: () => Promise.resolve(openHost({ checkpoint, threads })),
  };
}

/** The profile of this device for an engine. */
const profileOf = async (engine: EngineName) => guessProfile(await probeDevice(), engine).profile;

/** What a budget counts where weights are made for no engine in particular: our own kernels on this device. */
const cpuTarget = async (recipe: Recipe) => {
  const dot = byteDotOf(bestBuild());
  const { kernel } = chooseKernel('cpu', recipe, featuresOf(dot));
  return recipe.budget && targetOf('cpu', kernel.title, await profileOf('cpu'), dot);
};

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
    source: { tier: 'profile', boundary: 'device', name: 'bench', read: () => Promise.resolve([]) },
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

/** Adds up milliseconds of work: of phase `named`, and of all others under `rest`. */
function stopwatch<N extends Phase, R extends Phase>(named: N, rest: R) {
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
async function open(
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
    profile: await profileOf(request.engine),
    keeping,
    signal,
    onProgress: (done, of) => emit({ phase: 'load', done, of }),
    inPhase,
  });
  return { ms, ...opened };
}

/** What a bench of the kernels alone needs. */
async function kernelBench(o: { threads: number | null; build: BuildName | null; repeats: number }) {
  const build = o.build ?? bestBuild();
  const { threads } = chooseThreads(o.threads);
  return { module: await loadKernels(ASSETS.cpu[build]), build, threads, spawn: spawnWorker, repeats: o.repeats };
}

/** The variant that answers pasted tickets, in a thread that was opened for it. */
let assistant: Assistant | null = null;

serve<EngineApi>({
  probe: () => probeDevice(),

  async evaluate(args, { emit, signal }) {
    const { session, tokenizer, compression, ms } = await open(args, emit, signal);
    const tokenIds = tokenizer.encode(args.text);
    if (tokenIds.length < 2)
      throw new JoulewiseError(
        'input.empty',
        'The text has fewer than two tokens, so nothing can be predicted. Give a longer text.',
      );
    const start = performance.now();
    const { logProbs, last } = await session.evaluate(tokenIds);
    return {
      tokenIds,
      nll: -logProbs.reduce((a, x) => a + x, 0) / logProbs.length,
      top5: topK(last, 5),
      ms: { ...ms, evaluate: performance.now() - start },
      engine: session.engine,
      kernel: session.kernel,
      threads: session.threads,
      variant: compression?.recipe ?? args.recipe,
      storedBytes: compression?.storedBytes ?? null,
      computedBytes: compression?.computedBytes ?? null,
      sparsity: compression ? compression.zeros / compression.linearParameters : null,
      wasmHeapBytes: session.heapBytes(),
      fallbacks: [...session.fallbacks],
    };
  },

  async generate(args, { emit, signal }) {
    const { session, tokenizer, stopIds } = await open(args, emit, signal);
    const promptIds = args.chat
      ? tokenizer.chat([{ role: 'user', content: args.prompt }])
      : tokenizer.encode(args.prompt);
    const made = await generate(session, promptIds, {
      maxNewTokens: args.maxNewTokens,
      stopIds: args.ignoreStop ? [] : stopIds,
      inPhase: (_, work) => work(),
      signal,
    });
    return { promptIds, ...made, text: tokenizer.decode(made.ids), kernel: session.kernel };
  },

  async speed(args, { emit, signal }) {
    const start = performance.now();
    // Opening is timed, so nothing kept may shorten it.
    const { session, compression, tokenizer } = await open(args, emit, signal, null);
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
    const { session, tokenizer, compression } = await open(request, emit, signal, null);
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

  async exportVariant(args, { emit, signal }) {
    const recipe = parseRecipe(args.recipe);
    const folder = await createExport();
    const report = await exportVariant(
      await openCheckpoint(await openFiles(args.checkpoint)),
      recipe,
      args.engine,
      folder,
      {
        signal,
        calibration: await calibrationOf(args),
        profile: await profileOf(args.engine),
        onProgress: (done, of) => emit({ phase: 'export', done, of }),
      },
    );
    return { ...report, id: folder.id };
  },

  async compress(args, { emit, signal }) {
    const folder = await createExport();
    const { ms, inPhase } = stopwatch('calibrate', 'compress');
    const recipe = parseRecipe(args.recipe);
    const report = await writeWeights(await openCheckpoint(await openFiles(args.checkpoint)), recipe, folder, {
      signal,
      calibration: await calibrationOf(args),
      target: await cpuTarget(recipe),
      onCalibrated: (done, of) => emit({ phase: 'calibrate', done, of }),
      onProgress: (done, of) => emit({ phase: 'compress', done, of }),
      inPhase,
    });
    return { ...report, id: folder.id, ms };
  },

  async inspect({ checkpoint: ref, threads, task, given, recipe: text }, { emit, signal }) {
    const checkpoint = await openCheckpoint(await openFiles(ref));
    const { ms, inPhase } = stopwatch('calibrate', 'compress');
    let { layers } = checkpoint.config;
    let layer = 0;
    const recipe = parseRecipe(text);
    const calibration = given && { task, given };
    return withCompressed(
      checkpoint,
      recipe,
      {
        target: await cpuTarget(recipe),
        signal,
        inPhase,
        calibration: await calibrationOf({ checkpoint: ref, threads, recipe: text, calibration }),
        onCalibrated: (done, of) => emit({ phase: 'calibrate', done, of }),
        packed: cpuForm(byteDotOf(bestBuild())),
        onLinear: (report) => emit({ phase: 'compress', done: layer, of: layers, report }),
      },
      async (model) => {
        ({ layers } = model.config);
        // What belongs to no layer comes first, so that a picture of all bytes keeps its scale while layers come.
        const outer = [outerReport('embedding', await model.embedding())];
        const head = await model.head();
        if (head) outer.push(outerReport('head', head));
        emit({ phase: 'compress', done: 0, of: layers, outer });
        for (; layer < layers; layer++) {
          if (signal.aborted)
            throw new JoulewiseError(
              'cancelled',
              'Stopped while compressing. Calibrated layers that are finished are kept.',
            );
          await inPhase('compress', () => model.layer(layer));
        }
        for (const name of vectorNames(model.config)) await model.vector(name);
        return { layers: [...model.reports()], outer, compression: model.counted(), ms };
      },
    );
  },

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

  async openAssistant({ given, ...args }, { emit, signal }) {
    assistant = await openAssistant(
      { ...args, train: given ? (await take(given)).train : [] },
      {
        openFiles,
        keepingOf,
        openHost,
        assets: ASSETS,
        signal,
        onProgress: (done, of) => emit({ phase: 'load', done, of }),
      },
    );
    return { kernel: assistant.kernel, fallbacks: [...assistant.fallbacks] };
  },

  assist({ text }, { emit, signal }) {
    if (!assistant) throw new JoulewiseError('internal', 'No variant is open in this thread.');
    return assistant.answer(text, { signal, onText: (task, written) => emit({ task, text: written }) });
  },

  unit: async ({ given, ...args }, { emit, signal }) =>
    runUnit(
      { ...args, ...(await take(given)) },
      { openFiles, keepingOf, openHost, assets: ASSETS, onProgress: emit, signal },
    ),
});

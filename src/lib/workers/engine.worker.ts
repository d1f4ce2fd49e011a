import { openCheckpoint } from '../checkpoint/checkpoint';
import { outerReport } from '../compress/compress';
import { parseRecipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import { bestBuild, byteDotOf } from '../cpu/module';
import { vectorNames } from '../checkpoint/block';
import { type Assistant, openAssistant } from '../measure/assist';
import { openUnit } from '../measure/unit';
import type { OpenUnit } from '../plan/sessions';
import { cpuForm, withCompressed } from '../variant/compress';
import { topK } from '../engine/session';
import { exportVariant } from '../export/onnx';
import { exportGguf } from '../export/gguf';
import { sizesOf } from '../export/sizes';
import { generate } from '../engine/generate';
import { probeDevice } from '../device/probe';
import { writeWeights } from '../export/safetensors';
import { createExport } from '../store/exports';
import { ASSETS } from './assets';
import { benches } from './benches';
import { keepingOf, openFiles } from './checkpoints';
import { openHost } from './pool';
import type { EngineApi } from './protocol';
import { serve } from './rpc';
import { take } from './tickets';
import { calibrationOf, cpuTarget, openRequest, ratesFor, stopwatch } from './variant';

/** The variant of a plan that this thread measures. */
let measured: OpenUnit | null = null;
/** The variant that answers pasted tickets, in a thread that was opened for it. */
let assistant: Assistant | null = null;

function opened(): OpenUnit {
  if (!measured) throw new JoulewiseError('internal', 'No variant is open in this thread.');
  return measured;
}

serve<EngineApi>({
  ...benches,

  probe: () => probeDevice(),

  async evaluate(args, { emit, signal }) {
    const { session, tokenizer, compression, ms } = await openRequest(args, emit, signal);
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
    const { session, tokenizer, stopIds } = await openRequest(args, emit, signal);
    const promptIds = args.chat
      ? tokenizer.chat([{ role: 'user', content: args.prompt }])
      : tokenizer.encode(args.prompt);
    const made = await generate(session, promptIds, {
      maxNewTokens: args.maxNewTokens,
      stopIds: args.ignoreStop ? [] : stopIds,
      inPhase: (_, work) => work(),
      signal,
    });
    return {
      promptIds,
      ...made,
      text: tokenizer.decode(made.ids),
      kernel: session.kernel,
      fallbacks: [...session.fallbacks],
    };
  },

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
        rates: await ratesFor(args.engine, args.profile ?? null),
        onProgress: (done, of) => emit({ phase: 'export', done, of }),
      },
    );
    return { ...report, id: folder.id };
  },

  async exportSizes({ checkpoint: ref, recipe: text, engine, storedBytes }) {
    const checkpoint = await openCheckpoint(await openFiles(ref));
    return sizesOf(checkpoint, parseRecipe(text), engine, storedBytes);
  },

  async exportGguf({ name, ...args }, { emit, signal }) {
    const folder = await createExport();
    const recipe = parseRecipe(args.recipe);
    const report = await exportGguf(await openCheckpoint(await openFiles(args.checkpoint)), recipe, folder, {
      id: name,
      signal,
      calibration: await calibrationOf(args),
      target: await cpuTarget(recipe),
      inPhase: (_, work) => work(),
      onProgress: (done, of) => emit({ phase: 'export', done, of }),
    });
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

  async inspect({ checkpoint: ref, threads, tasks, given, recipe: text }, { emit, signal }) {
    const checkpoint = await openCheckpoint(await openFiles(ref));
    const { ms, inPhase } = stopwatch('calibrate', 'compress');
    let { layers } = checkpoint.config;
    let layer = 0;
    const recipe = parseRecipe(text);
    const calibration = given && { tasks, given };
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

  async openUnit({ given, ...args }, { emit, signal }) {
    measured = await openUnit(
      { ...args, ...(await take(given)) },
      { openFiles, keepingOf, openHost, assets: ASSETS, onProgress: emit, signal },
    );
    const { kernel, threads, memoryBytes } = measured;
    return { kernel, threads, memoryBytes };
  },

  slice: ({ unit, ...o }, { emit, signal }) => opened().slice(unit, { ...o, onProgress: emit, signal }),

  pieces: ({ n }) => opened().pieces(n),
});

import { ADAPTER_FILES } from '../checkpoint/adapter';
import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint';
import { bytesSource, type FileSet } from '../checkpoint/source';
import { createTokenizer } from '../checkpoint/tokenizer';
import { parseRecipe } from '../compress/recipe';
import { totalBytes } from '../core/cost';
import { JoulewiseError } from '../core/errors';
import { bytes, flops } from '../core/units';
import { taskOf } from '../data/tasks';
import { probeDevice } from '../device/probe';
import { writeWeights } from '../export/safetensors';
import { freeze } from '../gradient/frozen';
import { passCost } from '../gradient/work';
import { examplesOf } from '../measure/examples';
import { openMeter } from '../meter/open';
import { mainReadings } from '../meter/readings';
import { createExport, type ExportFolder } from '../store/exports';
import { loraLayout, newAdapter } from '../tune/lora';
import { toPeft } from '../tune/peft';
import { meanLoss, startTuning, tune, type TuneEngine } from '../tune/trainer';
import { compressVariant } from '../variant/compress';
import { openFiles } from './checkpoints';
import { calibrationThreads } from './pool';
import { serve } from './rpc';
import { take } from './tickets';
import { openThreads } from './tune-threads';
import type { TuneApi, TuneRequest } from './tune-protocol';
import { calibrationOf } from './variant';

/** Reads and compresses the model as a run of this recipe would, and keeps its weights as they are stored. */
async function frozenOf(
  checkpoint: Checkpoint,
  { recipe: text, checkpoint: ref, threads }: TuneRequest,
  o: { signal: AbortSignal; onLayer: (done: number, of: number) => void },
) {
  const recipe = parseRecipe(text);
  const { model, close } = await compressVariant(checkpoint, recipe, {
    inPhase: (_, work) => work(),
    calibration: await calibrationOf({ checkpoint: ref, threads, recipe: text, calibration: null }),
    signal: o.signal,
  });
  try {
    return await freeze(model, o.onLayer);
  } finally {
    close();
  }
}

async function write(folder: ExportFolder, files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<void> {
  for (const [name, data] of Object.entries(files)) {
    const file = await folder.open(name);
    await file.append(data);
    await file.close();
  }
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

serve<TuneApi>({
  async tune(request, { emit, signal }) {
    const { tasks, templates, lora: chosen, options, profile } = request;
    const { train, validation, causes } = await take(request.given);
    const device = await probeDevice();
    const meter = openMeter({ device, engine: 'cpu', profile }, () => undefined);
    const none = { bytes: bytes(0), flops: flops(0), tokens: null };
    const files = await openFiles(request.checkpoint);
    const checkpoint = await openCheckpoint(files);
    const frozen = await meter.window('load', none, () =>
      frozenOf(checkpoint, request, { signal, onLayer: (done, of) => emit({ phase: 'load', done, of }) }),
    );
    const { config, ffnSizes } = frozen;
    const lora = loraLayout(config, ffnSizes, chosen);
    const tokenizer = createTokenizer(checkpoint.tokenizer);
    const rows = tasks.map((task) => taskOf(task, templates));
    const make = (tickets: typeof train) => examplesOf(tokenizer, config.eosTokenIds, rows, tickets, causes, config.maxPositions);
    const [learning, checking] = [make(train), make(validation)];
    if (learning.length === 0)
      throw new JoulewiseError('input.empty', 'None of the training tickets has an answer for this task. Map a column to it.');
    const threads = await openThreads(frozen, lora, calibrationThreads(request.threads));
    const metered: TuneEngine = {
      losses: (passes, adapter) => threads.losses(passes, adapter),
      gradients: (passes, factor, adapter) => {
        const costs = passes.map((pass) => passCost(frozen, lora, pass, { back: true }));
        return meter.window(
          'train',
          {
            bytes: bytes(costs.reduce((n, c) => n + totalBytes(c), 0)),
            flops: flops(costs.reduce((n, c) => n + c.flops, 0)),
            tokens: passes.reduce((n, { ids }) => n + ids.length, 0),
          },
          () => threads.gradients(passes, factor, adapter),
        );
      },
    };
    try {
      const start = newAdapter(lora, options.seed);
      const untuned = await meanLoss(metered, checking, start);
      if (untuned !== null) emit({ evaluation: { step: 0, loss: untuned } });
      let told = 0;
      const done = await tune(
        {
          engine: metered,
          train: learning,
          validation: checking,
          joules: () => mainReadings(meter.peek()).find(({ phase }) => phase === 'train')?.joules?.mid ?? null,
          now: () => performance.now(),
          onStep: ({ steps, evaluations }) => {
            const step = steps.at(-1);
            if (step) emit({ step });
            for (; told < evaluations.length; told++) emit({ evaluation: evaluations[told] as (typeof evaluations)[number] });
          },
          signal,
        },
        options,
        startTuning(start),
      );
      const folder = await createExport();
      const adapter = toPeft(lora, done.adapter, chosen, request.name);
      await write(folder, adapter);
      if (request.merged)
        await writeWeights(
          await openCheckpoint(beside(files, adapter)),
          parseRecipe('fp32'),
          { ...folder, open: (name) => folder.open(`merged/${name}`) },
          { inPhase: (_, work) => work(), signal },
        );
      return {
        id: folder.id,
        end: done.end,
        at: done.at,
        steps: done.state.steps,
        evaluations: done.state.evaluations,
        untuned,
        examples: { train: learning.length, validation: checking.length },
        parameters: lora.size,
        threads: threads.threads,
        readings: await meter.read(),
      };
    } finally {
      threads.end();
    }
  },
});

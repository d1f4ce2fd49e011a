import type { Checkpoint } from '../checkpoint/checkpoint';
import { checkIds, tooLong, type ModelConfig } from '../checkpoint/config';
import { names, readVectors } from '../checkpoint/block';
import { JoulewiseError } from '../core/errors';
import type { Work } from '../core/cost';
import type { Compression } from '../schema/run';
import { WgslBuilder, type WgslModel } from '../wgsl/model';
import { withCompressed, type Calibration, type CompressedModel, type Recipe } from '../variant/compress';
import { matrixBytes, type MatrixLayout } from '../wgsl/pack';
import { scoreEach } from './candidates';
import { logProbability, oneByOne, type EngineSession } from './session';
import { refuseKv8 } from '../variant/kernels';
import { watchLoss } from './loss';
import type { InPhase } from '../variant/prepare';

/** Positions of the cache; a prototype's, enough for a ticket and its answer. */
const CAPACITY = 1024;
/** Positions whose logits are read back at once. */
const CHUNK = 64;

export interface OpenedWgsl {
  session: EngineSession;
  compression: Compression;
}

/** Checkpoint -> recipe -> our own WGSL on the GPU, layer by layer. A prototype: one token a step, prefill included. */
export async function openWgsl(
  checkpoint: Checkpoint,
  recipe: Recipe,
  device: GPUDevice,
  o: {
    inPhase: InPhase;
    calibration?: Calibration | null;
    fallbacks: readonly string[];
    onProgress?: (done: number, of: number) => void;
    signal?: AbortSignal | undefined;
  },
): Promise<OpenedWgsl> {
  refuseKv8(recipe);
  return withCompressed(checkpoint, recipe, o, (model) => upload(model, device, o));
}

async function upload(
  model: CompressedModel,
  device: GPUDevice,
  o: Parameters<typeof openWgsl>[3],
): Promise<OpenedWgsl> {
  const { config } = model;
  // A shader or a binding that WebGPU refuses only makes its results zeros: ask.
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  const builder = new WgslBuilder(device, config, Math.min(CAPACITY, config.maxPositions));
  const vector = (name: string) => model.vector(name);
  for (let layer = 0; layer < config.layers; layer++) {
    if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'Stopped while preparing the variant.');
    const linear = await o.inPhase('compress', () => model.layer(layer));
    const vectors = await readVectors(config, layer, vector);
    await o.inPhase('load', () => Promise.resolve(builder.layer({ linear, vectors })));
    o.onProgress?.(layer + 1, config.layers + 1);
  }
  const embedding = await o.inPhase('compress', () => model.embedding());
  const head = await o.inPhase('compress', () => model.head());
  const finalNorm = await vector(names.finalNorm);
  const ready = await o.inPhase('load', () => Promise.resolve(builder.finish(finalNorm, embedding, head)));
  if (await device.popErrorScope())
    throw new JoulewiseError('engine.memory', 'The variant did not fit the GPU. Choose a smaller model or fewer bits.');
  const refused = await device.popErrorScope();
  if (refused) throw new JoulewiseError('engine.failed', `WebGPU refused the prototype's kernels: ${refused.message}`);
  const compression = { ...model.counted(), computedBytes: ready.weightBytes };
  return { session: sessionOf(ready, device, config, o.fallbacks), compression };
}

function sessionOf(
  model: WgslModel,
  device: GPUDevice,
  config: ModelConfig,
  fallbacks: readonly string[],
): EngineSession {
  const { vocabSize, layers, heads, kvHeads, headDim } = config;
  let length = 0;
  const watch = watchLoss(device);
  const run = async (ids: readonly number[], start: number, logits: number) => {
    if (start + ids.length > model.capacity)
      throw new JoulewiseError('engine.failed', tooLong(config, start + ids.length, model.capacity));
    checkIds(config, ids);
    try {
      return await watch.during(() => model.run(ids, start, logits));
    } catch (cause) {
      if (cause instanceof JoulewiseError) throw cause;
      throw new JoulewiseError('engine.failed', `WebGPU failed: ${String(cause)}`, { cause });
    }
  };
  const row = (logits: Float32Array, i: number) => logits.subarray(i * vocabSize, (i + 1) * vocabSize);
  const sparse = model.layouts.some((l) => l.sparse);
  const formats = [...new Set(model.layouts.map((l) => l.format + (l.sparse ? ' 2:4' : '')))].join(', ');
  return {
    engine: 'wgsl',
    kernel: `own WGSL prototype, weights ${formats}, computed fp32 (WebGPU)`,
    arithmetic: 'f32',
    threads: 1,
    prefixes: null,
    maxPositions: model.capacity,
    fallbacks: sparse ? fallbacks : [...fallbacks, 'No matrix of this recipe is 2:4, so all are computed dense.'],
    async prefill(ids) {
      length = ids.length;
      return run(ids, 0, 1);
    },
    decode: (id) => run([id], length++, 1),
    async score(prompt, candidates) {
      const first = row(await run(prompt, 0, 1), 0);
      length = 0;
      return scoreEach(first, candidates, (ids) => run(ids, prompt.length, ids.length));
    },
    scorePasses: oneByOne,
    async evaluate(ids) {
      const logProbs = new Float64Array(Math.max(0, ids.length - 1));
      let last = new Float32Array(0);
      for (let start = 0; start < ids.length; start += CHUNK) {
        const chunk = ids.slice(start, start + CHUNK);
        const logits = await run(chunk, start, chunk.length);
        chunk.forEach((_, i) => {
          const next = ids[start + i + 1];
          if (next === undefined) last = row(logits, i).slice();
          else logProbs[start + i] = logProbability(row(logits, i), next);
        });
      }
      length = 0;
      return { logProbs, last };
    },
    work(fresh, past, logits): Work {
      // A step reads every weight; the head's only where logits are wanted.
      const matrix = (l: MatrixLayout, steps: number) => ({
        operations: 2 * l.rows * l.columns * (l.sparse ? 0.5 : 1) * steps,
        weightBytes: steps * matrixBytes(l),
      });
      const inner = model.layouts.slice(0, -1).map((l) => matrix(l, fresh));
      const outer = model.layouts.slice(-1).map((l) => matrix(l, Math.min(fresh, logits)));
      const all = [...inner, ...outer];
      const pairs = fresh * past + (fresh * (fresh + 1)) / 2;
      const cache = 4 * layers * 2 * kvHeads * headDim;
      return {
        operations: all.reduce((n, m) => n + m.operations, 0) + 4 * layers * heads * headDim * pairs,
        weightBytes: all.reduce((n, m) => n + m.weightBytes, 0),
        activationBytes: cache * pairs + 4 * vocabSize * logits,
      };
    },
    fence: () => watch.during(() => device.queue.onSubmittedWorkDone()),
    heapBytes: () => null,
    takeKernels: () => null,
    close() {
      watch.end();
      model.destroy();
      device.destroy();
      return Promise.resolve();
    },
  };
}

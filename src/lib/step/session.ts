import type * as Ort from 'onnxruntime-web';
import type { LoraLayout } from '../block/lora';
import { JoulewiseError } from '../core/errors';
import { watchLoss, type LossWatch } from '../engine/loss';
import { gpuDevice, loadRuntime, sessionOptions, type OrtAssets } from '../engine/runtime';
import type { Frozen } from '../gradient/frozen';
import type { Pass, PassResult } from '../gradient/pass';
import { encodeModel } from '../graph/encode';
import type { AdamWOptions } from '../tune/optimizer';
import type { HeldState, Numbers, TuneEngine } from '../tune/trainer';
import { feedsOf } from './feeds';
import { buildStep, STATE, type StepGraph } from './graph';
import { checkPass, checkWeights } from './size';

export interface StepOptions {
  /** ONNX Runtime on WebGPU, no node of which may land on the processor; else in WebAssembly. */
  gpu: boolean;
  threads: number;
  assets: { wasm: OrtAssets; webgpu: OrtAssets };
}

/** An engine of whole steps. `kernel` says in words what computes. */
export interface StepSession extends TuneEngine {
  held: HeldState;
  kernel: string;
  threads: number;
  end(): void;
}

/** Where nothing is clipped: more than any norm in float32. */
const UNBOUNDED = 3e38;
/** Numbers that a pass takes whatever the step is. */
const NO_STEP = { size: 0, root: 1, keep: 1, clip: UNBOUNDED };

type State = Record<(typeof STATE)[number], Ort.Tensor>;

const failed = (cause: unknown, what: string): JoulewiseError => {
  if (cause instanceof JoulewiseError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return /memory|alloc|out of bounds|RangeError/i.test(text)
    ? new JoulewiseError(
        'engine.memory',
        'A training step did not fit into memory. Choose a smaller model, fewer bits or a smaller --batch, or the engine "cpu".',
        { cause },
      )
    : new JoulewiseError('engine.failed', `ONNX Runtime ${what}: ${text.slice(0, 300)}`, { cause });
};

/** Tensors of numbers in the memory of whoever computes. */
function memoryOf(ort: typeof Ort, device: GPUDevice | null) {
  return {
    put(data: Float32Array): Ort.Tensor {
      if (!device) return new ort.Tensor('float32', data.slice(), [data.length]);
      const buffer = device.createBuffer({
        size: Math.ceil(data.byteLength / 16) * 16,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
      device.queue.writeBuffer(buffer, 0, data);
      return ort.Tensor.fromGpuBuffer(buffer, {
        dataType: 'float32',
        dims: [data.length],
        dispose: () => buffer.destroy(),
      });
    },
    /** A copy. The tensor stays where it is: `Tensor.getData` would move it off the GPU. */
    async get(tensor: Ort.Tensor): Promise<Float32Array<ArrayBuffer>> {
      if (!device) return Float32Array.from(tensor.data as Float32Array);
      const bytes = 4 * tensor.size;
      const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      const commands = device.createCommandEncoder();
      commands.copyBufferToBuffer(tensor.gpuBuffer, 0, staging, 0, bytes);
      device.queue.submit([commands.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const out = new Float32Array(staging.getMappedRange()).slice();
      staging.destroy();
      return out;
    },
  };
}

/** Runs one pass of a step. */
type Run = (
  pass: Pass,
  factor: number,
  state: State,
  step: typeof NO_STEP,
  outputs: readonly string[],
) => Promise<{ result: PassResult; out: Ort.InferenceSession.OnnxValueMapType }>;

function runnerOf(
  ort: typeof Ort,
  session: Ort.InferenceSession,
  { config }: Frozen,
  device: GPUDevice | null,
  watch: LossWatch,
): Run {
  const { Tensor } = ort;
  return async (pass, factor, state, step, outputs) => {
    const fed = feedsOf(config, pass, factor);
    if (device) checkPass(config, fed, device.limits);
    const feeds: Record<string, Ort.Tensor> = { ...state };
    for (const [name, { data, dims }] of Object.entries(fed.floats)) feeds[name] = new Tensor('float32', data, dims);
    for (const [name, data] of Object.entries(fed.ids))
      feeds[name] = new Tensor('int64', data, name === 'rows' ? [data.length, 1] : [data.length]);
    for (const [name, value] of Object.entries(step)) feeds[name] = new Tensor('float32', Float32Array.of(value), [1]);
    const out = await watch
      .during(() => session.run(feeds, [...outputs]))
      .catch((cause: unknown) => {
        throw failed(cause, 'failed in a training step');
      });
    const each = Float64Array.from((out['each']?.data as Float32Array).subarray(0, fed.labels));
    const sum = (of: (i: number) => number) => fed.counts.reduce((n, _, i) => n + of(i), 0);
    const loss = sum((i) => (each[i] as number) * (fed.counts[i] as number));
    return { result: { loss, labels: sum((i) => fed.counts[i] as number), each }, out };
  };
}

async function createSession(
  ort: typeof Ort,
  { graph, weights }: StepGraph,
  device: GPUDevice | null,
  watch: LossWatch,
): Promise<Ort.InferenceSession> {
  const onGpu = Object.fromEntries(
    graph.outputs.filter(({ name }) => name.endsWith('_out')).map(({ name }) => [name, 'gpu-buffer' as const]),
  );
  try {
    return await watch.during(() =>
      ort.InferenceSession.create(
        encodeModel(graph, (w) => ({ location: w.name, offset: 0 })),
        {
          ...sessionOptions(device),
          externalData: weights.map(({ name, data }) => ({ path: name, data })),
          ...(device ? { preferredOutputLocation: onGpu } : {}),
        },
      ),
    );
  } catch (cause) {
    throw failed(cause, 'could not open the training step');
  }
}

/**
 * Opens the training of an adapter as one graph a step. Numbers and moments stay where it computes, on a GPU in buffers of
 * its own. Throws `engine.unavailable` without a GPU, `engine.memory` where a buffer or all of it is too large.
 */
export async function openStep(
  model: Frozen,
  lora: LoraLayout,
  adamw: AdamWOptions,
  o: StepOptions,
): Promise<StepSession> {
  const device = o.gpu ? await gpuDevice() : null;
  const threads = o.gpu || !globalThis.crossOriginIsolated ? 1 : o.threads;
  const built = buildStep(model, lora, adamw);
  if (device) checkWeights(built.graph, device.limits);
  const ort = await loadRuntime(o.gpu ? 'webgpu' : 'wasm', {
    assets: o.gpu ? o.assets.webgpu : o.assets.wasm,
    threads,
  });
  const watch = watchLoss(device);
  const session = await createSession(ort, built, device, watch);
  const memory = memoryOf(ort, device);
  const run = runnerOf(ort, session, model, device, watch);
  const zeros = memory.put(new Float32Array(lora.size));
  let state: State = { P: zeros, M: zeros, V: zeros, G: zeros };
  let taken = 0;
  const drop = (tensor: Ort.Tensor | undefined) => void (tensor && tensor !== zeros && tensor.dispose());

  /** Passes one after the other, each of which is given the gradient of those before; outputs of the last. */
  async function runAll(passes: readonly Pass[], factor: number, from: State, step: typeof NO_STEP, last: string[]) {
    const results: PassResult[] = [];
    let total = zeros;
    for (const [i, pass] of passes.entries()) {
      const outputs = ['each', ...(i === passes.length - 1 ? last : ['G_out'])];
      const { result, out } = await run(pass, factor, { ...from, G: total }, step, outputs);
      results.push(result);
      drop(total);
      if (i === passes.length - 1) return { results, out };
      total = out['G_out'] as Ort.Tensor;
    }
    throw new JoulewiseError('internal', 'A step has no passes.');
  }
  async function lossesFrom(passes: readonly Pass[], from: State): Promise<PassResult[]> {
    const results: PassResult[] = [];
    for (const pass of passes) results.push((await run(pass, 0, from, NO_STEP, ['each'])).result);
    return results;
  }
  /** With other numbers for one call. */
  async function among<T>(numbers: Float32Array, work: (from: State) => Promise<T>): Promise<T> {
    const P = memory.put(numbers);
    try {
      return await work({ P, M: zeros, V: zeros, G: zeros });
    } finally {
      P.dispose();
    }
  }
  const held: HeldState = {
    load({ numbers, optimizer }) {
      for (const name of STATE) drop(state[name]);
      state = {
        P: memory.put(numbers),
        M: memory.put(optimizer.first),
        V: memory.put(optimizer.second),
        G: zeros,
      };
      taken = optimizer.taken;
      return Promise.resolve();
    },
    losses: (passes) => lossesFrom(passes, state),
    async step(passes, factor, { lr, clip, decay, beta1, beta2 }) {
      const t = taken + 1;
      const { results, out } = await runAll(
        passes,
        factor,
        state,
        {
          size: lr / (1 - beta1 ** t),
          root: Math.sqrt(1 - beta2 ** t),
          keep: 1 - lr * decay,
          clip: clip ?? UNBOUNDED,
        },
        ['norm', 'P_out', 'M_out', 'V_out'],
      );
      const norm = (out['norm']?.data as Float32Array)[0] as number;
      const good = Number.isFinite(norm) && results.every(({ loss }) => Number.isFinite(loss));
      for (const name of ['P', 'M', 'V'] as const) {
        const fresh = out[`${name}_out`] as Ort.Tensor;
        if (device && fresh.location !== 'gpu-buffer')
          throw new JoulewiseError('internal', `The state ${name} of training left the GPU.`);
        drop(good ? state[name] : fresh);
        if (good) state[name] = fresh;
      }
      if (good) taken = t;
      return { results, norm };
    },
    async read(): Promise<Numbers> {
      const [numbers, first, second] = [
        await memory.get(state.P),
        await memory.get(state.M),
        await memory.get(state.V),
      ];
      return { numbers, optimizer: { first, second, taken } };
    },
  };
  return {
    held,
    losses: (passes, numbers) => among(numbers, (from) => lossesFrom(passes, from)),
    gradients: (passes, factor, numbers) =>
      among(numbers, async (from) => {
        const { results, out } = await runAll(passes, factor, from, NO_STEP, ['G_out']);
        const total = out['G_out'] as Ort.Tensor;
        const gradient = await memory.get(total);
        total.dispose();
        return { results, gradient };
      }),
    kernel: `one ONNX graph of ${built.graph.nodes.length} nodes a step, fp32, ${device ? 'state in gpu-buffer (WebGPU)' : 'state in memory (WASM)'}`,
    threads,
    end() {
      // Of a lost device there is nothing to release, and asking for it fails.
      if (watch.lost) return;
      watch.end();
      for (const name of STATE) drop(state[name]);
      zeros.dispose();
      void session.release();
    },
  };
}

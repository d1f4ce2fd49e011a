import { openCheckpoint } from '../checkpoint/checkpoint';
import type { FileSet } from '../checkpoint/source';
import { answerIds, createTokenizer, type Tokenizer } from '../checkpoint/tokenizer';
import { JoulewiseError } from '../core/errors';
import type { Compression } from '../schema/run';
import type { EngineName, OpenedEngine } from '../schema/engines';
import {
  formatRecipe,
  parseRecipe,
  targetOf,
  type Calibration,
  type CalibrationHost,
  type RatesOf,
  type Recipe,
} from '../variant/compress';
import { spawnWorker } from '../cpu/spawn';
import { bestBuild, byteDotOf, type Spawn } from '../cpu/module';
import type { BuildName } from '../core/dot';
import { chosenHere, hashOf } from './choice';
import { openCpu } from './cpu';
import type { EngineSession } from './session';
import { hubDtype, openHub } from './hub';
import type { PackedStore, TimingStore } from '../variant/kept';
import { adapterMerged, checkTuned, mergedOrBeside, mergedWith, type Tuned } from '../variant/tuned';
import { chooseKernel, featuresOf, type GraphKernelRow } from '../variant/kernels';
import { openOrt } from './ort';
import { gpuDevice, type OrtAssets } from './runtime';
import { prepareVariant, type InPhase } from '../variant/prepare';
import { MAX_THREADS } from '../device/limits';
import { subgroupsServe } from '../device/probe';
import { openWgsl } from './wgsl';

/** What variants are opened with, for those who open them. */
export { answerIds, checkTuned };
export type { CalibrationHost, FileSet, PackedStore, TimingStore, Tokenizer, Tuned };

/** Addresses of the runtimes' files, by backend. */
export interface Assets {
  wasm: OrtAssets;
  webgpu: OrtAssets;
  /** Our own kernels, one WebAssembly module a build. */
  cpu: Readonly<Record<BuildName, string>>;
}

export interface OpenOptions {
  /** Where the checkpoint's files are. */
  files: FileSet;
  /** A recipe, or for the `hub` engine the name of a ready-made export. */
  variant: string;
  engine: EngineName;
  /** Null = as many as the device has cores, at most 8. */
  threads: number | null;
  /** Build of our own kernels; null or none = the best that this browser runs. */
  kernelBuild?: BuildName | null;
  assets: Assets;
  inPhase: InPhase;
  /** Where recipes that calibrate take their text and threads from; null where there is none. */
  calibration?: Calibration | null;
  /** Where the engine `cpu` keeps what its kernels took when they were timed; absent or null = nowhere. */
  timings?: TimingStore | null;
  /** Where the engine `cpu` keeps packed models; null or none = nowhere. */
  keeping?: PackedStore | null;
  /** The adapter that was trained for this variant; null or none = none was. */
  tuned?: Tuned | null;
  /** Of the device: what a budget of joules counts with. */
  rates: RatesOf;
  /** Of calibration, before compression begins. */
  onCalibrated?: (done: number, of: number) => void;
  onProgress?: (done: number, of: number) => void;
  /** Before a kernel thread is started (0) and after (1). */
  onThread?: (done: 0 | 1) => void;
  signal?: AbortSignal | undefined;
}

export interface OpenVariant {
  session: EngineSession;
  tokenizer: Tokenizer;
  /** Ids that end an answer. */
  stopIds: readonly number[];
  family: string;
  /** Null where the weights are not ours to count. */
  compression: Compression | null;
}

/** Threads that this page may use, and why fewer than asked. */
export function chooseThreads(asked: number | null): { threads: number; fallbacks: string[] } {
  const wanted = asked ?? Math.min(navigator.hardwareConcurrency || 1, MAX_THREADS);
  if (wanted > 1 && !globalThis.crossOriginIsolated)
    return {
      threads: 1,
      fallbacks: [`This page is not cross-origin isolated, so WebAssembly runs on 1 thread instead of ${wanted}.`],
    };
  return { threads: wanted, fallbacks: [] };
}

/** What an engine that runs a checkpoint's own weights needs besides them. */
interface OwnWeights {
  recipe: Recipe;
  kernel: GraphKernelRow;
  fallbacks: readonly string[];
  threads: number;
  device: GPUDevice | null;
}

/** Checkpoint -> recipe -> graph and weights -> ONNX Runtime. */
async function openOwn(o: OpenOptions, own: OwnWeights): Promise<OpenVariant> {
  const { checkpoint, recipe, adapter } = mergedOrBeside(await openCheckpoint(o.files), own.recipe, o.tuned ?? null);
  const variant = await prepareVariant(checkpoint, recipe, own.kernel, {
    use: 'engine',
    ...o,
    adapter,
    target: targetOf(own.kernel, o.rates),
  });
  const compression = { ...variant.compression, recipe: formatRecipe(own.recipe) };
  const assets = own.device ? o.assets.webgpu : o.assets.wasm;
  const fallbacks = [...own.fallbacks, ...checkpoint.notes, ...adapterMerged(checkpoint)];
  const session = await o.inPhase('load', () => openOrt(variant, { ...own, fallbacks, assets }));
  return {
    session,
    tokenizer: createTokenizer(checkpoint.tokenizer),
    stopIds: checkpoint.config.eosTokenIds,
    family: checkpoint.config.family,
    compression,
  };
}

/** What a page knows of the processor that kernels are timed on. */
export const thisProcessor = (): string => `${navigator.hardwareConcurrency} cores, ${navigator.userAgent}`;

/** Fetches and compiles a kernel module. */
export async function loadKernels(url: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compileStreaming(fetch(url));
  } catch (cause) {
    throw new JoulewiseError(
      'engine.failed',
      'The kernels of this site could not be loaded. Reload the page, or choose the engine "ort-cpu".',
      { cause },
    );
  }
}

/** Starts kernel threads, and says so before and after: the start itself may hang. */
const toldSpawn =
  (onThread: OpenOptions['onThread']): Spawn =>
  async (seat) => {
    onThread?.(0);
    try {
      return await spawnWorker(seat);
    } finally {
      onThread?.(1);
    }
  };

/** How each engine opens a variant; what else an engine is stands in `schema/engines.ts`. */
export const OPENERS: Readonly<Record<OpenedEngine, (o: OpenOptions) => Promise<OpenVariant>>> = {
  cpu: async (o) => {
    const recipe = parseRecipe(o.variant);
    const { threads, fallbacks } = chooseThreads(o.threads);
    const checkpoint = await openCheckpoint(o.files);
    const build = o.kernelBuild ?? bestBuild();
    const module = await o.inPhase('load', () => loadKernels(o.assets.cpu[build]));
    const own = byteDotOf(build);
    const choice = await o.inPhase('load', async () =>
      chosenHere(checkpoint.config, recipe, own, {
        module,
        moduleHash: await hashOf(o.assets.cpu[build]),
        build,
        processor: thisProcessor(),
        threads,
        spawn: toldSpawn(o.onThread),
        timings: o.timings ?? null,
      }),
    );
    const { dot, notes } = choice;
    const { kernel, fallbacks: lacking } = chooseKernel('cpu', recipe, featuresOf(dot));
    // A form that was chosen against is not one that the device lacks.
    const missing = dot === own ? [...lacking, ...notes] : notes;
    const opened = await openCpu(checkpoint, recipe, {
      ...o,
      kernel,
      target: targetOf(kernel, o.rates, dot),
      fallbacks: [...fallbacks, ...missing],
      threads,
      build,
      choice,
      loadModule: () => Promise.resolve(module),
      spawn: toldSpawn(o.onThread),
    });
    return {
      ...opened,
      tokenizer: createTokenizer(checkpoint.tokenizer),
      stopIds: checkpoint.config.eosTokenIds,
      family: checkpoint.config.family,
    };
  },
  'ort-cpu': (o) => {
    const recipe = parseRecipe(o.variant);
    const { threads, fallbacks } = chooseThreads(o.threads);
    return openOwn(o, { recipe, ...chooseKernel('ort-cpu', recipe, []), fallbacks, threads, device: null });
  },
  'ort-gpu': async (o) => {
    const recipe = parseRecipe(o.variant);
    const device = await gpuDevice();
    return openOwn(o, { recipe, ...chooseKernel('ort-gpu', recipe, [...device.features]), threads: 1, device });
  },
  wgsl: async (o) => {
    const files = await openCheckpoint(o.files);
    const { checkpoint, recipe } = mergedWith(files, parseRecipe(o.variant), o.tuned ?? null);
    const device = await gpuDevice();
    return {
      ...(await openWgsl(checkpoint, recipe, device, {
        ...o,
        fallbacks: [...checkpoint.notes, ...adapterMerged(checkpoint)],
      })),
      tokenizer: createTokenizer(checkpoint.tokenizer),
      stopIds: checkpoint.config.eosTokenIds,
      family: checkpoint.config.family,
    };
  },
  hub: async (o) => {
    const dtype = hubDtype(o.variant);
    const { threads, fallbacks } = chooseThreads(o.threads);
    const gpuAdapter = 'gpu' in navigator ? await navigator.gpu.requestAdapter() : null;
    // A software gpuAdapter is 50 times slower than WebAssembly, and the library asks for subgroups of any size.
    const serves = gpuAdapter && (!gpuAdapter.features.has('subgroups') || subgroupsServe(gpuAdapter));
    const device = serves && gpuAdapter.info.isFallbackAdapter !== true ? 'webgpu' : 'wasm';
    return o.inPhase('load', () =>
      openHub({ files: o.files, dtype, device, threads, fallbacks, assets: o.assets.webgpu }),
    );
  },
};

export function openVariant(o: OpenOptions): Promise<OpenVariant> {
  const opener = (OPENERS as Partial<Record<EngineName, (typeof OPENERS)[OpenedEngine]>>)[o.engine];
  if (!opener)
    throw new JoulewiseError(
      'option.unknown',
      `Engine "${o.engine}" cannot open a model here. Engines: ${Object.keys(OPENERS).join(', ')}.`,
    );
  return opener(o);
}

import type { Checkpoint } from '../checkpoint/checkpoint';
import type { Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import type { Compression, EngineName } from '../schema/run';
import type { EngineSession } from './engine';
import { chooseKernel } from './kernels';
import { openOrt, type OrtAssets } from './ort';
import { prepareVariant, type InPhase } from './prepare';
import { requestGpuDevice } from './probe';

/** Addresses of the runtimes' files, by backend. */
export interface Assets {
  wasm: OrtAssets;
  webgpu: OrtAssets;
}

export interface OpenOptions {
  checkpoint: Checkpoint;
  recipe: Recipe;
  engine: EngineName;
  /** Null = as many as the device has cores, at most 8. */
  threads: number | null;
  assets: Assets;
  inPhase: InPhase;
  onProgress?: (done: number, of: number) => void;
  signal?: AbortSignal | undefined;
}

export interface OpenVariant {
  session: EngineSession;
  compression: Compression;
}

/** More threads than this gain nothing on the small matrices of a decode step. */
const MAX_THREADS = 8;

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

/** Engines that run a checkpoint's own weights, one row each. `cpu`, our kernels, joins here. */
const OPENERS: Partial<Record<EngineName, (o: OpenOptions) => Promise<OpenVariant>>> = {
  'ort-cpu': async (o) => {
    const { threads, fallbacks } = chooseThreads(o.threads);
    const { kernel } = chooseKernel('ort-cpu', o.recipe.precision, []);
    const variant = await prepareVariant(o.checkpoint, o.recipe, kernel, { use: 'engine', ...o });
    const { compression } = variant;
    const session = await o.inPhase('load', () =>
      openOrt(variant, { kernel, fallbacks, threads, assets: o.assets.wasm, device: null }),
    );
    return { session, compression };
  },
  gpu: async (o) => {
    const device = await requestGpuDevice();
    if (!device)
      throw new JoulewiseError(
        'engine.unavailable',
        'This browser offers no WebGPU adapter here. Choose the engine "ort-cpu", or open the page in a browser with WebGPU.',
      );
    const { kernel, fallbacks } = chooseKernel('gpu', o.recipe.precision, [...device.features]);
    const variant = await prepareVariant(o.checkpoint, o.recipe, kernel, { use: 'engine', ...o });
    const { compression } = variant;
    const session = await o.inPhase('load', () =>
      openOrt(variant, { kernel, fallbacks, threads: 1, assets: o.assets.webgpu, device }),
    );
    return { session, compression };
  },
};

export function openVariant(o: OpenOptions): Promise<OpenVariant> {
  const opener = OPENERS[o.engine];
  if (!opener)
    throw new JoulewiseError(
      'option.unknown',
      `Engine "${o.engine}" cannot open a checkpoint's weights here. Engines: ${Object.keys(OPENERS).join(', ')}.`,
    );
  return opener(o);
}

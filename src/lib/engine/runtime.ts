import type * as Ort from 'onnxruntime-web';
import { requestGpuDevice } from '../device/probe';
import { JoulewiseError } from '../core/errors';
import { watchHeap } from './heap';

/** Addresses of ONNX Runtime's own files, served by this site. */
export interface OrtAssets {
  mjs: string;
  wasm: string;
}

let runtime: { name: 'wasm' | 'webgpu'; ort: typeof Ort } | null = null;

/** Loads the runtime once a thread; its heap never shrinks, so a thread serves one variant and ends. */
export async function loadRuntime(
  name: 'wasm' | 'webgpu',
  o: { assets: OrtAssets; threads: number },
): Promise<typeof Ort> {
  if (runtime?.name === name) return runtime.ort;
  if (runtime) throw new JoulewiseError('internal', 'One worker thread serves one backend.');
  watchHeap();
  // The plain build is 15 % faster at prefill than the one with WebGPU, and opens sessions twice as fast.
  const ort = name === 'wasm' ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web/webgpu');
  ort.env.wasm.wasmPaths = { mjs: o.assets.mjs, wasm: o.assets.wasm };
  ort.env.wasm.numThreads = o.threads;
  ort.env.logLevel = 'error';
  runtime = { name, ort };
  return ort;
}

/** What every session of ours is created with. */
export const sessionOptions = (device: GPUDevice | null): Ort.InferenceSession.SessionOptions => ({
  executionProviders: device ? [{ name: 'webgpu', device }] : ['wasm'],
  graphOptimizationLevel: 'all',
  // The cache grows by a token a step; an arena keeps regions for every size.
  // Without it long decodes were faster here (median 18 against 14 tokens/s, three noisy repeats).
  enableCpuMemArena: false,
  enableMemPattern: false,
  extra: {
    session: {
      // Prepacking copies every weight (twice the heap) and gains 2 %.
      disable_prepacking: '1',
      // A node that would silently run on the CPU makes creation fail instead.
      ...(device ? { disable_cpu_ep_fallback: '1' } : {}),
    },
  },
});

/** A GPU device. Throws `engine.unavailable` where there is none. */
export async function gpuDevice(): Promise<GPUDevice> {
  const device = await requestGpuDevice();
  if (device) return device;
  throw new JoulewiseError(
    'engine.unavailable',
    'This browser offers no WebGPU adapter here. Choose the engine "cpu", or open the page in a browser with WebGPU.',
  );
}

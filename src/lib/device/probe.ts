import type { Device } from '../schema/run';

/** Smallest modules that use a feature; `WebAssembly.validate` says whether the engine knows it (as wasm-feature-detect does). */
const FEATURE_MODULES = {
  // i32x4.splat, then drop
  simd: [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
  // i16x8.relaxed_dot_i8x16_i7x16_s
  relaxedSimd: [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15,
    253, 128, 2, 11,
  ],
  // i32.atomic.load in a shared memory
  threads: [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254, 16, 2, 0,
    26, 11,
  ],
} as const;

const validates = (bytes: readonly number[]) => WebAssembly.validate(Uint8Array.from(bytes));

/** Optional WebGPU features that engines use. */
const WANTED_FEATURES = ['shader-f16', 'subgroups', 'timestamp-query'] as const;

/** navigator.userAgentData and deviceMemory, which TypeScript's library does not know. */
interface HintedNavigator {
  userAgentData?: {
    platform: string;
    mobile: boolean;
    brands: { brand: string; version: string }[];
  };
  deviceMemory?: number;
}

/** What this page can know of the device, from a window or a worker. Power is not among it. */
export async function probeDevice(): Promise<Device> {
  const hints = navigator as HintedNavigator;
  const brand = hints.userAgentData?.brands.find((b) => !/not.?a.?brand/i.test(b.brand));
  const gpu = await probeGpu();
  return {
    userAgent: navigator.userAgent,
    platform: hints.userAgentData?.platform ?? null,
    mobile: hints.userAgentData?.mobile ?? null,
    browser: brand
      ? `${brand.brand} ${brand.version}`
      : (/(?:Chrome|Firefox|Version)\/[\d]+/.exec(navigator.userAgent)?.[0] ?? null),
    cores: navigator.hardwareConcurrency || null,
    memoryGiB: hints.deviceMemory ?? null,
    crossOriginIsolated: globalThis.crossOriginIsolated,
    wasm: {
      simd: validates(FEATURE_MODULES.simd),
      relaxedSimd: validates(FEATURE_MODULES.relaxedSimd),
      threads: globalThis.crossOriginIsolated && validates(FEATURE_MODULES.threads),
    },
    ...gpu,
    renderer: webglRenderer(),
  };
}

async function probeGpu(): Promise<Pick<Device, 'gpu' | 'gpuMissing'>> {
  if (!('gpu' in navigator)) return { gpu: null, gpuMissing: 'This browser has no WebGPU.' };
  let gpuAdapter: GPUAdapter | null;
  try {
    gpuAdapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    return { gpu: null, gpuMissing: `WebGPU failed: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!gpuAdapter) return { gpu: null, gpuMissing: 'The browser has WebGPU, but offers no adapter on this device.' };
  return {
    gpu: {
      vendor: gpuAdapter.info.vendor,
      architecture: gpuAdapter.info.architecture,
      description: gpuAdapter.info.description,
      fallback: gpuAdapter.info.isFallbackAdapter ?? false,
      features: [...gpuAdapter.features].sort(),
      maxBufferBytes: gpuAdapter.limits.maxBufferSize,
      maxStorageBindingBytes: gpuAdapter.limits.maxStorageBufferBindingSize,
    },
    gpuMissing: null,
  };
}

/** Chrome names the GPU model here, where WebGPU tells only vendor and architecture. */
function webglRenderer(): string | null {
  if (typeof OffscreenCanvas === 'undefined') return null;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl');
  const info = gl?.getExtension('WEBGL_debug_renderer_info');
  const name: unknown = info ? gl?.getParameter(info.UNMASKED_RENDERER_WEBGL) : null;
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return typeof name === 'string' && name ? name : null;
}

/**
 * Least subgroup that ONNX Runtime's WebGPU kernels compute rightly with. In version 1.31 attention over 32 new tokens and
 * more takes keys in steps of a subgroup's size but always adds up 8 of them or 16, so with 4, as software adapters have
 * it, all but the first few rows come out wrong. Without subgroups it takes kernels that need none.
 */
const LEAST_SUBGROUP = 8;

/** Whether a GPU adapter's subgroups, where it has any, are of a size that ONNX Runtime computes rightly with. */
export const subgroupsServe = (gpuAdapter: GPUAdapter): boolean =>
  (gpuAdapter.info.subgroupMinSize ?? 0) >= LEAST_SUBGROUP;

/** A GPU device with the features and the largest buffers that the GPU adapter has; null where there is none. */
export async function requestGpuDevice(): Promise<GPUDevice | null> {
  if (!('gpu' in navigator)) return null;
  const gpuAdapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!gpuAdapter) return null;
  const limits = [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxComputeWorkgroupStorageSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
    'maxComputeWorkgroupSizeY',
    'maxComputeWorkgroupSizeZ',
    'maxComputeWorkgroupsPerDimension',
    'maxStorageBuffersPerShaderStage',
  ] as const;
  return gpuAdapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter(
      (f) => gpuAdapter.features.has(f) && (f !== 'subgroups' || subgroupsServe(gpuAdapter)),
    ),
    requiredLimits: Object.fromEntries(limits.map((l) => [l, gpuAdapter.limits[l]])),
  });
}

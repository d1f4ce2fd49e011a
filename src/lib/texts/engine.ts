import type { Device } from '../schema/run';

/** Why the engine that the page suggests is what it is. */
export function whyEngine(device: Device | null): string {
  if (!device) return 'The device is not known yet.';
  if (!device.gpu) return device.gpuMissing ?? 'There is no WebGPU here.';
  if (device.gpu.fallback) return 'The only WebGPU adapter is a software one, which is slower than WebAssembly.';
  const { vendor, architecture } = device.gpu;
  return `There is a WebGPU adapter (${[vendor || 'vendor not told', architecture].filter(Boolean).join(' ')}).`;
}

/** What to try where both would do; empty where there is no choice. */
export const otherEngine = (device: Device | null): string =>
  device?.gpu && !device.gpu.fallback
    ? 'A small model may answer sooner on the processor: run it on both, and see them side by side under Compare.'
    : '';

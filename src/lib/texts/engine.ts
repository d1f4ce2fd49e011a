import type { Device } from '../schema/run';

/** Why the engine that the page suggests is what it is. */
export function whyEngine(device: Device | null): string {
  if (!device) return 'The device is not known yet.';
  if (!device.gpu) return device.gpuMissing ?? 'There is no WebGPU here.';
  if (device.gpu.fallback) return 'The only WebGPU adapter is a software one, which is slower than WebAssembly.';
  const { vendor, architecture } = device.gpu;
  return `There is a WebGPU adapter (${[vendor || 'vendor not told', architecture].filter(Boolean).join(' ')}).`;
}

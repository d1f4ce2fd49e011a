import { JoulewiseError } from '../core/errors';
import { bestBuild, byteDotOf, type BUILD_NAMES, type Spawn } from '../cpu/module';
import { openRoutine, type CpuKernel } from '../cpu/routine';
import { requestGpuDevice } from '../device/probe';
import { openGpuRoutine, type GpuKernel } from '../wgsl/routine';
import { chooseThreads, loadKernels } from './open';

/** Kernels of the fitting routine, on the processor or on the GPU. */
export interface RoutineKernels {
  kernels: (CpuKernel | GpuKernel)[];
  /** 1 on a GPU. */
  threads: number;
  close: () => void;
}

async function onGpu(): Promise<RoutineKernels> {
  const device = await requestGpuDevice();
  if (!device)
    throw new JoulewiseError(
      'engine.unavailable',
      'This browser offers no GPU here, so none can be fitted to. Fit to the processor, or see "Graphics" above.',
    );
  try {
    const { kernels, close } = await openGpuRoutine(device);
    return {
      kernels,
      threads: 1,
      close: () => {
        close();
        device.destroy();
      },
    };
  } catch (error) {
    device.destroy();
    throw error;
  }
}

/**
 * Opens them; `close` gives back what they took.
 *
 * @param threads null = as many as a run takes
 * @throws engine.unavailable without a GPU, engine.memory where there is no room for them
 */
export async function openRoutineKernels(
  hardware: 'cpu' | 'gpu',
  o: { threads: number | null; builds: Readonly<Record<(typeof BUILD_NAMES)[number], string>>; spawn: Spawn },
): Promise<RoutineKernels> {
  if (hardware === 'gpu') return onGpu();
  const build = bestBuild();
  const { threads } = chooseThreads(o.threads);
  const module = await loadKernels(o.builds[build]);
  return { threads, ...(await openRoutine({ module, threads, dot: byteDotOf(build), spawn: o.spawn })) };
}

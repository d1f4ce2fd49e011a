import type { PowerProfile } from '../meter/profiles';
import type { ProfileGuess } from '../meter/match';
import { probeDevice } from '../run/probe';
import type { Device, EngineName } from '../schema/run';
import { sentence } from './sentence';

type Matcher = typeof import('../meter/match');

/** What this page can know of the device; probed once. */
class DeviceState {
  found = $state.raw<Device | null>(null);
  error = $state<string | null>(null);
  #matcher = $state.raw<Matcher | null>(null);
  #loading: Promise<void> | null = null;

  /** Probes; the table of power profiles comes after the page has drawn. */
  load(): Promise<void> {
    this.#loading ??= (async () => {
      try {
        this.found = await probeDevice();
        this.#matcher = await import('../meter/match');
      } catch (error) {
        this.error = sentence(error);
      }
    })();
    return this.#loading;
  }

  get hasRealGpu(): boolean {
    return this.found?.gpu != null && !this.found.gpu.fallback;
  }

  /** `gpu` where there is a real one, else the WebAssembly runtime. */
  get bestEngine(): EngineName {
    return this.hasRealGpu ? 'gpu' : 'cpu';
  }

  /** Why `bestEngine` is what it is. */
  get engineWhy(): string {
    const device = this.found;
    if (!device) return 'The device is not known yet.';
    if (!device.gpu) return device.gpuMissing ?? 'There is no WebGPU here.';
    if (device.gpu.fallback) return 'The only WebGPU adapter is a software one, which is slower than WebAssembly.';
    return `There is a WebGPU adapter (${device.gpu.vendor || 'vendor not told'} ${device.gpu.architecture}).`;
  }

  guess(engine: EngineName): ProfileGuess | null {
    return this.found && this.#matcher ? this.#matcher.guessProfile(this.found, engine) : null;
  }

  profiles(engine: EngineName): readonly PowerProfile[] {
    return this.found && this.#matcher ? this.#matcher.profileChoices(this.found, engine) : [];
  }
}

export const device = new DeviceState();

import { BEST_ENGINE, ENGINE, type EngineName } from '../../schema/engines';
import type { PowerProfile } from '../../meter/profiles';
import type { ProfileGuess } from '../../meter/match';
import { allThreads } from '../../device/limits';
import { probeDevice } from '../../device/probe';
import type { Device } from '../../schema/run';
import { sentence } from '../../texts/sentence';

type Matcher = typeof import('../../meter/match');

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
        this.#matcher = await import('../../meter/match');
      } catch (error) {
        this.error = sentence(error);
      }
    })();
    return this.#loading;
  }

  get hasRealGpu(): boolean {
    return this.found?.gpu != null && !this.found.gpu.fallback;
  }

  /** Whether an engine needs an adapter that is not here. */
  lacks(engine: EngineName): boolean {
    return ENGINE[engine].device === 'gpu' && !this.found?.gpu;
  }

  get bestEngine(): EngineName {
    return BEST_ENGINE[this.hasRealGpu ? 'gpu' : 'cpu'];
  }

  guess(engine: EngineName): ProfileGuess | null {
    return this.found && this.#matcher ? this.#matcher.guessProfile(this.found, engine) : null;
  }

  /** The profile that energy is estimated by: the named one, or the guess. */
  profile(engine: EngineName, chosen: string | null): PowerProfile | null {
    return this.profiles(engine).find((p) => p.name === chosen) ?? this.guess(engine)?.profile ?? null;
  }

  /** Threads that a run takes, as `engine/open.ts` chooses them. */
  threads(asked: number | null): number {
    const { found } = this;
    return found?.crossOriginIsolated ? (asked ?? allThreads(found)) : 1;
  }

  profiles(engine: EngineName): readonly PowerProfile[] {
    return this.found && this.#matcher ? this.#matcher.profileChoices(this.found, engine) : [];
  }
}

export const device = new DeviceState();

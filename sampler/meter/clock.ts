import type { Sampler } from './sampler';
import { HISTORY_MS } from './track';
import type { Conditions } from './conditions';

/**
 * Milliseconds between readings while somebody asks, and from the last question until they are slow again: a page asks when a
 * slice begins and when it ends, and all between is to be read often.
 */
const FAST_MS = 100;
const ASKED_MS = HISTORY_MS;
/** Slow readings: often enough for a live view to begin with something, and never later than a wrap allows. */
const SLOW_MS = 5000;

/** Reads on and on: ten times a second while somebody asks, else as seldom as no counter wraps unseen. */
export class Ticker {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #asked = -Infinity;
  #ended = false;

  constructor(
    private readonly sampler: Sampler,
    private readonly conditions: Conditions,
  ) {}

  start(): void {
    void this.#tick();
  }

  /** Somebody asked. */
  asked = (): void => {
    const slow = !this.#fast();
    this.#asked = this.sampler.system.now();
    if (slow && this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#tick(), 0);
    }
  };

  #fast(): boolean {
    return this.sampler.system.now() - this.#asked < ASKED_MS;
  }

  async #tick(): Promise<void> {
    await this.sampler.read();
    this.conditions.note(this.sampler.system.now());
    if (this.#ended) return;
    const wait = this.#fast() ? FAST_MS : Math.min(SLOW_MS, this.sampler.keepAlive ?? SLOW_MS);
    this.#timer = setTimeout(() => void this.#tick(), wait);
  }

  end(): void {
    this.#ended = true;
    if (this.#timer) clearTimeout(this.#timer);
  }
}

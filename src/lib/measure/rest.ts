import { bytes, operations } from '../core/units';
import { netOfRest, wattsAtRest } from '../meter/idle';
import type { Meter } from '../meter/meter';
import type { Reading } from '../schema/run';

/** Milliseconds of doing nothing before the work, so that the record holds an idle window; and where a counter reads it. */
const IDLE_MS = 100;
const COUNTED_IDLE_MS = 1000;
/** Where a counter reads it, the device rests after the first slice, and after each that ends so long after the last rest. */
const IDLE_EVERY_MS = 60_000;

/** Rest of the device around a variant's slices: its windows, and what they told so far, from which net joules are taken. */
export class Rest {
  readonly #told: Reading[] = [];
  #last = -Infinity;

  /** @param isCounted whether a counter may read its windows, which then are longer, and repeated */
  constructor(private readonly isCounted: boolean) {}

  async #window(meter: Meter): Promise<void> {
    const ms = this.isCounted ? COUNTED_IDLE_MS : IDLE_MS;
    const nothing = { bytes: bytes(0), operations: operations(0), tokens: null };
    await meter.window('idle', nothing, () => new Promise<void>((done) => setTimeout(done, ms)));
  }

  /** Rests before anything is opened. */
  before(meter: Meter): Promise<void> {
    return this.#window(meter);
  }

  /** Rests behind a slice, where a counter reads it and the last rest behind a slice was long ago. */
  async after(meter: Meter): Promise<void> {
    if (!this.isCounted || performance.now() - this.#last < IDLE_EVERY_MS) return;
    await this.#window(meter);
    this.#last = performance.now();
  }

  /** Readings with net joules where something was counted and its watts at rest are known by now. */
  net(readings: readonly Reading[]): Reading[] {
    this.#told.push(...readings.filter(({ phase }) => phase === 'idle'));
    return netOfRest(readings, wattsAtRest(this.#told));
  }
}

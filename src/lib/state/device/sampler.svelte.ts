import { JoulewiseError } from '../../core/errors';
import { pairWith, SamplerClient, type SamplerDomain, type SamplerSource } from '../../meter/sampler';
import type { Boundary, Range } from '../../schema/run';
import type { SamplerAccess } from '../../schema/sampler';
import { keepSampler, pairedSampler } from '../../store/sampler';
import { SAMPLER } from '../../texts/sampler';
import { sentence } from '../../texts/sentence';

const LIVE_MS = 1000;
/** For which the device is left alone when its watts at rest are measured. */
const REST_MS = 10_000;

/** Loopback, spelled out: pages may reach nothing else, and a sampler listens to nothing else. */
const ADDRESS = /^http:\/\/(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/;

const ask: typeof fetch = (...args) => fetch(...args);

/** The paired sampler as the page on the device shows it: pairing, what it found, and its watts while the page is open. */
class SamplerState {
  access = $state.raw<SamplerAccess | null>(null);
  sources = $state.raw<readonly SamplerSource[] | null>(null);
  live = $state.raw<readonly SamplerDomain[]>([]);
  error = $state<string | null>(null);
  busy = $state(false);
  /** Whether the device is left alone, and what its counters said of that. */
  resting = $state(false);
  rest = $state.raw<{ at: Date; watts: ReadonlyMap<string, Range> } | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;

  #client(): SamplerClient | null {
    return this.access && new SamplerClient(this.access, ask);
  }

  /** Begins to watch; the function that comes back ends it. */
  watch(): () => void {
    this.access = pairedSampler();
    void this.#look();
    return () => {
      if (this.#timer) clearTimeout(this.#timer);
      this.#timer = null;
    };
  }

  async #look(): Promise<void> {
    const client = this.#client();
    if (!client) return;
    try {
      // Asking is work too.
      if (!this.resting) {
        this.sources ??= await client.discover();
        this.live = await client.live();
        this.error = null;
      }
    } catch (error) {
      this.live = [];
      this.error = sentence(error);
    }
    this.#timer = setTimeout(() => void this.#look(), LIVE_MS);
  }

  /** Measures what each counter's part draws while nothing of ours runs. */
  async measureRest(): Promise<void> {
    const client = this.#client();
    if (!client || this.resting) return;
    this.resting = true;
    this.error = null;
    try {
      const from = await client.time();
      await new Promise<void>((done) => setTimeout(done, REST_MS));
      this.rest = { at: new Date(), watts: await client.wattsBetween(from, await client.time()) };
    } catch (error) {
      this.error = sentence(error);
    } finally {
      this.resting = false;
    }
  }

  async pair(address: string, code: string): Promise<void> {
    this.busy = true;
    this.error = null;
    try {
      const url = address.trim().replace(/\/+$/, '');
      if (!ADDRESS.test(url)) throw new JoulewiseError('option.invalid', SAMPLER.badAddress);
      this.#keep({ url, token: await pairWith(url, code.trim(), ask), gpu: null, boundary: null });
      this.sources = null;
      await this.#look();
    } catch (error) {
      this.error = sentence(error);
    } finally {
      this.busy = false;
    }
  }

  #keep(access: SamplerAccess | null): void {
    this.access = access;
    keepSampler(access);
  }

  choose(more: { boundary?: Boundary | null; gpu?: string | null }): void {
    if (this.access) this.#keep({ ...this.access, ...more });
  }

  async forget(): Promise<void> {
    const client = this.#client();
    if (this.#timer) clearTimeout(this.#timer);
    this.#keep(null);
    this.sources = null;
    this.live = [];
    this.rest = null;
    this.error = null;
    // The other end forgets too, where it is there to be told.
    await client?.forget().catch(() => undefined);
  }
}

export const sampler = new SamplerState();

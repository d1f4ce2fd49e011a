import type { Domain, Found, Missing, SourceRow } from '../domain';
import type { System } from '../system';
import { MIRROR, totalsOf, type Total } from './sum';
import { Track, type Span } from './track';

export interface Discovered {
  source: string;
  title: string;
  domains: Domain[];
  missing: Missing[];
}

/** What a span came to: each domain, and the totals by boundary. */
export interface Measured {
  domains: { id: string; name: string; scope: Domain['scope']; span: Span | null; period: number | null }[];
  totals: Total[];
}

/** Twins are told by equal counters now and after so long. */
const TWIN_MS = 120;

/** All domains of a machine, read together as often as the longest wrap and the shortest period ask. */
export class Sampler {
  readonly discovered: Discovered[] = [];
  readonly #found: Found[] = [];
  readonly #tracks = new Map<string, Track>();
  /** Milliseconds that reading took, of the last rounds. */
  readonly #costs: number[] = [];
  /** Rounds of readings since it was opened. */
  rounds = 0;
  /** When each source was last asked. */
  readonly #readAt = new Map<Found, number>();
  #last: Promise<void> = Promise.resolve();

  private constructor(readonly system: System) {}

  /** Looks for every source of the table that this platform may have. */
  static async open(
    system: System,
    rows: Readonly<Record<string, SourceRow>>,
    wait: (ms: number) => Promise<void>,
  ): Promise<Sampler> {
    const sampler = new Sampler(system);
    for (const [source, row] of Object.entries(rows)) {
      if (!row.platforms.includes(system.platform)) continue;
      const found = await row.find(system);
      sampler.discovered.push({ source, title: row.title, domains: found.domains, missing: found.missing });
      if (found.domains.length) sampler.#found.push(found);
      for (const domain of found.domains) sampler.#tracks.set(domain.id, new Track(domain));
    }
    await sampler.#markTwins(wait);
    return sampler;
  }

  get domains(): Domain[] {
    return this.discovered.flatMap((d) => d.domains);
  }

  /** Domains of one scope and source whose counters are equal twice, while they move, are one counter. */
  async #markTwins(wait: (ms: number) => Promise<void>): Promise<void> {
    const counters = this.domains.filter((d) => d.kind === 'counter');
    const rivals = counters.filter((d) =>
      counters.some((e) => e !== d && e.source === d.source && e.scope === d.scope && e.within === d.within),
    );
    if (rivals.length === 0) return;
    const read = async () => {
      const all = new Map<string, number | null>();
      for (const found of this.#found) for (const [id, s] of await found.read()) all.set(id, s.joules);
      return all;
    };
    const before = await read();
    await wait(TWIN_MS);
    const after = await read();
    rivals.forEach((d, i) => {
      const twin = rivals
        .slice(0, i)
        .find(
          (e) =>
            e.scope === d.scope &&
            e.source === d.source &&
            e.within === d.within &&
            !e.notes.includes(MIRROR) &&
            moved(e.id) &&
            before.get(e.id) === before.get(d.id) &&
            after.get(e.id) === after.get(d.id),
        );
      if (twin) d.notes.push(MIRROR);
    });
    function moved(id: string) {
      const [a, b] = [before.get(id) ?? null, after.get(id) ?? null];
      return a !== null && b !== null && a !== b;
    }
  }

  /** Reads whatever is due: everything, but for sources whose readings cost a program each and were read a moment ago. */
  read = (): Promise<void> => this.#inTurn(({ every = 0 }, at) => this.system.now() - at >= every);

  /** Reads what was not read since a moment, so that a window which ends there is covered. */
  cover = (until: number): Promise<void> => this.#inTurn((_, at) => at < until);

  /** Rounds follow each other: what is read twice at once would be told of one moment. */
  #inTurn(isDue: (found: Found, readAt: number) => boolean): Promise<void> {
    const round = this.#last.then(() => this.#round(isDue));
    this.#last = round.catch(() => undefined);
    return round;
  }

  async #round(isDue: (found: Found, readAt: number) => boolean): Promise<void> {
    const start = this.system.now();
    for (const found of this.#found) {
      if (!isDue(found, this.#readAt.get(found) ?? -Infinity)) continue;
      this.#readAt.set(found, this.system.now());
      // One source that fails leaves a gap in its own domains, and nothing in others'.
      const samples = await found.read().catch(() => new Map<string, never>());
      for (const { id } of found.domains) this.#tracks.get(id)?.add(samples.get(id) ?? null);
    }
    this.rounds++;
    this.#costs.push(this.system.now() - start);
    if (this.#costs.length > 100) this.#costs.shift();
  }

  /** Mean milliseconds of a round; null before the first. */
  get cost(): number | null {
    return this.#costs.length ? this.#costs.reduce((a, b) => a + b, 0) / this.#costs.length : null;
  }

  /**
   * Milliseconds within which counters must be read so that none wraps twice unseen; null = no counter wraps. Half of the
   * shortest wrap at the most that a domain may take.
   */
  get keepAlive(): number | null {
    const wraps = this.domains.flatMap((d) => (d.wrapsAt === null ? [] : [(d.wrapsAt / d.mostWatts) * 1000]));
    return wraps.length ? Math.min(...wraps) / 2 : null;
  }

  track(id: string): Track | null {
    return this.#tracks.get(id) ?? null;
  }

  /** Joules of spans of the sampler's clock, in milliseconds. */
  over(spans: readonly (readonly [number, number])[], gpu: string | null = null): Measured {
    const spanOf = new Map<string, Span | null>();
    for (const [id, track] of this.#tracks) spanOf.set(id, track.over(spans));
    return {
      domains: this.domains.map(({ id, name, scope }) => ({
        id,
        name,
        scope,
        span: spanOf.get(id) ?? null,
        period: this.#tracks.get(id)?.period ?? null,
      })),
      totals: totalsOf(this.domains, (id) => spanOf.get(id) ?? null, gpu),
    };
  }

  async close(): Promise<void> {
    for (const found of this.#found) await found.close?.();
  }
}

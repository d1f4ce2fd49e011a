import type { RunRecord } from '../schema/run';
import type { PlanHost, UnitProgress } from './execute';
import type { Member, Unit } from './units';

/** A variant that stays open and answers slices of a plan's tickets. */
export interface OpenUnit {
  kernel: string;
  threads: number;
  /** Bytes that it holds while it is open; null where that cannot be known. */
  memoryBytes: number | null;
  /** Milliseconds of each of `n` short pieces of equal work. */
  pieces(n: number): Promise<number[]>;
  /** Measures a slice; the first record after opening tells what opening took. */
  slice(unit: Unit, o: SliceOptions): Promise<RunRecord>;
  close(): Promise<void>;
}

export interface SliceOptions {
  /** Seconds that it may wait for the device to become quiet. */
  patience: number;
  /** How often this slice was measured before. */
  tries: number;
  onProgress: (p: UnitProgress) => void;
  signal: AbortSignal;
}

/** An open variant as a plan uses it. */
export type OpenMember = Pick<OpenUnit, 'memoryBytes' | 'slice'> & { close(): Promise<void> | void };

/** What a model takes that does not say, bytes. */
const UNKNOWN_BYTES = 2 ** 28;

/**
 * Variants that are open side by side within a budget of memory. Whoever was used longest ago makes room; it is opened
 * again from its kept image when its turn comes, which is metered as loading.
 */
export class OpenMembers {
  /** In the order of last use. */
  readonly #open = new Map<string, OpenMember>();
  readonly #bytes = new Map<string, number>();
  /** Variants that were opened at least once. */
  get opened(): number {
    return this.#bytes.size;
  }

  constructor(
    private readonly host: Pick<PlanHost, 'open' | 'memory' | 'emit'>,
    private readonly signal: AbortSignal,
  ) {}

  isOpen(variant: string): boolean {
    return this.#open.has(variant);
  }

  get #held(): number {
    return [...this.#open.keys()].reduce((n, variant) => n + (this.#bytes.get(variant) ?? 0), 0);
  }

  /** Bytes that a variant will hold, as far as it, or the largest so far, tells. */
  #expected(variant: string): number {
    return this.#bytes.get(variant) ?? Math.max(0, ...this.#bytes.values());
  }

  /** Whether a variant is open, or may be without another making room. */
  hasRoomFor({ variant }: Member): boolean {
    return this.isOpen(variant) || this.#open.size === 0 || this.#held + this.#expected(variant) <= this.host.memory;
  }

  /** The open variant, opened now where it is not. */
  async take(member: Member): Promise<OpenMember> {
    const { variant } = member;
    const known = this.#open.get(variant);
    if (known) {
      this.#open.delete(variant);
      this.#open.set(variant, known);
      return known;
    }
    while (!this.hasRoomFor(member)) await this.#makeRoom();
    this.host.emit({ type: 'opening', member });
    const start = performance.now();
    const session = await this.host.open(
      member,
      (progress) => this.host.emit({ type: 'progress', progress }),
      this.signal,
    );
    this.host.emit({ type: 'opened', member, seconds: (performance.now() - start) / 1000 });
    this.#open.set(variant, session);
    this.#bytes.set(variant, session.memoryBytes ?? UNKNOWN_BYTES);
    while (this.#held > this.host.memory && this.#open.size > 1) await this.#makeRoom(variant);
    return session;
  }

  async #makeRoom(except?: string): Promise<void> {
    const oldest = [...this.#open.keys()].find((variant) => variant !== except);
    if (oldest !== undefined) await this.drop(oldest);
  }

  /** Ends a variant's thread, whatever state it is in. */
  async drop(variant: string): Promise<void> {
    const session = this.#open.get(variant);
    this.#open.delete(variant);
    await session?.close();
  }

  async close(): Promise<void> {
    for (const variant of [...this.#open.keys()]) await this.drop(variant);
  }
}

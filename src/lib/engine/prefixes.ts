import type { Pass } from './session';

/**
 * Beginnings that prompts share, such as a task's instruction: keys and values are computed once and kept, and what
 * `prefill` and `score` get goes on from there. Nothing else of a session changes by them.
 */
export interface Prefixes {
  /**
   * Computes `ids` and keeps their keys and values, or, where they are kept already, has them back in the cache. Resolves
   * to the tokens that were computed.
   */
  hold(ids: readonly number[]): Promise<number>;
  /** Tokens at the beginning of a prompt that are not computed again: those of the longest prefix kept. */
  of(prompt: readonly number[]): number;
  /** What computing so many tokens takes. */
  pass(tokens: number): Pass;
  /** Forgets all. */
  release(): void;
}

/** The cache of an engine, as prefixes need it. `Kept` is what it makes of its first slots. */
export interface PrefixCache<Kept> {
  /** Positions whose logits a pass computes at least: none are wanted. */
  leastLogits: number;
  /** Whether what is kept can be gone on from at its end alone, not from within it. */
  wholeOnly?: boolean;
  /** Computes tokens from the cache's beginning on. */
  compute(ids: readonly number[]): Promise<void> | void;
  /** Keys and values of the first slots, wherever they go on to be used. */
  save(tokens: number): Kept;
  /** Has them in the first slots again; what lies behind is not read any more. */
  restore(kept: Kept): void;
  /** Nobody will ask for them again; for a cache that holds more than JavaScript's memory. */
  forget?(kept: Kept): void;
}

/**
 * Tokens of a prompt that are computed in any case: its last one for its logits, and one more, since a pass over a single
 * token takes other kernels, which add in another order.
 */
export const LEFT_TOKENS = 2;
/** Prefixes that are kept at most: one for each task, and a few. */
const MOST_KEPT = 8;

interface Entry<Kept> {
  /** Of the adapter that it was computed with. */
  scope: string | null;
  ids: readonly number[];
  kept: Kept;
}

const beginsWith = (prompt: readonly number[], ids: readonly number[], tokens: number) => {
  for (let i = 0; i < tokens; i++) if (prompt[i] !== ids[i]) return false;
  return true;
};

/** Which prefixes are kept, and which of them the cache begins with. */
export class KeptPrefixes<Kept> implements Prefixes {
  #entries: Entry<Kept>[] = [];
  /** Whose slots are as it left them. */
  #inCache: Entry<Kept> | null = null;
  #scope: string | null = null;

  constructor(private readonly cache: PrefixCache<Kept>) {}

  /** The entry that most of a prompt is taken from, and how much. */
  #longest(prompt: readonly number[]): { entry: Entry<Kept> | null; tokens: number } {
    let best: { entry: Entry<Kept> | null; tokens: number } = { entry: null, tokens: 0 };
    for (const entry of this.#entries) {
      if (entry.scope !== this.#scope) continue;
      const tokens = Math.min(entry.ids.length, prompt.length - LEFT_TOKENS);
      if (this.cache.wholeOnly && tokens < entry.ids.length) continue;
      if (tokens > best.tokens && beginsWith(prompt, entry.ids, tokens)) best = { entry, tokens };
    }
    return best;
  }

  #place(entry: Entry<Kept>): void {
    if (this.#inCache !== entry) this.cache.restore(entry.kept);
    this.#inCache = entry;
  }

  async hold(ids: readonly number[]): Promise<number> {
    if (ids.length === 0) return 0;
    const known = this.#entries.find(
      (e) => e.scope === this.#scope && e.ids.length === ids.length && beginsWith(ids, e.ids, ids.length),
    );
    if (known) {
      this.#place(known);
      return 0;
    }
    this.#inCache = null;
    await this.cache.compute(ids);
    const entry = { scope: this.#scope, ids: [...ids], kept: this.cache.save(ids.length) };
    this.#forget(this.#entries.splice(0, this.#entries.length + 1 - MOST_KEPT));
    this.#entries.push(entry);
    this.#inCache = entry;
    return ids.length;
  }

  of(prompt: readonly number[]): number {
    return this.#longest(prompt).tokens;
  }

  pass(tokens: number): Pass {
    return [tokens, 0, this.cache.leastLogits];
  }

  release(): void {
    this.#inCache = null;
    this.#forget(this.#entries.splice(0));
  }

  #forget(entries: readonly Entry<Kept>[]): void {
    for (const { kept } of entries) this.cache.forget?.(kept);
  }

  /** A prompt is about to be computed: has the cache begin with as much of it as is kept, and says how much that is. */
  enter(prompt: readonly number[]): number {
    const { entry, tokens } = this.#longest(prompt);
    if (entry) this.#place(entry);
    // From there on slots are overwritten.
    if (!entry || tokens < entry.ids.length) this.#inCache = null;
    return tokens;
  }

  /** Another adapter is at work from here on: only what was computed with it is gone on from. */
  enterScope(scope: string | null): void {
    if (scope === this.#scope) return;
    this.#scope = scope;
    this.#inCache = null;
  }

  /** Something else is about to be computed from the cache's beginning on. */
  overwrite(): void {
    this.#inCache = null;
  }
}

/**
 * Variants left out by hand while a plan runs. A variant, not the unit under way: a click that lands between two units
 * still counts.
 */
export class Skips {
  readonly #controllers = new Map<string, AbortController>();

  skip(variant: string): void {
    this.#of(variant).abort();
  }

  /** Aborted once the variant is left out. */
  signal(variant: string): AbortSignal {
    return this.#of(variant).signal;
  }

  #of(variant: string): AbortController {
    const known = this.#controllers.get(variant);
    if (known) return known;
    const made = new AbortController();
    this.#controllers.set(variant, made);
    return made;
  }
}

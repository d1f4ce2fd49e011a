/** Work that can be held up where it may be: between two steps of a training, say. */
export class Pause {
  #on = false;
  readonly #listeners = new Set<(on: boolean) => void>();

  get on(): boolean {
    return this.#on;
  }

  set(on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    for (const tell of [...this.#listeners]) tell(on);
  }

  /** Tells of every change, until what it returns is called. */
  listen(tell: (on: boolean) => void): () => void {
    this.#listeners.add(tell);
    return () => void this.#listeners.delete(tell);
  }

  /** Resolves at once, or when the pause is over, or `signal` aborts. */
  over(signal: AbortSignal): Promise<void> {
    if (!this.#on || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        unlisten();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const unlisten = this.listen((on) => void (on || done()));
      signal.addEventListener('abort', done);
    });
  }
}

/** Remembers, for this tab, that it was reloaded for isolation: once is enough, whatever came of it. */
const TRIED = 'reloadedForThreads';
/** So that the sentence that announces the reload can be read. */
const ANNOUNCE_MS = 1500;

/** This site in this browser: kept for offline use, brought up to date, isolated so that threads may share memory. */
class Site {
  /** A new version is complete, and takes over when the user reloads. */
  updated = $state(false);
  /** The page will reload by itself, to become isolated. */
  reloading = $state(false);
  /** The page could be isolated, but is in use: the user chooses when. */
  couldIsolate = $state(false);
  #registration: ServiceWorkerRegistration | null = null;
  #inUse = false;

  /**
   * @param address of the service worker
   * @param busy whether a run would be cut off by a reload
   */
  async start(address: string, busy: () => boolean): Promise<void> {
    for (const event of ['pointerdown', 'keydown'])
      addEventListener(event, () => (this.#inUse = true), { once: true, capture: true });
    const container = (navigator as Partial<Navigator>).serviceWorker;
    // No secure context, or forbidden: the site works as a plain page, in one thread where the host sets no headers.
    const registration = await container?.register(address, { type: 'module' }).catch(() => null);
    if (!container || !registration) return;
    this.#registration = registration;
    const watch = () => {
      // Without a controller this is the first version, not an update.
      if (registration.waiting && container.controller) this.updated = true;
      registration.installing?.addEventListener('statechange', watch, { once: true });
    };
    watch();
    registration.addEventListener('updatefound', watch);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void registration.update().catch(() => undefined);
    });
    if (!globalThis.crossOriginIsolated) {
      await container.ready;
      this.#isolate(busy());
    }
  }

  #isolate(busy: boolean): void {
    if (sessionStorage.getItem(TRIED)) return;
    if (busy || this.#inUse) {
      this.couldIsolate = true;
      return;
    }
    this.reloading = true;
    setTimeout(() => this.reload(), ANNOUNCE_MS);
  }

  /** Reloads, with the new version where one waits. */
  reload(): void {
    if (!globalThis.crossOriginIsolated) sessionStorage.setItem(TRIED, 'yes');
    const waiting = this.#registration?.waiting;
    if (!waiting) {
      location.reload();
      return;
    }
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    waiting.postMessage('take over');
  }
}

export const site = new Site();

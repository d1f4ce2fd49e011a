import type { BrowserContext } from 'playwright';

/** What a browser asked the network for. */
export interface NetworkWatch {
  /** Requests to hosts that were not allowed when they left. */
  foreign: readonly string[];
  /** From here on this host may be asked: the test clicks for it. */
  allow(host: string): void;
  /** Throws where something was asked that nobody clicked for. */
  check(): void;
}

/** Watches all pages of a browser with their workers, and its service workers, from here to its end. */
export function watchNetwork(context: BrowserContext, own: string): NetworkWatch {
  const allowed = new Set([own]);
  const foreign: string[] = [];
  context.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (!/^(https?|wss?):$/.test(protocol) || allowed.has(host)) return;
    foreign.push(`${request.url()} by ${request.serviceWorker() ? 'the service worker' : 'a page'}`);
  });
  return {
    foreign,
    allow: (host) => void allowed.add(host),
    check() {
      if (foreign.length > 0) throw new Error(`Requests that nobody clicked for:\n${foreign.join('\n')}`);
    },
  };
}

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright';
import { chromeArgs, SITE } from '../../cli/shared/browser';
import { startServer, type SiteServer } from '../../cli/shared/server';
import { watchNetwork, type NetworkWatch } from '../network';

export const ORIGIN = 'http://joulewise.localhost';

const HEADERS = process.env['JOULEWISE_HEADERS'] !== 'none';

export interface Site {
  page: Page;
  context: BrowserContext;
  server: SiteServer;
  /** Folder of the browser's profile. */
  profile: string;
  /** Errors in the console and thrown errors, as they come. */
  faults: string[];
  /** Requests to other hosts. */
  network: NetworkWatch;
  /** Closes the browser and deletes its profile, unless it was given. Throws where it asked a host that was not allowed. */
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Kept at the end; default: one of its own, deleted. */
  profile?: string;
  options?: BrowserContextOptions;
  /** Folder of the built site. */
  folder?: string;
  /** False: as from a host that cannot set headers. Default: true, unless JOULEWISE_HEADERS is `none`. */
  headers?: boolean;
  /**
   * Whether the service worker keeps the site, as at a user's. Default: only where a folder is given, or where it sets the
   * headers; copying 160 files takes more of the processor than all else that a test's first page does.
   */
  kept?: boolean;
  /** WebGPU on the software adapter. */
  swiftshader?: boolean;
}

/** The built site in headless Chrome. */
export async function openSite(o: SiteOptions = {}): Promise<Site> {
  const isolated = o.headers ?? HEADERS;
  const server = await startServer(o.folder ?? SITE, { isolated });
  const profile = o.profile ?? mkdtempSync(join(tmpdir(), 'joulewise-e2e-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['JOULEWISE_CHROME'] ?? '/usr/bin/chromium',
    headless: true,
    args: chromeArgs({ port: server.port, webgpu: o.swiftshader ? 'software' : null }),
    serviceWorkers: (o.kept ?? (o.folder !== undefined || !isolated)) ? 'allow' : 'block',
    ...o.options,
  });
  const faults: string[] = [];
  const watch = (page: Page) => {
    page.on('console', (m) => {
      if (m.type() === 'error') faults.push(`console: ${m.text()}`);
    });
    page.on('pageerror', (e) => faults.push(`thrown: ${e.stack ?? e.message}`));
    page.on('crash', () => faults.push('the page crashed'));
  };
  context.pages().forEach(watch);
  context.on('page', watch);
  const network = watchNetwork(context, new URL(ORIGIN).host);
  const page = context.pages()[0] ?? (await context.newPage());
  return {
    page,
    context,
    server,
    profile,
    faults,
    network,
    async close() {
      await context.close();
      await server.close();
      if (o.profile === undefined) rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      network.check();
    },
  };
}

/** Ends a browser as the system does where memory is short: nothing of it may clean up. Throws where it is not found. */
export function killBrowser(profile: string): void {
  const pid = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return command.includes(`--user-data-dir=${profile}`) && !command.includes('--type=');
    } catch {
      return false;
    }
  });
  assert(pid, 'the browser of this profile is found');
  process.kill(Number(pid), 'SIGKILL');
}

export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export function equal<T>(found: T, wanted: T, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: found ${a}, wanted ${b}`);
}

/** A site for one test, which fails on anything that should not have happened. */
export async function withSite(work: (site: Site) => Promise<void>, o: SiteOptions = {}): Promise<void> {
  const site = await openSite(o);
  site.page.setDefaultTimeout(60_000);
  try {
    await work(site);
    equal(site.faults, [], 'console errors');
  } finally {
    await site.close();
  }
}

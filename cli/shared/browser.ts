import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type BrowserContext, type Page } from 'playwright';
import { fromWireError, JoulewiseError, type WireError } from '../../src/lib/core/errors';
import type { DriveApi, DriveCommand } from '../../src/lib/session/protocol/drive-api';
import { SAMPLER_PATH, type SamplerChoice } from './sampler';
import { startServer, type SiteServer } from './server';
import type { SamplerAccess } from '../../src/lib/schema/sampler';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const SITE = join(root, 'build');

/** The page's address: a name of its own, so that what it stores stays its own whatever port serves it. */
export const ORIGIN = 'http://joulewise.localhost';

export interface Driver {
  page: Page;
  server: SiteServer;
  /** The sampler as the page reaches it; null where joules come from the power profile. */
  sampler: SamplerAccess | null;
  /** Runs a command in the page; throws the page's own JoulewiseError. */
  call<M extends DriveCommand>(command: M, args: DriveApi[M]['args']): Promise<DriveApi[M]['result']>;
  close(): Promise<void>;
}

export interface DriveOptions {
  /** Where the browser keeps what it stores; the same folder resumes what was interrupted. */
  profile?: string;
  /** See `WEBGPU_SWITCHES`; none leaves it to the browser. */
  webgpu?: WebGpu | null;
  /** Switches of the JavaScript engine. */
  jsFlags?: string;
  onEvent?: (event: unknown) => void;
  isolated?: boolean;
  /** Where plans take their joules from; null or none = the power profile. */
  sampler?: SamplerChoice | null;
  /** See `SiteOptions.mounts`. */
  mounts?: Readonly<Record<string, string>>;
}

export const defaultProfile = () => process.env['JOULEWISE_PROFILE'] ?? join(root, '.joulewise', 'profile');

/** How the browser is to find a WebGPU adapter. */
export type WebGpu = 'hardware' | 'software';

const WEBGPU_SWITCHES: Readonly<Record<WebGpu, readonly string[]>> = {
  // Chrome on Linux offers WebGPU only where asked, and only through Vulkan, which wants a display unless told; elsewhere it is on.
  hardware:
    process.platform === 'linux'
      ? [
          '--enable-unsafe-webgpu',
          '--enable-features=Vulkan',
          '--use-angle=vulkan',
          '--disable-vulkan-surface',
          '--ignore-gpu-blocklist',
          '--disable-software-rasterizer',
        ]
      : [],
  // Correct, and 50 times slower than WASM.
  software: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-unsafe-swiftshader'],
};

/** Chromium switches: nothing that this tool starts talks to anyone but this machine. */
export function chromeArgs(o: { port: number; webgpu?: WebGpu | null; jsFlags?: string | undefined }): string[] {
  return [
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--disable-dev-shm-usage',
    ...(o.jsFlags ? [`--js-flags=${o.jsFlags}`] : []),
    `--host-resolver-rules=MAP joulewise.localhost:80 127.0.0.1:${o.port}`,
    ...(o.webgpu ? WEBGPU_SWITCHES[o.webgpu] : []),
  ];
}

/** Starts the built site in headless Chrome on the `/drive` page. */
export async function drive(o: DriveOptions = {}): Promise<Driver> {
  const server = await startServer(SITE, {
    isolated: o.isolated ?? true,
    ...(o.mounts ? { mounts: o.mounts } : {}),
    sampler: o.sampler ?? null,
  });
  const profile = o.profile ?? defaultProfile();
  mkdirSync(profile, { recursive: true });
  let context: BrowserContext;
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env['JOULEWISE_CHROME'] ?? '/usr/bin/chromium',
      headless: true,
      args: chromeArgs({ port: server.port, webgpu: o.webgpu ?? null, jsFlags: o.jsFlags }),
    });
  } catch (cause) {
    await server.close();
    const text = cause instanceof Error ? cause.message : String(cause);
    if (/ProcessSingleton|profile.*in use|SingletonLock/i.test(text))
      throw new JoulewiseError(
        'store.busy',
        `Another joulewise command uses the profile ${profile}. Wait for it, or set JOULEWISE_PROFILE to another folder.`,
        { cause },
      );
    throw new JoulewiseError('browser.missing', `Chrome could not be started: ${text.split('\n')[0] ?? ''}`, { cause });
  }
  const page = context.pages()[0] ?? (await context.newPage());
  const crashed = new Promise<never>((_, reject) => {
    const fail = (what: string) => () =>
      reject(new JoulewiseError('engine.failed', `${what}. Finished runs are kept; run the command again to go on.`));
    page.on('crash', fail('The page crashed, most likely for lack of memory'));
    context.on('close', fail('The browser was closed'));
  });
  crashed.catch(() => undefined);
  if (process.env['JOULEWISE_DEBUG']) {
    page.on('console', (m) => process.stderr.write(`[page] ${m.text()}\n`));
    page.on('pageerror', (e) => process.stderr.write(`[page] ${e.stack ?? e.message}\n`));
  }
  await page.exposeFunction('joulewiseEvent', (event: unknown) => o.onEvent?.(event));
  await page.goto(`${ORIGIN}/drive`);
  await page.waitForFunction(() => 'joulewise' in window);
  return {
    page,
    server,
    sampler: o.sampler
      ? { url: ORIGIN + SAMPLER_PATH, token: 'handed-on', gpu: null, boundary: o.sampler.boundary }
      : null,
    async call<M extends DriveCommand>(command: M, args: DriveApi[M]['args']): Promise<DriveApi[M]['result']> {
      const reply = await Promise.race([
        page.evaluate(
          ([c, a]) => (window as never as { joulewise(c: string, a: unknown): Promise<unknown> }).joulewise(c, a),
          [command as string, args as unknown] as const,
        ),
        crashed,
      ]);
      const { ok, error } = reply as { ok?: DriveApi[M]['result']; error?: WireError };
      if (error) throw fromWireError(error);
      return ok as DriveApi[M]['result'];
    },
    async close() {
      await context.close();
      await server.close();
    },
  };
}

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ggufBelow } from '../../cli/bench/speed/checkpoint';
import { drive, ORIGIN, type Driver, type DriveOptions } from '../../cli/shared/browser';
import { watchNetwork, type NetworkWatch } from '../network';
import type { CheckpointRef } from '../../src/lib/schema/plan';

/** One test of the built site in a real browser. `skip` says in words why it cannot run here. */
export interface BrowserTest {
  name: string;
  skip?: string | null;
  /**
   * What it runs beside: `gpu`, one other with a GPU in software, which keeps a core busy; `alone`, nothing, since it looks
   * at what the page's thread or its memory takes. Else two others.
   */
  group?: 'gpu' | 'alone';
  run(): Promise<void>;
}

export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function assertEqual(actual: unknown, expected: unknown, what: string): void {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`${what}: expected ${e.slice(0, 400)}, got ${a.slice(0, 400)}`);
}

export function assertClose(actual: number, expected: number, relative: number, what: string): void {
  const error = Math.abs(actual - expected) / Math.abs(expected);
  if (!(error <= relative))
    throw new Error(`${what}: expected ${expected}, got ${actual} (off by ${error.toExponential(2)})`);
}

/** A folder that goes with the test. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'joulewise-test-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

export interface WatchedDriver extends Driver {
  network: NetworkWatch;
}

/** The driver for a test, which fails where it asks a host that was not allowed. */
export async function watchedDrive(o: DriveOptions): Promise<WatchedDriver> {
  const d = await drive(o);
  const network = watchNetwork(d.page.context(), new URL(ORIGIN).host);
  return {
    ...d,
    network,
    async close() {
      await d.close().catch(() => undefined);
      network.check();
    },
  };
}

/** A browser with a fresh profile, closed and forgotten at the end. */
export const withBrowser = <T>(o: DriveOptions, work: (d: WatchedDriver) => Promise<T>): Promise<T> =>
  withFolder(async (folder) => {
    const d = await watchedDrive({ profile: folder, ...o });
    try {
      return await work(d);
    } finally {
      await d.close();
    }
  });

export const BUILTIN: CheckpointRef = { kind: 'builtin' };

/** SmolLM2's GGUF: named by JOULEWISE_SMOLLM2, or unpacked by the fetch script beside the repository; else null. */
export function smollm2(): string | null {
  const named = process.env['JOULEWISE_SMOLLM2'];
  if (named) return existsSync(named) ? named : null;
  const script = join(root, '..', 'shared', 'tools', 'fetch-smollm2.sh');
  if (!existsSync(script)) return null;
  const folder = join(root, '.joulewise', 'smollm2');
  // The script names whichever GGUF file it finds first.
  return spawnSync('bash', [script, folder]).status === 0 ? ggufBelow(folder) : null;
}

/** Runs the command line as a user does; nothing is thrown on failure. */
export function joulewise(args: readonly string[], env: Record<string, string> = {}) {
  const start = Date.now();
  const done = spawnSync(process.execPath, [join(root, 'cli', 'joulewise.mjs'), ...args], {
    encoding: 'utf8',
    cwd: root,
    env: { ...process.env, ...env },
    maxBuffer: 64 * 2 ** 20,
  });
  return { code: done.status, out: done.stdout, err: done.stderr, ms: Date.now() - start };
}

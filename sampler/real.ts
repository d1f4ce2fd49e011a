import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { nativeLibrary } from './native';
import { SystemFault, type FaultCode, type System } from './system';

/** Tools answer within this, or count as silent. */
const TOOL_MS = 5000;
const MOST_OUTPUT = 4 * 2 ** 20;

const CODES: Readonly<Record<string, FaultCode>> = {
  ENOENT: 'absent',
  ENODEV: 'absent',
  EACCES: 'denied',
  EPERM: 'denied',
};

const fault = (error: unknown): SystemFault => {
  const { code, message } = error as NodeJS.ErrnoException;
  return new SystemFault(CODES[code ?? ''] ?? 'failed', message);
};

const KERNEL = /^\/(?:sys|proc)\//;

/** Where a file of the machine is; a file of the user's own (a meter's CSV) is where they say. */
const at = (root: string, path: string) => (root !== '/' && KERNEL.test(path) ? join(root, path) : path);

/** This machine; `root` is where its files are: elsewhere than at / in a container, or in a test. */
export const systemAt = (root: string): System => ({
  platform: process.platform,
  async read(path) {
    try {
      const file = at(root, path);
      // Of the kernel's files each is ready at once: a thread for each reading would cost five times as much.
      return KERNEL.test(path) ? readFileSync(file, 'utf8') : await readFile(file, 'utf8');
    } catch (error) {
      throw fault(error);
    }
  },
  async list(path) {
    try {
      return (await readdir(at(root, path))).sort();
    } catch {
      return [];
    }
  },
  resolve: (path) => realpath(at(root, path)).catch(() => null),
  run: (command, args) =>
    new Promise((resolve, reject) => {
      execFile(command, [...args], { timeout: TOOL_MS, maxBuffer: MOST_OUTPUT, windowsHide: true }, (error, stdout) => {
        if (!error) resolve(stdout);
        else if (error.killed) reject(new SystemFault('slow', `${command} did not answer within ${TOOL_MS / 1000} s`));
        else reject(fault(error));
      });
    }),
  async fetch(url) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(TOOL_MS), redirect: 'error' });
      if (!answer.ok) throw new SystemFault('failed', `${url} answered ${answer.status}`);
      return await answer.text();
    } catch (error) {
      throw error instanceof SystemFault ? error : new SystemFault('failed', (error as Error).message);
    }
  },
  library: nativeLibrary,
  now: () => performance.now(),
});

import { execFile } from 'node:child_process';
import { readdir, readFile, realpath } from 'node:fs/promises';
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

/** This machine. */
export const realSystem: System = {
  platform: process.platform,
  async read(path) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      throw fault(error);
    }
  },
  async list(path) {
    try {
      return (await readdir(path)).sort();
    } catch {
      return [];
    }
  },
  resolve: (path) => realpath(path).catch(() => null),
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
};

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { say } from '../../shared/print';
import type { PeerSpeed } from './peer';

const SCRIPT = fileURLToPath(new URL('native.py', import.meta.url));
const NOT_INSTALLED = 3;
const REPEATS = 3;

/** Native runtimes that may be installed for the Python that JOULEWISE_PYTHON names (else `python3`). */
export type NativeRuntime = 'llama' | 'torch';

/** Tokens a second of a native runtime on the same file; null where it is not installed. */
export function nativeSpeed(
  runtime: NativeRuntime,
  checkpoint: string,
  o: { threads: number; prefill: number; decode: number },
): PeerSpeed | null {
  const python = process.env['JOULEWISE_PYTHON'] ?? 'python3';
  const numbers = [o.threads, o.prefill, o.decode, REPEATS].map(String);
  const done = spawnSync(python, [SCRIPT, runtime, checkpoint, ...numbers], { encoding: 'utf8' });
  if (done.status === 0) return JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '') as PeerSpeed;
  if (done.status !== NOT_INSTALLED && !done.error)
    say(`${runtime} (${python}) failed and is left out: ${done.stderr.trim().split('\n').at(-1) ?? ''}`);
  return null;
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { say } from '../../shared/print';

const SCRIPT = fileURLToPath(new URL('train.py', import.meta.url));
const NOT_INSTALLED = 3;

/** Examples of each step: token ids, and where the answer begins. */
export type Batches = { ids: readonly number[]; answer: number }[][];

interface Timed {
  seconds: number[];
  peakBytes: number;
}

/**
 * Seconds of steps in PyTorch, of the Python that JOULEWISE_PYTHON names: of an adapter by PEFT over a GGUF file, or of all
 * weights of a folder. Null where it is not installed.
 */
export function pytorchSeconds(
  checkpoint: string,
  threads: number,
  batches: Batches,
  what: 'lora' | 'full',
): Timed | null {
  const folder = mkdtempSync(join(tmpdir(), 'joulewise-pytorch-'));
  try {
    const file = join(folder, 'batches.json');
    writeFileSync(file, JSON.stringify(batches));
    const python = process.env['JOULEWISE_PYTHON'] ?? 'python3';
    const done = spawnSync(python, [SCRIPT, checkpoint, String(threads), file, what], { encoding: 'utf8' });
    if (done.status === 0) return JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '') as Timed;
    if (done.status !== NOT_INSTALLED && !done.error)
      say(`PyTorch (${python}) failed and is left out: ${done.stderr.trim().split('\n').at(-1) ?? ''}`);
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

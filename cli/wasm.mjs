#!/usr/bin/env node
// Compiles our AssemblyScript, each folder twice: with and without relaxed SIMD, into its build/ (nothing compiled is kept
// in the repository). Does nothing where the sources are what the last build saw. Plain JavaScript: setup calls it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** 65536 pages of 64 KiB = 4 GiB, what 32-bit WebAssembly can address. */
const MAX_PAGES = 65536;

/** One row a folder: the WebAssembly features that both builds use, and what else its compiler is told (112: vectors of ours do not go to JavaScript). */
const FOLDERS = [
  {
    folder: 'src/kernels',
    features: 'simd,threads',
    options: [
      '--disableWarning',
      '112',
      '--importMemory',
      '--sharedMemory',
      '--maximumMemory',
      String(MAX_PAGES),
      '--use',
      'abort=',
    ],
  },
  { folder: 'src/matrix', features: 'simd', options: ['--disableWarning', '112'] },
];

const BUILDS = [
  { name: 'relaxed', features: ',relaxed-simd' },
  { name: 'plain', features: '' },
];

export function ensureWasm() {
  for (const { folder, features, options } of FOLDERS) {
    const source = join(root, folder);
    const out = join(source, 'build');
    const sources = readdirSync(source)
      .filter((f) => f.endsWith('.ts'))
      .sort()
      .map((f) => join(source, f));
    const hash = createHash('sha256');
    for (const f of [...sources, fileURLToPath(import.meta.url), join(root, 'package-lock.json')])
      hash.update(readFileSync(f));
    const seen = hash.digest('hex');
    const stamp = join(out, 'stamp');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === seen) continue;
    process.stderr.write(`Setting up: compiling ${folder} ...\n`);
    mkdirSync(out, { recursive: true });
    for (const build of BUILDS) {
      const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js');
      const common = ['-o', join(out, `${build.name}.wasm`), '--runtime', 'stub', '-O3', '--noAssert'];
      const enabled = ['--enable', features + build.features];
      const done = spawnSync(
        process.execPath,
        [compiler, join(source, 'index.ts'), ...common, ...enabled, ...options],
        { cwd: root, stdio: ['ignore', 2, 2] },
      );
      if (done.status !== 0) throw new Error(`${folder} (${build.name}) does not compile.`);
    }
    writeFileSync(stamp, seen);
  }
}

/** What vitest calls before unit tests. */
export const setup = ensureWasm;

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureWasm();

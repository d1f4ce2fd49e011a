#!/usr/bin/env node
// Compiles src/kernels (AssemblyScript) twice, with and without relaxed SIMD, into src/kernels/build. Nothing compiled is
// kept in the repository. Does nothing where the sources are what the last build saw.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src', 'kernels');
const out = join(source, 'build');

/** One module from the same source: a name and the WebAssembly features it may use. */
const BUILDS = [
  { name: 'relaxed', features: 'simd,threads,relaxed-simd' },
  { name: 'baseline', features: 'simd,threads' },
];
/** 65536 pages of 64 KiB = 4 GiB, what 32-bit WebAssembly can address. */
const MAX_PAGES = 65536;

export function ensureKernels() {
  const files = readdirSync(source)
    .filter((f) => f.endsWith('.ts'))
    .sort()
    .map((f) => join(source, f));
  const hash = createHash('sha256');
  for (const f of [...files, fileURLToPath(import.meta.url), join(root, 'package-lock.json')])
    hash.update(readFileSync(f));
  const seen = hash.digest('hex');
  const stamp = join(out, 'stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === seen) return;
  process.stderr.write('Setting up: compiling the kernels ...\n');
  mkdirSync(out, { recursive: true });
  for (const { name, features } of BUILDS) {
    const done = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js'),
        join(source, 'index.ts'),
        ...['-o', join(out, `${name}.wasm`), '--enable', features, '--runtime', 'stub', '-O3', '--noAssert'],
        ...['--importMemory', '--sharedMemory', '--maximumMemory', String(MAX_PAGES), '--use', 'abort='],
      ],
      { cwd: root, stdio: ['ignore', 2, 2] },
    );
    if (done.status !== 0) throw new Error(`The kernels (${name}) do not compile.`);
  }
  writeFileSync(stamp, seen);
}

/** What vitest calls before unit tests. */
export const setup = ensureKernels;

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureKernels();

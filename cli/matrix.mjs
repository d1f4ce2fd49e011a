#!/usr/bin/env node
// Compiles the AssemblyScript of src/matrix into src/matrix/build (ignored by git), twice: relaxed SIMD and baseline SIMD.
// Does nothing when the sources are those that the last build saw.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** One row per build: its file, and the features it may use. */
const BUILDS = [
  { file: 'relaxed.wasm', features: ['simd', 'relaxed-simd'] },
  { file: 'baseline.wasm', features: ['simd'] },
];

export async function buildMatrix(folder = 'src/matrix', builds = BUILDS) {
  const from = join(root, folder);
  const out = join(from, 'build');
  const sources = readdirSync(from).filter((f) => f.endsWith('.ts'));
  const hash = createHash('sha256').update(JSON.stringify(builds));
  for (const f of sources.sort()) hash.update(f).update(readFileSync(join(from, f)));
  const seen = hash.digest('hex');
  const stamp = join(out, 'stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === seen) return;
  mkdirSync(out, { recursive: true });
  const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');
  for (const { file, features } of builds) {
    const enable = features.flatMap((f) => ['--enable', f]);
    const options = [
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--disableWarning',
      '112',
      ...enable,
      '--outFile',
      `build/${file}`,
    ];
    const done = spawnSync(process.execPath, [asc, 'index.ts', ...options], { cwd: from, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${folder} could not be compiled:\n${done.stderr}`);
  }
  writeFileSync(stamp, seen);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildMatrix();

#!/usr/bin/env node
// `npm run sampler:build`: the sampler as one JavaScript file that Node runs alone, and, with --executable, as one program
// with Node in it (Node's single executable applications; postject is fetched for that).
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
/** By which Node knows where its blob is (nodejs.org/api/single-executable-applications.html). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const POSTJECT = 'postject@1.0.0-alpha.6';

async function bundle() {
  rmSync(dist, { recursive: true, force: true });
  await build({
    configFile: false,
    root: here,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: join(here, 'main.ts'),
      outDir: dist,
      target: 'node20',
      rollupOptions: {
        external: ['koffi'],
        output: { format: 'cjs', entryFileNames: 'joulewise-sampler.cjs', banner: '#!/usr/bin/env node' },
      },
    },
  });
  const file = join(dist, 'joulewise-sampler.cjs');
  chmodSync(file, 0o755);
  return file;
}

function executable(main) {
  const config = join(dist, 'sea.json');
  const blob = join(dist, 'sea.blob');
  writeFileSync(config, JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true }));
  execFileSync(process.execPath, ['--experimental-sea-config', config], { stdio: 'inherit' });
  const program = join(dist, `joulewise-sampler${process.platform === 'win32' ? '.exe' : ''}`);
  mkdirSync(dist, { recursive: true });
  copyFileSync(process.execPath, program);
  chmodSync(program, 0o755);
  // A signature no longer holds once something is put in; macOS refuses a program whose signature is wrong.
  if (process.platform === 'darwin') execFileSync('codesign', ['--remove-signature', program]);
  const inject = [program, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE];
  if (process.platform === 'darwin') inject.push('--macho-segment-name', 'NODE_SEA');
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  execFileSync(npx, ['--yes', POSTJECT, ...inject], { stdio: 'inherit', shell: process.platform === 'win32' });
  if (process.platform === 'darwin') execFileSync('codesign', ['--sign', '-', program]);
  rmSync(blob);
  rmSync(config);
  return program;
}

const file = await bundle();
console.log(file);
if (process.argv.includes('--executable')) console.log(executable(file));

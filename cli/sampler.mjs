#!/usr/bin/env node
// `npm run sampler`: sets up packages where they are missing, then hands over to the sampler, where the command was typed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

setUp({ browser: false, build: false });
const child = spawn(
  process.execPath,
  ['--import', import.meta.resolve('tsx'), join(root, 'sampler', 'main.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit', cwd: process.env.INIT_CWD ?? process.cwd() },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

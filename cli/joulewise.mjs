#!/usr/bin/env node
// Sets up what is missing, then hands over to the typed command line.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

const chrome = setUp();
const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'cli', 'main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  // tsx is found from the project, whatever the working directory.
  env: { ...process.env, JOULEWISE_CHROME: chrome, JOULEWISE_CWD: process.env.INIT_CWD ?? process.cwd() },
  cwd: root,
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

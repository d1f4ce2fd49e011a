#!/usr/bin/env node
// `npm test`: sets up what is missing, runs the unit tests (Node) and the browser tests (the built site in a real
// Chrome), and closes with one line of counts.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

const chrome = setUp();
const env = { ...process.env, JOULEWISE_CHROME: chrome };
const report = join(root, '.joulewise', 'unit.json');
mkdirSync(join(root, '.joulewise'), { recursive: true });
rmSync(report, { force: true });

/** Runs a command, showing and keeping what it prints. */
function run(args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      process.stdout.write(String(data).replace(/^@counts .*\n/m, ''));
    });
    child.on('exit', (code) => done({ code: code ?? 1, text }));
  });
}

const counts = { passed: 0, failed: 0, skipped: 0 };
let broken = false;

const unit = await run([
  join(root, 'node_modules/vitest/vitest.mjs'),
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
]);
try {
  const found = JSON.parse(readFileSync(report, 'utf8'));
  counts.passed += found.numPassedTests;
  counts.failed += found.numFailedTests;
  counts.skipped += found.numPendingTests;
} catch {
  broken = true;
}
broken ||= unit.code !== 0;

const browser = await run(['--import', 'tsx', join(root, 'tests/browser/main.ts')]);
const line = /^@counts (.*)$/m.exec(browser.text);
if (line) for (const [key, n] of Object.entries(JSON.parse(line[1]))) counts[key] += n;
else broken = true;
broken ||= browser.code !== 0;

// A suite that could not even load has no failed test to count.
if (broken && counts.failed === 0) counts.failed = 1;
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed ? 1 : 0);

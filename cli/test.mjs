#!/usr/bin/env node
// `npm test`: sets up what is missing, runs the unit tests (Vitest) and the browser tests (Playwright Test; the built site
// in a real Chrome), and closes with one line of counts.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureFirefox, root, setUp } from './setup.mjs';

/** Browser tests by how many of them run side by side (tests/playwright.config.ts). */
const PROJECTS = ['beside', 'gpu', 'alone'];

const chrome = setUp();
const firefox = ensureFirefox();
const env = { ...process.env, JOULEWISE_CHROME: chrome, ...(firefox ? { JOULEWISE_FIREFOX: firefox } : {}) };
const reports = join(root, '.joulewise');
mkdirSync(reports, { recursive: true });
const reportOf = (name) => join(reports, `${name}.json`);

/** Runs a command, showing what it prints; its exit code. */
const run = (args, more = {}) =>
  new Promise((done) => {
    spawn(process.execPath, args, { cwd: root, env: { ...env, ...more }, stdio: ['ignore', 'inherit', 'inherit'] }).on(
      'exit',
      (code) => done(code ?? 1),
    );
  });

const counts = { passed: 0, failed: 0, skipped: 0 };
let broken = false;

/** Runs a suite that writes a report, and adds up what that says. */
async function suite(name, args, more, read) {
  rmSync(reportOf(name), { force: true });
  broken = (await run(args, more)) !== 0 || broken;
  try {
    const found = read(JSON.parse(readFileSync(reportOf(name), 'utf8')));
    for (const key of Object.keys(counts)) counts[key] += found[key];
  } catch {
    broken = true;
  }
}

await suite(
  'unit',
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportOf('unit')}`,
  ],
  {},
  (r) => ({ passed: r.numPassedTests, failed: r.numFailedTests, skipped: r.numPendingTests }),
);
for (const project of PROJECTS)
  await suite(
    project,
    [join(root, 'node_modules/playwright/cli.js'), 'test', '-c', 'tests/playwright.config.ts', '--project', project],
    { PLAYWRIGHT_JSON_OUTPUT_FILE: reportOf(project) },
    ({ stats }) => ({ passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped }),
  );

// A suite that could not even load has no failed test to count.
if (broken && counts.failed === 0) counts.failed = 1;
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed ? 1 : 0);

import type { BrowserTest } from './harness';
import { tests as engines } from './engines';
import { tests as leaks } from './leaks';
import { tests as plans } from './plans';
import { tests as access } from '../e2e/access.e2e';
import { tests as app } from '../e2e/app.e2e';
import { tests as answer } from '../e2e/answer.e2e';
import { tests as first } from '../e2e/first.e2e';
import { tests as hang } from '../e2e/hang.e2e';
import { tests as look } from '../e2e/look.e2e';
import { tests as keep } from '../e2e/keep.e2e';
import { tests as limits } from '../e2e/limits.e2e';
import { tests as offline } from '../e2e/offline.e2e';
import { tests as preview } from '../e2e/preview.e2e';
import { tests as robust } from '../e2e/robust.e2e';
import { tests as tabs } from '../e2e/tabs.e2e';
import { tests as use } from '../e2e/use.e2e';

/** Runs the browser tests one after another (a GPU test wants the machine for itself) and prints their counts. */
const only = process.argv[2];
let passed = 0;
let failed = 0;
let skipped = 0;
const all: BrowserTest[] = [
  ...engines,
  ...leaks,
  ...plans,
  ...app,
  ...use,
  ...first,
  ...answer,
  ...hang,
  ...limits,
  ...look,
  ...access,
  ...robust,
  ...tabs,
  ...offline,
  ...preview,
  ...keep,
];
for (const test of all) {
  if (only && !test.name.includes(only)) continue;
  const start = Date.now();
  const line = (mark: string, more = '') =>
    process.stdout.write(`${mark} ${test.name} (${((Date.now() - start) / 1000).toFixed(1)} s)${more}\n`);
  if (test.skip) {
    skipped++;
    line('skip', `: ${test.skip}`);
    continue;
  }
  try {
    await test.run();
    passed++;
    line('ok  ');
  } catch (error) {
    failed++;
    line('FAIL', `\n     ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
process.stdout.write(`Browser tests: ${passed} passed, ${failed} failed, ${skipped} skipped.\n`);
process.stdout.write(`@counts ${JSON.stringify({ passed, failed, skipped })}\n`);
process.exit(failed ? 1 : 0);

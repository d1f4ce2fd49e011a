import { defineConfig } from 'playwright/test';

/** Tests of the built site in a real Chrome (`npm test`; one of them: `npm run test:browser -- -g "part of its name"`). */
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  fullyParallel: true,
  // One more than CI has cores, so that none is idle while a test waits.
  workers: 3,
  // A guard against a hang, not a bound on speed.
  timeout: 15 * 60_000,
  outputDir: '../.joulewise/browser',
  reporter: [['list'], ['json', { outputFile: '../.joulewise/browser.json' }]],
  projects: [
    { name: 'beside', grepInvert: /@gpu|@alone/ },
    // A software GPU compiles on every core and computes on one for a part of its time.
    { name: 'gpu', grep: /@gpu/, workers: 2 },
    { name: 'alone', grep: /@alone/, workers: 1 },
  ],
});

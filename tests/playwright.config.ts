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
    // Each keeps about one core busy (processor seconds over seconds: 0.8 to 1.1).
    { name: 'gpu', grep: /@gpu/, workers: 2 },
    { name: 'alone', grep: /@alone/, workers: 1 },
  ],
});

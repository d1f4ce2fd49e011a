import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SITE } from '../../cli/shared/browser';
import type { RunRecord } from '../../src/lib/schema/run';
import { BUDGET } from '../../src/lib/texts/budget';
import { LIVE } from '../../src/lib/texts/live';
import { RESULTS } from '../../src/lib/texts/results';
import { RUN } from '../../src/lib/texts/run';
import { VARIANTS } from '../../src/lib/texts/variants';
import { finished, inHistory, openEvidence, RUN_MS, runButton, standing, stepOf, tinyBudget } from './flows';
import { assert, equal, ORIGIN, withSite, type Site } from './site';
import { ANY, begins, like } from './words';

/** Threads that stop answering: as a driver, a browser or a kernel of ours may leave them. */

const SCRIPTS = '_app/immutable/workers';

/** The built site with another script for one of its threads; nothing of it is kept by a service worker. */
async function withScript(
  name: RegExp,
  rewrite: (script: string) => string,
  work: (site: Site) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'joulewise-site-'));
  try {
    cpSync(SITE, folder, { recursive: true, filter: (path) => !/ort-wasm.*\.wasm$/.test(path) });
    const file = readdirSync(join(folder, SCRIPTS)).find((other) => name.test(other));
    assert(file, `a script like ${String(name)}`);
    const path = join(folder, SCRIPTS, file);
    writeFileSync(path, rewrite(readFileSync(path, 'utf8')));
    await withSite(work, { folder, options: { serviceWorkers: 'block' } });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Before the script's own listener: the thread never gets out of its second slice. */
const HANGS = `let slices = 0;
self.addEventListener('message', ({ data }) => {
  if (data.method === 'slice' && ++slices === 2) for (;;);
});
`;

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'Stop ends a thread that hangs in the middle of a ticket: finished runs are kept',
    run: () =>
      withScript(
        /^engine\.worker/,
        (script) => HANGS + script,
        async ({ page }) => {
          await page.goto(ORIGIN);
          await tinyBudget(page, { limit: 4, slices: 4, tokens: 4, tasks: ['rca'] });
          await page.getByRole('checkbox', { name: VARIANTS.baseline }).uncheck();
          await runButton(page).click();
          // Both variants answer a slice, and neither another one.
          const running = page.getByRole('region', { name: LIVE.region });
          await running.getByText(begins(LIVE.at(3, 8, ANY))).waitFor({ timeout: RUN_MS });
          await running.getByRole('button', { name: LIVE.stop }).click();
          await page.getByText(RUN.stopped).waitFor();
          await running.waitFor({ state: 'detached' });
          equal(await page.getByRole('alert').count(), 0, 'complaints');
          await inHistory(page, like(standing(2, 6)));
        },
      ),
  },
  {
    name: 'a kernel thread whose script never starts is tried again, then done without: the run goes on and its records say so',
    run: () =>
      withScript(
        /^thread\.worker/,
        () => '',
        async ({ page }) => {
          await page.goto(ORIGIN);
          await tinyBudget(page, { limit: 2, slices: 1, tokens: 4, tasks: ['rca'] });
          await page.getByRole('checkbox', { name: VARIANTS.baseline }).uncheck();
          await stepOf(page, 'budget').getByLabel(BUDGET.threads).fill('2');
          await runButton(page).click();
          await finished(page);
          await openEvidence(page);
          const download = page.waitForEvent('download');
          await page.getByRole('button', { name: RESULTS.actions.json }).click();
          const { runs } = JSON.parse(readFileSync(await (await download).path(), 'utf8')) as { runs: RunRecord[] };
          // One a variant, and where one is shown to do the job its confidence.
          equal([...new Set(runs.map(({ variant }) => variant))].sort(), ['int4', 'int8'], 'variants');
          for (const { threads, fallbacks, variant } of runs) {
            equal(threads, 1, `threads of ${variant}`);
            assert(
              fallbacks.some((text) => text.startsWith('Only 1 of 2 threads could be started')),
              `the record of ${variant} says so: ${fallbacks.join(' ')}`,
            );
          }
          await page
            .getByText(/Only 1 of 2 threads could be started/)
            .first()
            .waitFor();
        },
      ),
  },
];

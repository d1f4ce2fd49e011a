import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { BrowserContext } from 'playwright';
import { canonicalJson } from '../../src/lib/core/canonical';
import { generateDataset } from '../../src/lib/data/generator';
import { BUDGET } from '../../src/lib/texts/budget';
import { HISTORY } from '../../src/lib/texts/history';
import { LIVE } from '../../src/lib/texts/live';
import { RESULTS } from '../../src/lib/texts/results';
import { STORAGE } from '../../src/lib/texts/storage';
import { TICKETS } from '../../src/lib/texts/tickets';
import {
  answers,
  change,
  doesTo,
  finished,
  inHistory,
  openEvidence,
  named,
  resume,
  RUN_MS,
  runButton,
  standing,
  tinyBudget,
  useOwnModel,
} from './flows';
import type { BrowserTest } from '../browser/harness';
import { assert, equal, openSite, ORIGIN, withSite } from './site';
import { begins, entry, like, source } from './words';
import { putDataset } from './stored';

/** What goes wrong on real devices: no room left, a GPU that goes, a small screen. */

/** Ends the process that drives the GPU, as a reset of its driver does; after the second time Chrome offers no adapter. */
async function crashGpu(context: BrowserContext): Promise<void> {
  const browser = context.browser();
  assert(browser, 'the browser can be told');
  const cdp = await browser.newBrowserCDPSession();
  await cdp.send('Browser.crashGpuProcess');
  await cdp.detach();
}

export const tests: BrowserTest[] = [
  {
    name: 'tickets that an earlier version stored whole are listed, run on and exported',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(`${ORIGIN}/history`);
        await page.getByText(HISTORY.none).waitFor();
        const dataset = await generateDataset({ count: 3000, seed: 9 });
        await putDataset(page, { ...dataset, name: 'of last year' });
        await page.goto(`${ORIGIN}/storage`);
        await page.getByText(begins(STORAGE.ticketSet('of last year', 3000))).waitFor();
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 2, slices: 1, tokens: 4 });
        await change(page, 'tickets');
        await page.getByRole('button', { name: doesTo(TICKETS.use, 'of last year') }).click();
        await runButton(page).click();
        await finished(page);
        await page.goto(`${ORIGIN}/storage`);
        const download = page.waitForEvent('download');
        await page.getByRole('button', { name: STORAGE.export }).click();
        const lines = gunzipSync(readFileSync(await (await download).path()))
          .toString()
          .split('\n');
        const { record } = JSON.parse(lines[1] ?? '') as { record: unknown };
        equal(canonicalJson(record), canonicalJson({ ...dataset, name: 'of last year' }), 'the exported tickets');
      }),
  },
  {
    name: 'a full disk ends a run with what to do, and room again lets it go on',
    async run() {
      const site = await openSite();
      const { page, context } = site;
      try {
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 2, slices: 1, tokens: 4 });
        const cdp = await context.newCDPSession(page);
        await cdp.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize: 1 });
        // Chromium's IndexedDB asks for room at most every 30 s, and the set-up was kept a moment ago.
        await page.waitForTimeout(31_000);
        await runButton(page).click();
        await page.getByRole('alert').getByText('The browser has no room left').waitFor({ timeout: RUN_MS });
        await cdp.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN });
        await runButton(page).click();
        await finished(page);
      } finally {
        await site.close();
      }
    },
  },
  {
    name: 'WebGPU lost in the middle of a run: tried again once, what was finished is kept, and a sentence says what to do',
    group: 'gpu',
    async run() {
      const profile = mkdtempSync(join(tmpdir(), 'joulewise-e2e-'));
      try {
        const first = await openSite({ profile, swiftshader: true });
        try {
          const { page, context } = first;
          await page.goto(ORIGIN);
          // A software GPU takes long for a larger one.
          await useOwnModel(page);
          await tinyBudget(page, { limit: 1, slices: 1, tokens: 4, tasks: ['response'] });
          await page.getByLabel(BUDGET.engine).selectOption('ort-gpu');
          await runButton(page).click();
          const running = page.getByRole('region', { name: LIVE.region });
          const warmingUp = (variant: string) => new RegExp(`${variant},[^;]*${source(entry(LIVE.phase, 'warm-up'))}`);
          // Lost once: the run is begun again on a new device, and nothing is said to have failed.
          await running.getByText(warmingUp('int8')).waitFor({ timeout: RUN_MS });
          await crashGpu(context);
          await running.getByText(warmingUp('int4')).waitFor({ timeout: RUN_MS });
          equal(await page.getByRole('heading', { name: RESULTS.failed }).count(), 0, 'failures after the first loss');
          // Lost for good: the browser offers no adapter any more.
          await crashGpu(context);
          await page
            .getByRole('alert')
            .getByText(/The GPU was lost .* does not offer it any more\. Finished runs are kept: .* press Resume/)
            .waitFor({ timeout: 60_000 });
          equal(
            (await answers(page).locator('tbody th').first().innerText()).trim().replace(/\s+/g, ' '),
            named('int8'),
            'what was finished is shown',
          );
          await inHistory(page, like(...[1, 2].flatMap((runs) => [1, 2].map((missing) => standing(runs, missing)))));
          equal(first.faults, [], 'console errors');
        } finally {
          await first.close();
        }
        // The browser opened again, as the sentence says.
        await withSite(
          async ({ page }) => {
            await page.goto(ORIGIN);
            await resume(page);
            await finished(page);
            // What the GPU computes was compared with our own kernels before it was ranked.
            await openEvidence(page);
            await page
              .getByText(/Checked against our own kernels before it was ranked: \S+ nats a token apart/)
              .first()
              .waitFor();
            // What was missing ran beside a short slice of the reference, which links it with what there was.
            await inHistory(page, like(standing(4)));
          },
          { profile, swiftshader: true },
        );
      } finally {
        rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      }
    },
  },
  {
    name: 'a phone runs the whole flow without scrolling sideways, by touch',
    run: () =>
      withSite(
        async ({ page }) => {
          await page.goto(ORIGIN);
          await tinyBudget(page, { limit: 2, slices: 1, tokens: 4 });
          await runButton(page).tap();
          await finished(page);
          await answers(page).waitFor();
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert(wide <= 390, `the results are ${wide} px wide`);
          equal(await page.getByRole('alert').count(), 0, 'complaints');
        },
        { options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
      ),
  },
];

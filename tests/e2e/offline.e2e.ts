import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { SITE } from '../../cli/shared/browser';
import { writePrecache } from '../../cli/precache.mjs';
import { RESULTS } from '../../src/lib/texts/results';
import { SHELL } from '../../src/lib/texts/shell';
import { finished, openEvidence, runButton, tinyBudget } from './flows';
import { assert, equal, openSite, ORIGIN, withSite } from './site';

/** The service worker: offline after the first visit, one whole version at a time, threads without headers. */

const OFFLINE_MS = 30_000;

/** Until everything is kept and the page is served from there. */
const kept = (page: Page) =>
  page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated', null, { timeout: OFFLINE_MS });

/** Publishes another version into a copy of the site: only its name and a mark on the first page differ. */
function publish(folder: string): void {
  const { version } = JSON.parse(readFileSync(join(folder, '_app', 'version.json'), 'utf8')) as { version: string };
  for (const [file, from, to] of [
    ['_app/version.json', version, `${version}1`],
    ['service-worker.js', version, `${version}1`],
    ['index.html', '<html', '<html data-version="next"'],
  ] as const) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(from, to));
  }
  writePrecache(folder);
}

const isNext = (page: Page) => page.evaluate(() => document.documentElement.dataset['version'] === 'next');

async function runTiny(page: Page): Promise<void> {
  await tinyBudget(page, { limit: 2, slices: 1, tokens: 4 });
  await runButton(page).click();
  await finished(page);
  await openEvidence(page);
  await page.getByRole('heading', { name: RESULTS.computed }).waitFor();
}

/** A site of three files whose page, worker and service worker each ask another host. */
const LEAKS: Readonly<Record<string, string>> = {
  _headers: '',
  'index.html': `<script type="module">
    new Worker('/worker.js');
    await navigator.serviceWorker.register('/service-worker.js');
    await fetch('http://elsewhere.localhost/page').catch(() => null);
  </script>`,
  'worker.js': `void fetch('http://elsewhere.localhost/worker').catch(() => null);`,
  'service-worker.js': `addEventListener('install', (event) =>
    event.waitUntil(fetch('http://elsewhere.localhost/service-worker').catch(() => null)),
  );`,
};

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'the watch over the network sees what pages, workers and service workers ask for',
    async run() {
      const folder = mkdtempSync(join(tmpdir(), 'joulewise-leaks-'));
      try {
        for (const [name, text] of Object.entries(LEAKS)) writeFileSync(join(folder, name), text);
        const site = await openSite({ folder, headers: false });
        await site.page.goto(ORIGIN);
        await site.page.evaluate(() => navigator.serviceWorker.ready.then(() => null));
        const seen = () => site.network.foreign.map((line) => /localhost\/(\S+)/.exec(line)?.[1]).sort();
        for (let i = 0; i < 50 && seen().length < 3; i++) await site.page.waitForTimeout(100);
        equal(seen(), ['page', 'service-worker', 'worker'], 'requests that were seen');
        const said = await site.close().then(
          () => 'nothing',
          (error: unknown) => String(error),
        );
        assert(/nobody clicked for/.test(said), `closing fails: ${said}`);
      } finally {
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      }
    },
  },
  {
    name: 'works offline after the first visit, and an update is whole and waits for a click',
    async run() {
      const folder = mkdtempSync(join(tmpdir(), 'joulewise-site-'));
      try {
        cpSync(SITE, folder, { recursive: true, filter: (path) => !/ort-wasm.*\.wasm$/.test(path) });
        await withSite(
          async ({ page, context, server }) => {
            await page.goto(ORIGIN);
            await kept(page);
            publish(folder);
            await page.reload();
            const notice = page.getByText(SHELL.site.updated);
            await notice.waitFor({ timeout: OFFLINE_MS });
            assert(!(await isNext(page)), 'the old version serves until the click');
            await page.reload();
            await notice.waitFor();
            assert(!(await isNext(page)), 'a plain reload stays with the version that is in use');
            await page.getByRole('button', { name: SHELL.site.reload }).click();
            await page.waitForFunction(() => document.documentElement.dataset['version'] === 'next');

            await server.close();
            await context.setOffline(true);
            await page.goto(`${ORIGIN}/compare`);
            await page.getByRole('heading', { level: 1 }).waitFor();
            await page.goto(ORIGIN);
            assert(await page.evaluate(() => crossOriginIsolated), 'isolated offline too');
            await runTiny(page);
          },
          { folder },
        );
      } finally {
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      }
    },
  },
  {
    name: 'on a host without headers: one announced reload makes the page isolated; without a worker it runs in one thread',
    async run() {
      await withSite(
        async ({ page }) => {
          let loads = 0;
          page.on('load', () => loads++);
          await page.goto(ORIGIN);
          assert(!(await page.evaluate(() => crossOriginIsolated)), 'the host sets no headers');
          await page.getByText(SHELL.site.reloading).waitFor({ timeout: OFFLINE_MS });
          await page.waitForFunction(() => crossOriginIsolated, null, { timeout: OFFLINE_MS });
          await runTiny(page);
          equal(loads, 2, 'loads of the page');
          equal(await page.getByText('not cross-origin isolated').count(), 0, 'complaints about threads');
        },
        { headers: false },
      );
      await withSite(
        async ({ page }) => {
          await page.goto(ORIGIN);
          await runTiny(page);
          await page.getByText('not cross-origin isolated').first().waitFor();
        },
        { headers: false, options: { serviceWorkers: 'block' } },
      );
    },
  },
];

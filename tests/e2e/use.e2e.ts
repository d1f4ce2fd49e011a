import { exampleRun } from '../../src/lib/rank/example';
import { assert, ORIGIN, withSite } from './site';

/** Pages beside the first one, as a person uses them, in the built site. */

declare global {
  interface Window {
    /** Longest task of the page's thread so far, ms. */
    longestTask: number;
  }
}

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'lists and searches 10,000 stored experiments without a stutter',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(`${ORIGIN}/history`);
        await page.getByText(/^None yet/).waitFor();
        const plan = {
          v: 1,
          dataset: { hash: 'd', name: 'tickets' },
          checkpoint: { kind: 'builtin' },
          tasks: ['rca'],
          stages: [{ kind: 'variants', variants: ['fp16'] }],
          baseline: false,
          engine: 'cpu',
          threads: null,
          limit: 10,
          repeats: 1,
          maxNewTokens: 16,
          seed: 1,
          w: 0.5,
          profile: null,
        };
        await page.evaluate(
          async ([plan, run, count]) => {
            const db = await new Promise<IDBDatabase>((done) => {
              const request = indexedDB.open('joulewise', 2);
              request.onupgradeneeded = () => {
                request.result.createObjectStore('datasets', { keyPath: 'hash' });
                request.result.createObjectStore('plans', { keyPath: 'hash' }).createIndex('createdAt', 'createdAt');
                request.result.createObjectStore('runs', { keyPath: 'id' }).createIndex('plan', 'plan');
              };
              request.onsuccess = () => done(request.result);
            });
            const tx = db.transaction(['plans', 'runs'], 'readwrite');
            for (let i = 0; i < count; i++) {
              const hash = `p${i}`;
              const createdAt = new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString();
              const name = `Experiment ${i} of the northern region`;
              tx.objectStore('plans').put({ hash, plan, name, note: '', createdAt, summary: null });
              tx.objectStore('runs').put({ ...run, plan: hash, id: `${hash}/0/rca/fp16/0` });
            }
            await new Promise((done) => (tx.oncomplete = done));
            db.close();
          },
          [plan, exampleRun(), 10_000] as const,
        );
        await page.addInitScript(() => {
          window.longestTask = 0;
          new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) window.longestTask = Math.max(window.longestTask, duration);
          }).observe({ type: 'longtask' });
        });
        const start = Date.now();
        await page.reload();
        await page.getByText('10,000 experiments', { exact: true }).waitFor();
        const listed = Date.now() - start;
        await page.getByText('Experiment 9999 of', { exact: false }).waitFor();
        await page
          .getByText(/1 run, complete/)
          .first()
          .waitFor();
        const loading = await page.evaluate(() => window.longestTask);
        await page.evaluate(() => (window.longestTask = 0));
        await page.getByLabel(/^Search/).pressSequentially('region 77', { delay: 30 });
        await page.getByText(/^[\d,]+ of 10,000 experiments/).waitFor();
        await page.getByLabel(/^Search/).fill('');
        const list = page.getByRole('region', { name: 'Experiments' });
        assert((await list.locator('li').count()) < 40, 'only rows in sight are in the page');
        for (let i = 0; i < 20; i++) {
          await list.evaluate((el) => el.scrollBy(0, 20_000));
          await page.waitForTimeout(30);
        }
        await list.evaluate((el) => el.scrollTo(0, el.scrollHeight));
        await page.getByText('Experiment 0 of', { exact: false }).waitFor();
        const using = await page.evaluate(() => window.longestTask);
        console.log(
          `      10,000 experiments listed in ${listed} ms; longest task ${loading} ms while loading, ${using} ms while searching and scrolling`,
        );
        assert(using <= 100, `a task of ${using} ms while searching and scrolling`);
      }),
  },
];

import {
  answers,
  finished,
  inHistory,
  openEvidence,
  rows,
  RUN_MS,
  runButton,
  tinyBudget,
  useOwnModel,
  stepOf,
} from './flows';
import { equal, ORIGIN, withSite } from './site';

/** More than one tab, and browsers that keep less than others. */

/** As where cookies and site data are blocked. */
const KEEPS_NOTHING = `(() => {
  const denied = () => { throw new DOMException('Access is denied for this document.', 'SecurityError'); };
  const refused = () => Promise.reject(new DOMException('Access is denied for this document.', 'SecurityError'));
  Object.defineProperty(window, 'localStorage', { get: denied });
  IDBFactory.prototype.open = denied;
  IDBFactory.prototype.databases = refused;
  StorageManager.prototype.getDirectory = refused;
})()`;

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'two tabs: the same experiment runs once, another one is told of in the results, and what a run needs is not deleted',
    run: () =>
      withSite(async ({ page, context }) => {
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 480, slices: 8, tokens: 48 });
        await runButton(page).click();
        await page.getByText(/ticket \d+ of/).waitFor({ timeout: RUN_MS });
        const other = await context.newPage();
        other.setDefaultTimeout(20_000);
        await other.goto(ORIGIN);
        await tinyBudget(other, { limit: 480, slices: 8, tokens: 48 });
        await runButton(other).click();
        await other
          .getByRole('alert')
          .getByText(/Another tab is running this very plan\. Watch it there/)
          .waitFor({ timeout: RUN_MS });
        await other.goto(`${ORIGIN}/storage`);
        await other.getByRole('button', { name: 'Delete everything' }).click();
        await other.getByRole('button', { name: /for good$/ }).click();
        const refused = other.getByText(/running in another tab .* nothing was deleted\. Stop it there/);
        await refused.waitFor();
        // Nor the tickets alone that it uses.
        await other.reload();
        const tickets = other.getByRole('button', { name: /^Delete .*generated/i });
        await tickets.click();
        await refused.waitFor();
        equal(await tickets.count(), 1, 'the tickets are still there');
        await other.goto(ORIGIN);
        equal(
          await other.getByText(/This page was closed while/).count(),
          0,
          'nothing is taken over from a tab that runs',
        );
        equal(await page.getByText(/Another tab of this browser runs/).count(), 0, 'notices while one tab runs');
        await tinyBudget(other, { limit: 8, slices: 3, tokens: 24 });
        await runButton(other).click();
        await Promise.all(
          [page, other].map((tab) => tab.getByText(/Another tab of this browser runs/).waitFor({ timeout: RUN_MS })),
        );
        await finished(other);
        await openEvidence(other);
        await other
          .getByText(/Another tab ran an experiment at the same time/)
          .first()
          .waitFor();
        await page.getByRole('button', { name: 'Stop' }).click();
        await page.getByText(/Stopped\. Finished runs are kept/).waitFor({ timeout: RUN_MS });
      }),
  },
  {
    name: 'site data cleared in the middle of a run: it goes on, and what it finds from then on is there after a reload',
    run: () =>
      withSite(async ({ page, context }) => {
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 60, slices: 6, tasks: ['rca'] });
        await runButton(page).click();
        await page.getByText(/^Run ([2-9]|1[0-2]) of 18, /).waitFor({ timeout: RUN_MS });
        const cdp = await context.newCDPSession(page);
        await cdp.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb,local_storage' });
        await finished(page);
        await answers(page).waitFor();
        equal(await rows(page).count(), 3, 'variants that were compared');
        await page.reload();
        await answers(page).waitFor();
        await inHistory(page, /\d+ runs, \d+ runs? missing/);
      }),
  },
  {
    name: 'a model that is cleared in the middle of a run ends it with what to do, and finished runs are kept',
    run: () =>
      withSite(async ({ page, context }) => {
        await page.goto(ORIGIN);
        await useOwnModel(page);
        await tinyBudget(page, { limit: 36, slices: 6, tasks: ['rca'] });
        // What is open answers to the end; pruned ones are opened when the best are known.
        await stepOf(page, 'variants')
          .getByRole('checkbox', { name: /^ffn25/ })
          .check();
        await runButton(page).click();
        await page.getByText(/^Run [3-6] of \d+, /).waitFor({ timeout: RUN_MS });
        const cdp = await context.newCDPSession(page);
        await cdp.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'file_systems' });
        await page
          .getByText(/mine\.gguf.* is no longer stored in this browser\. Add it again/)
          .first()
          .waitFor({ timeout: RUN_MS });
        await answers(page).waitFor();
        await page.reload();
        await answers(page).waitFor();
      }),
  },
  {
    name: 'a browser that keeps nothing says so, and what to do',
    run: () =>
      withSite(async ({ page }) => {
        await page.addInitScript(KEEPS_NOTHING);
        await page.goto(ORIGIN);
        await page
          .getByRole('alert')
          .getByText(
            /cannot keep results \(a private window, or storage is blocked\)\. Open Joulewise in a normal window/,
          )
          .waitFor();
        await page.getByRole('button', { name: /^Run: about/ }).click();
        await page
          .getByRole('alert')
          .getByText(/cannot keep results/)
          .nth(1)
          .waitFor({ timeout: RUN_MS });
        for (const path of ['/history', '/storage', '/assistant', '/compare', '/paper']) {
          await page.goto(ORIGIN + path);
          await page
            .getByRole('alert')
            .getByText(/cannot keep results/)
            .first()
            .waitFor();
        }
      }),
  },
];

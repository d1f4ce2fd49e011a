import { builtinFiles } from '../../src/lib/checkpoint/testing';
import { CONDITIONS } from '../../src/lib/texts/conditions';
import { LIVE } from '../../src/lib/texts/live';
import { RUN } from '../../src/lib/texts/run';
import { STORAGE } from '../../src/lib/texts/storage';
import {
  answers,
  finished,
  inHistory,
  openEvidence,
  pricedRun,
  rows,
  RUN_MS,
  runButton,
  runsOf,
  standing,
  stepOf,
  tinyBudget,
  useOwnModel,
} from './flows';
import { equal, ORIGIN, withSite } from './site';
import { begins, like, SOME, source } from './words';

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
        await page.getByText(like(LIVE.ticketOf(SOME, SOME))).waitFor({ timeout: RUN_MS });
        const other = await context.newPage();
        other.setDefaultTimeout(20_000);
        await other.goto(ORIGIN);
        await tinyBudget(other, { limit: 480, slices: 8, tokens: 48 });
        await runButton(other).click();
        await other.getByRole('alert').getByText(RUN.elsewhere).waitFor({ timeout: RUN_MS });
        await other.goto(`${ORIGIN}/storage`);
        await other.getByRole('button', { name: STORAGE.removeAll }).click();
        await other.getByRole('button', { name: STORAGE.removeAllSure }).click();
        const refused = other.getByText(RUN.needed);
        await refused.waitFor();
        // Nor the tickets alone that it uses.
        await other.reload();
        const tickets = other.getByRole('button', { name: new RegExp(`^${source(STORAGE.remove)} .*generated`, 'i') });
        await tickets.click();
        await refused.waitFor();
        equal(await tickets.count(), 1, 'the tickets are still there');
        await other.goto(ORIGIN);
        equal(
          await other.getByText(like(LIVE.returned(1), LIVE.returned(SOME))).count(),
          0,
          'nothing is taken over from a tab that runs',
        );
        equal(await page.getByText(LIVE.otherTab).count(), 0, 'notices while one tab runs');
        await tinyBudget(other, { limit: 8, slices: 3, tokens: 24 });
        await runButton(other).click();
        await Promise.all([page, other].map((tab) => tab.getByText(LIVE.otherTab).waitFor({ timeout: RUN_MS })));
        await finished(other);
        await openEvidence(other);
        await other.getByText(CONDITIONS.otherTab).first().waitFor();
        await page.getByRole('button', { name: LIVE.stop }).click();
        await page.getByText(RUN.stopped).waitFor({ timeout: RUN_MS });
      }),
  },
  {
    name: 'site data cleared in the middle of a run: it goes on, and what it finds from then on is there after a reload',
    run: () =>
      withSite(async ({ page, context }) => {
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 60, slices: 6, tasks: ['rca'] });
        await runButton(page).click();
        await page.getByText(begins(...runsOf(18, 2, 12))).waitFor({ timeout: RUN_MS });
        const cdp = await context.newCDPSession(page);
        await cdp.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb,local_storage' });
        await finished(page);
        await answers(page).waitFor();
        equal(await rows(page).count(), 3, 'variants that were compared');
        await page.reload();
        await answers(page).waitFor();
        await inHistory(page, like(standing(SOME, 1), standing(SOME, SOME)));
      }),
  },
  {
    name: 'a model that is cleared in the middle of a run ends it with what to do, and finished runs are kept',
    run: () =>
      withSite(async ({ page, context }) => {
        await page.goto(ORIGIN);
        // Of a smaller one all would have run before it is cleared.
        await useOwnModel(page, builtinFiles());
        await tinyBudget(page, { limit: 36, slices: 6, tasks: ['rca'] });
        // What is open answers to the end; pruned ones are opened when the best are known.
        await stepOf(page, 'variants')
          .getByRole('checkbox', { name: /^ffn25/ })
          .check();
        await runButton(page).click();
        await page.getByText(begins(...runsOf(SOME, 3, 6))).waitFor({ timeout: RUN_MS });
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
        await pricedRun(page).click();
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

import { finished, ranking, RUN_MS, runButton, tinyBudget } from './flows';
import { assert, equal, openSite, ORIGIN, withSite } from './site';

/** What goes wrong on real devices: no room left, a small screen. */

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'a full disk ends a run with what to do, and room again lets it go on',
    async run() {
      const site = await openSite();
      const { page, context } = site;
      try {
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 2, repeats: 1, tokens: 4 });
        const cdp = await context.newCDPSession(page);
        await cdp.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize: 1 });
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
    name: 'a phone runs the whole flow without scrolling sideways, by touch',
    run: () =>
      withSite(
        async ({ page }) => {
          await page.goto(ORIGIN);
          await tinyBudget(page, { limit: 2, repeats: 1, tokens: 4 });
          await runButton(page).tap();
          await finished(page);
          await ranking(page).waitFor();
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert(wide <= 390, `the results are ${wide} px wide`);
          equal(await page.getByRole('alert').count(), 0, 'complaints');
        },
        { options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
      ),
  },
];

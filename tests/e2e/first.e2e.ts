import { ranking, RUN_MS, runButton } from './flows';
import { assert, equal, ORIGIN, withSite } from './site';

/** What a first visit is like. */

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'a fresh profile: one click, costs beside it, and every precision is ranked with its uncertainty',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await page
          .getByLabel('On this device')
          .getByText(/A browser tells no watts\. Energy is estimated/)
          .waitFor();
        await page.getByText('Cost of each variant').click();
        const costs = page.getByRole('table').filter({ hasText: 'Fits here' }).locator('tbody tr');
        await costs.nth(3).waitFor();
        assert(/MiB.*\d+ J \(.* to .*\).*yes/s.test((await costs.first().innerText()).replace(/\s+/g, ' ')), 'a cost');
        const start = Date.now();
        await runButton(page).click();
        // Four precisions and the baseline, each with an interval from slices of its own.
        const ranked = ranking(page)
          .locator('tbody tr')
          .filter({ hasText: /J \([\d.]+ to [\d.]+\)/ });
        await ranked.nth(4).waitFor({ timeout: RUN_MS });
        const ms = Date.now() - start;
        const answer = await page.locator('#answer').innerText();
        console.log(`      first ranked answer after ${(ms / 1000).toFixed(1)} s: ${answer}`);
        assert(/estimated|cannot|tied/.test(answer), `the answer carries its uncertainty: ${answer}`);
        // What is being run is left out from here on; the others go on.
        const running = page.getByRole('region', { name: 'Progress' });
        await running.getByRole('button', { name: 'Skip this variant' }).click();
        await page.getByRole('heading', { name: 'What failed' }).waitFor({ timeout: RUN_MS });
        await page.getByText('Skipped by you.').first().waitFor();
        await running.getByText(/ticket \d+ of/).waitFor({ timeout: RUN_MS });
        await page.getByRole('button', { name: 'Stop' }).click();
        await page.getByText(/Stopped\. Finished runs are kept/).waitFor({ timeout: RUN_MS });
        equal(await page.getByRole('alert').count(), 0, 'complaints');
      }),
  },
];

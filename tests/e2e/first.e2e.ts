import { COST } from '../../src/lib/texts/cost';
import { energyRange, JOULES } from '../../src/lib/texts/energy';
import { LIVE } from '../../src/lib/texts/live';
import { RUN } from '../../src/lib/texts/run';
import { SETUP } from '../../src/lib/texts/setup';
import { rows, RUN_MS, runButton } from './flows';
import { assert, ORIGIN, withSite } from './site';
import { like, SOME, source } from './words';

/** What a first visit is like. */

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'a fresh profile: one click, costs beside it, and every precision is compared with its uncertainty',
    run: () =>
      withSite(
        async ({ page }) => {
          await page.goto(ORIGIN);
          await page.getByLabel(SETUP.here.region).getByText(SETUP.here.power).waitFor();
          await page.getByText(SETUP.cost.show).click();
          const costs = page.getByRole('table').filter({ hasText: COST.fits }).locator('tbody tr');
          await costs.nth(3).waitFor();
          const cost = new RegExp(
            `MiB.*${source(energyRange({ low: SOME, mid: SOME, high: SOME }, JOULES))}.*${source(COST.yes)}`,
          );
          assert(cost.test((await costs.first().innerText()).replace(/\s+/g, ' ')), 'a cost');
          const start = Date.now();
          await runButton(page).click();
          // Four precisions and the baseline, each with an interval from slices of its own.
          const compared = rows(page)
            .locator('td:nth-of-type(4)')
            .filter({ hasText: /[\d.]+\s*\([\d.]+–[\d.]+\)/ });
          await compared.nth(4).waitFor({ timeout: RUN_MS });
          const ms = Date.now() - start;
          const answer = await page.locator('#answer').innerText();
          console.log(`      first answer with intervals after ${(ms / 1000).toFixed(1)} s: ${answer}`);
          // The wording itself is looked at: how sure the answer is stands in its own sentence.
          assert(/\(95 %: |shown|none/i.test(answer), `the answer carries its uncertainty: ${answer}`);
          await page.getByText(LIVE.preliminary).waitFor();
          // What is being run is left out from here on; the others go on.
          const running = page.getByRole('region', { name: LIVE.region });
          await running.getByRole('button', { name: LIVE.skip }).click();
          await page.getByRole('alert').filter({ hasText: RUN.skipped }).first().waitFor({ timeout: RUN_MS });
          await running.getByText(like(LIVE.ticketOf(SOME, SOME))).waitFor({ timeout: RUN_MS });
          await page.getByRole('button', { name: LIVE.stop }).click();
          await page.getByText(RUN.stopped).waitFor({ timeout: RUN_MS });
          // What was skipped is told; nothing else is complained of.
          for (const said of await page.getByRole('alert').allInnerTexts())
            assert(said.includes(RUN.skipped), `a complaint: ${said}`);
        },
        { kept: true },
      ),
  },
];

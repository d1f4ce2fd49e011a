import { COST, TOO_LARGE } from '../../src/lib/texts/cost';
import { joules } from '../../src/lib/texts/format';
import { LIVE } from '../../src/lib/texts/live';
import { MODEL } from '../../src/lib/texts/model';
import { SETUP } from '../../src/lib/texts/setup';
import { TICKETS } from '../../src/lib/texts/tickets';
import { answers, change, doesTo, finished, runButton, stepOf, tinyBudget } from './flows';
import { assert, equal, ORIGIN, withSite } from './site';
import { ANY, begins, entry, exactly, like, SOME } from './words';

/** What stands where, and what a table or a file looks like on its way in. */

/** 40 counters and a class, as alarm systems export them. */
const COUNTERS = 40;
const counters = [
  [...Array.from({ length: COUNTERS }, (_, i) => `alarm_${i}`), 'label'].join(','),
  ...Array.from({ length: 60 }, (_, row) =>
    [...Array.from({ length: COUNTERS }, (_, i) => ((row + i) % 13 === 0 ? 100 + row : 0)), `class ${row % 3}`].join(
      ',',
    ),
  ),
].join('\n');

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'reads a dropped table of counters as one line to tick, with its text as a model reads it',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await change(page, 'tickets');
        const panel = stepOf(page, 'tickets');
        const file = await page.evaluateHandle((text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], 'alarms.csv', { type: 'text/csv' }));
          return data;
        }, counters);
        await panel.getByText(TICKETS.drop).dispatchEvent('drop', { dataTransfer: file });
        const all = panel.getByRole('checkbox', { name: TICKETS.import.counters(COUNTERS, COUNTERS) });
        await all.waitFor();
        assert(await all.isChecked(), 'counters are the text');
        equal(await panel.getByRole('checkbox', { name: /^alarm_/ }).count(), 0, 'boxes of counters, folded away');
        await panel.getByText('alarm_0 100, alarm_13 100, alarm_26 100, alarm_39 100').waitFor();
        await panel.getByText(TICKETS.import.which).click();
        await panel.getByRole('searchbox').fill('alarm_13');
        await panel.getByRole('checkbox', { name: 'alarm_13' }).uncheck();
        await panel.getByText('alarm_0 100, alarm_26 100, alarm_39 100').waitFor();
        const some = panel.getByRole('checkbox', { name: TICKETS.import.counters(COUNTERS - 1, COUNTERS) });
        assert(await some.evaluate((box: HTMLInputElement) => box.indeterminate), 'some of them');
        await panel.getByRole('button', { name: TICKETS.import.start, exact: true }).click();
        await page.getByText(like(SETUP.tickets.imported(SOME, 'alarms'))).waitFor();
      }),
  },
  {
    name: 'shows a run first, on a ground that says what is done, then its results, then the four steps',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await page.getByRole('heading', { level: 1, name: SETUP.headline }).waitFor();
        await page.getByRole('img', { name: SETUP.picture.label }).waitFor();
        // Long enough to be looked at while it goes on.
        await tinyBudget(page, { limit: 60, slices: 2, tokens: 16 });
        await runButton(page).click();
        const running = page.getByRole('region', { name: LIVE.region });
        await running.getByRole('heading').waitFor();
        assert(
          await running.getByRole('heading').evaluate((heading) => heading === document.activeElement),
          'focus goes to the run that was asked for',
        );
        await running.getByText(LIVE.chart.ground).waitFor();
        for (const phase of ['load', 'rca'])
          await running.getByText(entry(LIVE.phase, phase), { exact: true }).waitFor();
        const top = async (name: string | RegExp): Promise<number> =>
          // Where results arrive this very moment, the heading of the steps is another one.
          (await page.getByRole('heading', { name }).first().boundingBox())?.y ?? top(name);
        const again = SETUP.again.title;
        const { running: goesOn, starting, pausing } = LIVE.status;
        assert((await top(begins(goesOn, starting, pausing))) < (await top(again)), 'the run is first');
        await finished(page);
        await answers(page).waitFor();
        const answer = await page.locator('#answer').innerText();
        assert((await top(answer)) < (await top(again)), 'the answer is first');
        equal(await page.getByRole('heading', { level: 1 }).allInnerTexts(), [answer], 'what the page is about');
        equal(await runButton(page).isVisible(), false, 'the steps are folded');
        await page.getByRole('button', { name: SETUP.again.open }).click();
        await runButton(page).waitFor();
        await page.getByText(SETUP.budget.sentence(60, 2, false)).waitFor();
        await page.getByRole('button', { name: SETUP.again.close }).click();
        await runButton(page).waitFor({ state: 'hidden' });
      }),
  },
  {
    name: 'says what a model of the catalogue costs before any of it is downloaded',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await change(page, 'model');
        await page.getByRole('button', { name: doesTo(MODEL.use, 'SmolLM2 135M') }).click();
        await page
          .getByRole('button', {
            name: exactly(`${SETUP.run}: ${SETUP.cost.label(SOME, joules(SOME), 257 * 2 ** 20)}`),
          })
          .waitFor();
        await page.getByText(SETUP.cost.show).click();
        const costs = page.getByRole('table').filter({ hasText: COST.fits }).locator('tbody tr');
        await costs.nth(3).waitFor();
        await page.getByRole('button', { name: doesTo(MODEL.use, `Llama 3.2 1B${ANY}`) }).click();
        await page.getByText(like(TOO_LARGE(['fp32'], SOME, SOME))).waitFor();
      }),
  },
];

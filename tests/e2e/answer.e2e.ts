import type { Page } from 'playwright';
import { ANSWER, named as inSentence } from '../../src/lib/texts/answer';
import { DETAILS } from '../../src/lib/texts/details';
import { HISTORY } from '../../src/lib/texts/history';
import { LINK } from '../../src/lib/texts/link';
import { RESULTS } from '../../src/lib/texts/results';
import { WHAT_IF } from '../../src/lib/texts/what-if';
import { answered, linkOf, putAnswered, saidAnswer, VARIANTS } from './answered';
import { answerOf, answers, named, openEvidence, rows, RUN_MS, wordsIn } from './flows';
import { assert, equal, ORIGIN, withSite } from './site';
import { ANY, like, SOME } from './words';

/** The results page: an answer at a glance, all else behind a fold, the same wherever it is opened. */

/** Words in view before anything is unfolded. */
const MOST_WORDS = 250;

/** The simulated experiment, as the page shows it after a run of it. */
async function openAnswered(page: Page): Promise<void> {
  await page.goto(`${ORIGIN}/history`);
  await page.getByText(HISTORY.none).waitFor();
  await putAnswered(page);
  await page.goto('about:blank');
  await page.goto(ORIGIN);
  await answers(page).waitFor({ timeout: RUN_MS });
  await page.locator('svg .mark').first().waitFor();
}

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'a result says its answer in few words: the sentence, three numbers, what to do with it, a picture and its table',
    run: () =>
      withSite(async ({ page }) => {
        await page.setViewportSize({ width: 1280, height: 900 });
        await openAnswered(page);
        const answer = await answerOf(page);
        equal(answer, saidAnswer(), 'the answer');
        assert(answer.startsWith(inSentence('int8')), `8 bits are the answer: ${answer}`);
        equal(await page.locator('.verdict dd').count(), 3, 'numbers');
        for (const name of [RESULTS.actions.use, RESULTS.actions.download, RESULTS.actions.share])
          assert(
            (await page
              .getByRole('link', { name, exact: true })
              .or(page.getByRole('button', { name, exact: true }))
              .count()) === 1,
            `${name} is offered`,
          );
        equal(await rows(page).count(), VARIANTS.length, 'variants');
        const row = rows(page)
          .filter({ hasText: named('int8') })
          .first();
        const [floor] = await row.locator('td').allInnerTexts();
        equal(floor?.trim(), ANSWER.words.met.shown, 'the answer is shown to do the job');
        // Behind the fold, until it is asked for.
        for (const title of [RESULTS.ranking.paper, DETAILS.outputs.title])
          equal(await page.getByRole('heading', { name: title }).count(), 0, title);
        const words = await page.evaluate(
          () => document.body.innerText.split(/\s+/).filter((token) => /\p{L}/u.test(token)).length,
        );
        console.log(`      ${words} words in view`);
        assert(words <= MOST_WORDS, `${words} words in view`);
        await openEvidence(page);
        await page.getByRole('heading', { name: DETAILS.outputs.title }).waitFor();
      }),
  },
  {
    name: 'on a phone the table of results is cards, words first, and nothing overflows sideways',
    run: () =>
      withSite(
        async ({ page }) => {
          await openAnswered(page);
          const row = rows(page)
            .filter({ hasText: named('int8') })
            .first();
          // Head and words of a card, as a person meets them: the name in a line of its own, three words, then figures.
          const boxes = await row.locator('th, td').evaluateAll((cells) =>
            cells.map((cell) => {
              const { left, top, right, bottom } = cell.getBoundingClientRect();
              return { head: cell.getAttribute('data-head'), left, top, right, bottom };
            }),
          );
          const { quality, energy, floor } = ANSWER.words;
          equal(
            boxes.slice(0, 4).map(({ head }) => head),
            [null, floor, quality, energy],
            'what comes first',
          );
          const [name, ...cells] = boxes;
          assert(name, 'a name');
          const [words, figures] = [cells.slice(0, 3), cells.slice(3)];
          assert(
            words.every(({ top }) => top >= name.bottom - 1),
            'words below the name',
          );
          equal(new Set(words.map(({ top }) => Math.round(top))).size, 1, 'lines of the words');
          assert(
            figures.every(({ top }) => top >= Math.max(...words.map(({ bottom }) => bottom)) - 1),
            'figures below the words',
          );
          for (const { left, right } of boxes) assert(left >= 0 && right <= 390, `a cell from ${left} to ${right} px`);
          equal(
            await page.evaluate(() => {
              const { scrollWidth } = document.documentElement;
              const frame = document.querySelector('table.cards')?.parentElement;
              return [scrollWidth, frame && frame.scrollWidth - frame.clientWidth];
            }),
            [390, 0],
            'width of the page, and of the table beyond its frame',
          );
          await openEvidence(page);
          await page.getByRole('heading', { name: DETAILS.outputs.title }).waitFor();
          equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, 'width with its evidence');
        },
        { options: { viewport: { width: 390, height: 844 } } },
      ),
  },
  {
    name: 'a year of tickets is said on this device and on that of a result link, by hour where there are hours',
    run: () =>
      withSite(async ({ page }) => {
        await openAnswered(page);
        await openEvidence(page);
        const panel = page.getByRole('region', { name: WHAT_IF.title });
        await panel
          .getByText(like(`At 10,000 tickets a day 8-bit takes ${ANY} Wh (${ANY}) a year on this device`))
          .waitFor();
        const table = panel.getByRole('table');
        const rows = table.locator('tbody tr');
        // A head, the answer, the widest and the baseline.
        equal(await rows.count(), 4, 'rows of this device');
        await rows
          .filter({ hasText: named('fp32') })
          .getByText(/\+[\d.]+ Wh, \+\d+ % /)
          .waitFor();
        const kWh = () => rows.nth(1).locator('td').first().innerText();
        const before = parseFloat(await kWh());
        await panel.getByLabel(WHAT_IF.tickets).fill('20000');
        assert(Math.abs(parseFloat(await kWh()) / before - 2) < 0.1, `twice the tickets: ${await kWh()}`);
        equal(await panel.getByRole('columnheader', { name: 'EUR' }).count(), 0, 'money without a price');
        await panel.getByLabel(WHAT_IF.price('EUR')).fill('0.3');
        await panel.getByRole('columnheader', { name: 'EUR' }).waitFor();

        // The same experiment elsewhere, at twice the joules.
        const twice = <T extends { low: number; mid: number; high: number } | null>(x: T) =>
          x && { low: 2 * x.low, mid: 2 * x.mid, high: 2 * x.high };
        const elsewhere = answered().map((run) => ({
          ...run,
          phases: run.phases.map((r) => ({ ...r, joules: twice(r.joules) })),
        }));
        await panel.getByText(WHAT_IF.other).first().click();
        await panel.getByLabel(WHAT_IF.link).fill(await linkOf(elsewhere));
        await panel.getByRole('button', { name: WHAT_IF.add, exact: true }).click();
        await panel.getByText(like(`${WHAT_IF.there('<b>Test</b> device')}${ANY}`)).waitFor();
        equal(await rows.count(), 8, 'rows of both devices');
        await rows
          .nth(5)
          .getByText(/×2\.0/)
          .or(rows.nth(5).getByText(/\+(?:9\d|10\d) %/))
          .waitFor();

        await panel.getByText(WHAT_IF.byHour).first().click();
        await panel.getByText(WHAT_IF.noHours).waitFor();
        await panel.getByLabel(WHAT_IF.hours).fill('1 2 3');
        await panel.getByText(WHAT_IF.badHours).waitFor();
        await panel.getByLabel(WHAT_IF.hours).fill(Array.from({ length: 24 }, (_, h) => 200 + h).join(' '));
        await panel.getByText(/at 00:00 \(200 g a kWh\).*at 23:00 \(223 g a kWh\)/).waitFor();
      }),
  },
  {
    name: 'a link made from a run decides as the page does: the same sentence, numbers and words',
    run: () =>
      withSite(async ({ page, context }) => {
        await openAnswered(page);
        await page.getByRole('button', { name: RESULTS.actions.share, exact: true }).click();
        const link = await page.getByLabel(like(LINK.label(RESULTS.actions.resultsLink, SOME))).inputValue();
        assert(link.length < 2000, `a short link: ${link.length} characters`);
        const other = await context.newPage();
        await other.goto(link);
        await answers(other).waitFor({ timeout: RUN_MS });
        equal(await other.locator('#answer').innerText(), await page.locator('#answer').innerText(), 'the sentence');
        const numbers = (of: Page) => of.locator('.verdict dl').innerText();
        equal(await numbers(other), await numbers(page), 'its numbers');
        equal(await wordsIn(other), await wordsIn(page), 'its words');
        const shares = (of: Page) => rows(of).locator('td:last-child').allInnerTexts();
        equal(await shares(other), await shares(page), 'in how many draws each is the answer');
      }),
  },
];

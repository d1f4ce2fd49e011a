import type { Page } from 'playwright';
import { openCheckpoint } from '../../src/lib/checkpoint/checkpoint';
import { fileSet } from '../../src/lib/checkpoint/testing';
import { between, exact, exampleResult } from '../../src/lib/rank/example';
import { encodeLink, toShared } from '../../src/lib/link/codec';
import { BUDGET } from '../../src/lib/texts/budget';
import { HISTORY } from '../../src/lib/texts/history';
import { LIVE } from '../../src/lib/texts/live';
import { plainName } from '../../src/lib/texts/names';
import { RESULTS } from '../../src/lib/texts/results';
import { RUN } from '../../src/lib/texts/run';
import { SETUP } from '../../src/lib/texts/setup';
import { SHELL } from '../../src/lib/texts/shell';
import { tinyFiles } from '../../src/lib/train/testing';
import { ggufOf } from './gguf';
import { ORIGIN } from './site';
import { ANY, begins, like, SOME, source } from './words';

/** What tests do on the first page. */

export const RUN_MS = 600_000;

export type Step = 'tickets' | 'model' | 'variants' | 'budget';

/** What a step holds, once it is open. */
export const stepOf = (page: Page, step: Step) => page.getByRole('group', { name: SETUP[step].title, exact: true });

/** The name of a button that is there for several things: what it does, and to which. */
export const doesTo = (does: string, what: string) => new RegExp(`^${source(does)} ?: ${source(what)}$`);

/** Opens a step; below results the four of them are folded away. */
export async function change(page: Page, name: Step): Promise<void> {
  const fold = page.getByRole('button', { name: SETUP.again.open });
  const step = page.getByRole('button', { name: `${SETUP.change} ${SETUP[name].title}` });
  await fold.or(step).first().waitFor();
  const panel = stepOf(page, name).first();
  // Results that are read meanwhile fold the steps away after they were seen. A click that came too late on a busy machine
  // has opened the step all the same, whose button is called otherwise then.
  for (let tries = 1; !(await panel.isVisible()); tries++) {
    if (await fold.isVisible()) await fold.click();
    try {
      await step.click({ timeout: 2000 });
    } catch (error) {
      if (tries === 10 && !(await panel.isVisible())) throw error;
    }
  }
}

/** Run of the first page, with or without what it costs; results have a "Run with more tickets" of their own. */
export const runButton = (page: Page) => page.getByRole('button', { name: new RegExp(`^${source(SETUP.run)}(:|$)`) });

/** The same once it says what it costs, and that no download is part of it. */
export const pricedRun = (page: Page) =>
  page.getByRole('button', { name: begins(`${SETUP.run}: ${SETUP.cost.label(SOME, ANY, 0)}`) });

/** The table below the picture. */
export const answers = (page: Page) =>
  page.getByRole('region', { name: RESULTS.ranking.title, exact: true }).getByRole('table');

/** Its rows of variants and the baseline: below them stands what always giving the most frequent answer would reach. */
export const rows = (page: Page) =>
  answers(page)
    .locator('tbody tr')
    .filter({ hasNotText: plainName('always') });

/** Unfolds what stands behind the answer: again where ten seconds after a click nothing is there, as on a busy machine. */
export async function openEvidence(page: Page): Promise<void> {
  const summary = page.locator('summary').filter({ hasText: RESULTS.evidence });
  const title = page.getByRole('heading', { name: RESULTS.ranking.paper });
  for (let tries = 1; ; tries++) {
    await summary.waitFor();
    if (!(await summary.evaluate((element) => (element.parentElement as HTMLDetailsElement).open)))
      await summary.click();
    try {
      return await title.waitFor({ timeout: 10_000 });
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

/** A variant as tables write it: its name in words, its code behind it. */
export const named = (variant: string) => {
  const name = plainName(variant);
  return name === variant ? variant : `${name} ${variant}`;
};

/** The words of each row: variant, does the job, quality, joules. */
export const wordsIn = async (page: Page): Promise<string[][]> =>
  Promise.all(
    (await rows(page).all()).map(async (row) =>
      (await row.locator('th, td').allInnerTexts()).slice(0, 4).map((cell) => cell.trim().replace(/\s+/g, ' ')),
    ),
  );

/** The sentence that answers, without what keeps a number with its unit and a range whole. */
export const answerOf = async (page: Page): Promise<string> =>
  (await page.locator('#answer').innerText()).replaceAll('\u00a0', ' ').replaceAll('\u2011', '-');

/** The paper's ranking, in the evidence. */
export const paperRows = (page: Page) =>
  page.getByRole('region', { name: RESULTS.ranking.paper, exact: true }).locator('tbody tr');

/** Two precisions, no pruning, few tickets: seconds instead of minutes. */
export async function tinyBudget(page: Page, { limit = 3, slices = 2, tokens = 8, tasks = ['rca', 'response'] } = {}) {
  await change(page, 'variants');
  const variants = stepOf(page, 'variants');
  for (const name of ['fp32', 'fp16']) await variants.getByRole('checkbox', { name, exact: true }).uncheck();
  for (const name of ['2:4', 'mag50', 'ffn25'])
    await variants.getByRole('checkbox', { name: new RegExp(`^${name}`) }).uncheck();
  await change(page, 'budget');
  const budget = stepOf(page, 'budget');
  await budget.getByLabel(BUDGET.limit).fill(String(limit));
  await budget.getByLabel(BUDGET.slices, { exact: true }).fill(String(slices));
  await budget.getByLabel(BUDGET.tokens).fill(String(tokens));
  if (tasks.length < 2) {
    await change(page, 'tickets');
    for (const task of ['rca', 'response'])
      if (!tasks.includes(task)) await page.getByRole('checkbox', { name: new RegExp(`^${task}`) }).uncheck();
  }
}

/** By the navigation. */
export const follow = (page: Page, to: keyof typeof SHELL.page) =>
  page.getByRole('link', { name: SHELL.page[to], exact: true }).first().click();

/** What is said while one of these runs goes on. */
export const runsOf = (of: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => LIVE.at(from + i, of, ANY));

/** How the history counts the runs of an experiment, and those that it lacks. */
export const standing = (runs: number, missing = 0, atLeast = false) =>
  HISTORY.standing(runs, { runs, missing, atLeast, winner: null });

/** Any experiment that lacks runs. */
const LACKS = [1, SOME].flatMap((runs) =>
  [1, SOME].flatMap((missing) => [standing(runs, missing), standing(runs, missing, true)]),
);

/** Until the history says so of an experiment: there stands how many of its runs there are, and how many it lacks. */
export async function inHistory(page: Page, says: RegExp): Promise<void> {
  await follow(page, 'history');
  await page.getByText(says).first().waitFor({ timeout: RUN_MS });
}

/** Waits until the history says so of an experiment, and goes back to what was shown. */
export async function checkHistory(page: Page, says: RegExp): Promise<void> {
  await inHistory(page, says);
  await follow(page, 'experiment');
}

/** Goes on with an experiment that lacks runs. */
export async function resume(page: Page): Promise<void> {
  await inHistory(page, like(...LACKS));
  await page.getByRole('button', { name: HISTORY.resume }).click();
}

/** Adds a model as a file of one's own, mine.gguf: one of two narrow layers, unless another's files are given. */
export async function useOwnModel(page: Page, files = tinyFiles(2)): Promise<void> {
  const model = await openCheckpoint(fileSet(files));
  await change(page, 'model');
  await stepOf(page, 'model')
    .locator('input[type=file]')
    .first()
    .setInputFiles(
      { name: 'mine.gguf', mimeType: 'application/octet-stream', buffer: Buffer.from(await ggufOf(model)) },
      { timeout: RUN_MS },
    );
  await page.getByText(/^mine\.gguf, \d/).waitFor();
}

/** What is said at the end of an experiment. */
export const FINISHED = like(RUN.finished(SOME, 0), RUN.finished(SOME, SOME));
export const finished = (page: Page) => page.getByText(FINISHED).waitFor({ timeout: RUN_MS });

/** A result as another device might share it. */
export const sharedLink = async (
  variants: number,
  name = 'int8+ffn25',
  more: { createdAt?: string; dataset?: string } = {},
) =>
  `${ORIGIN}/r#${await encodeLink(
    toShared(
      Array.from({ length: variants }, (_, i) =>
        exampleResult({
          variant: variants === 1 ? name : `${['fp32', 'fp16', 'int8', 'int4'][i % 4]}+ffn${i + 1}`,
          energy: between(0.9 + i * 0.1, 1 + i * 0.1, 1.2 + i * 0.1),
          quality: between(0.4 + (i % 9) * 0.05, 0.5 + (i % 9) * 0.05, 0.6 + (i % 9) * 0.04),
          metrics: { 'rca.accuracy': exact(0.7) },
          fallbacks: ['<img src=x onerror="window.hacked = true">'],
        }),
      ),
      {
        createdAt: '2026-01-02T03:04:05Z',
        device: { name: '<b>Test</b> device', profile: 'cpu-laptop', browser: 'Chrome 150' },
        checkpoint: 'model',
        dataset: 'tickets',
        tasks: ['rca'],
        w: 0.5,
        evidence: null,
        ...more,
      },
    ),
  )}`;

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright';
import { between, exampleResult } from '../../src/lib/rank/example';
import { PAGES } from '../../src/routes/pages';
import { encodeLink, toShared } from '../../src/lib/link/codec';
import { ASSISTANT } from '../../src/lib/texts/assistant';
import { BUDGET } from '../../src/lib/texts/budget';
import { COMPARE } from '../../src/lib/texts/compare';
import { COMPRESS } from '../../src/lib/texts/compress';
import { DETAILS } from '../../src/lib/texts/details';
import { ENERGY_HEAD } from '../../src/lib/texts/energy';
import { LIVE } from '../../src/lib/texts/live';
import { SETUP } from '../../src/lib/texts/setup';
import { SHELL } from '../../src/lib/texts/shell';
import { answered, linkOf } from './answered';
import {
  answers,
  change,
  finished,
  openEvidence,
  pricedRun,
  RUN_MS,
  runButton,
  type Step,
  stepOf,
  tinyBudget,
} from './flows';
import { assert, equal, ORIGIN, withSite } from './site';
import { ANY, begins, like, SOME } from './words';

/** Every page for everyone: axe, the keyboard alone, a narrow screen. */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[];
}

/** What breaks axe's rules, or those of `rules` alone. */
async function violations(page: Page, rules: readonly string[] | null): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(
    (runOnly) =>
      (window as unknown as { axe: { run(o: object): Promise<AxeResult> } }).axe.run({
        resultTypes: ['violations'],
        ...(runOnly ? { runOnly } : {}),
      }),
    rules,
  );
  return found.map(
    (v) =>
      `${v.id} (${v.help}): ${v.nodes
        .map((n) => n.target.join(' '))
        .slice(0, 4)
        .join(' | ')}`,
  );
}

/** A settled page: nothing is being looked at or read any more. */
async function settle(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  // A thread that ended in the middle of a request leaves it open for ever in the eyes of Playwright.
  await Promise.race([page.waitForLoadState('networkidle'), page.waitForTimeout(4000)]);
  await page.waitForTimeout(200);
}

async function sharedLink(): Promise<string> {
  const record = toShared(
    ['fp16', 'int8', 'int4+ffn25'].map((variant, i) =>
      exampleResult({ variant, energy: between(0.3 + i / 10, 0.4 + i / 10, 0.5 + i / 10) }),
    ),
    {
      createdAt: '2026-01-02T03:04:05Z',
      device: { name: 'Test device', profile: 'cpu-laptop', browser: null },
      checkpoint: 'model',
      dataset: 'tickets',
      tasks: ['rca'],
      w: 0.5,
      evidence: null,
    },
  );
  return `/r#${await encodeLink(record)}`;
}

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'axe finds nothing on any page, light and dark, and none scrolls sideways at 360 px',
    run: () =>
      withSite(async ({ page, faults }) => {
        // A finished experiment, so that pages have something to show.
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 24, slices: 6, tokens: 24 });
        const found: string[] = [];
        let checked = 0;
        const check = async (name: string) => {
          // Colours alone are others in the dark.
          for (const [colorScheme, rules] of [
            ['light', null],
            ['dark', ['color-contrast']],
          ] as const) {
            await page.emulateMedia({ colorScheme });
            found.push(...(await violations(page, rules)).map((v) => `${name}, ${colorScheme}: ${v}`));
            checked++;
          }
          await page.setViewportSize({ width: 360, height: 740 });
          await page.waitForTimeout(100);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          if (wide > 360) found.push(`${name}: ${wide} px wide at 360 px`);
          await page.setViewportSize({ width: 1280, height: 900 });
        };
        const running = page.getByRole('region', { name: LIVE.region });
        await runButton(page).click();
        await running.getByText(like(LIVE.ticketOf(SOME, SOME))).waitFor({ timeout: RUN_MS });
        // A fast machine would end the run while it is looked at.
        await running.getByRole('button', { name: LIVE.pause }).click();
        await check('while it runs');
        equal(await running.count(), 1, 'the run stood while it was looked at');
        await running.getByRole('button', { name: LIVE.continue }).click();
        await finished(page);
        // A file that cannot be read, beside steps that are all open.
        for (const card of ['tickets', 'model'] as const) await change(page, card);
        await stepOf(page, 'tickets')
          .locator('input[type=file]')
          .setInputFiles({ name: 'empty.csv', mimeType: 'text/csv', buffer: Buffer.from('') });
        await page.getByRole('alert').waitFor();
        await openEvidence(page);
        await page.getByRole('heading', { name: DETAILS.outputs.title }).waitFor();
        await check('four open steps, a result with its evidence, and a file that is refused');
        const link = await sharedLink();
        /** What a person does on a page before it has much to show. */
        const use: Record<string, () => Promise<void>> = {
          async '/assistant'() {
            await page.getByRole('button', { name: ASSISTANT.example }).click();
            await page.getByRole('button', { name: ASSISTANT.compare }).click();
            await page
              .getByText(begins(ASSISTANT.total(1000 * SOME)))
              .nth(1)
              .waitFor({ timeout: RUN_MS });
          },
          async '/compare'() {
            await page.getByLabel(COMPARE.link).fill(ORIGIN + link);
            await page.getByRole('button', { name: COMPARE.add }).click();
            await page.getByRole('region', { name: ENERGY_HEAD.J }).waitFor();
          },
          async '/compress'() {
            await page.getByLabel(COMPRESS.recipe).fill('int8+2:4');
            await page.getByRole('button', { name: COMPRESS.start }).click();
            await page.getByText(COMPRESS.finished).waitFor({ timeout: RUN_MS });
          },
        };
        const answer = (await linkOf(answered())).slice(ORIGIN.length);
        for (const { id } of [
          ...PAGES,
          { id: '/r' },
          { id: link },
          { id: answer },
          { id: '/r#e3.AAAA' },
          { id: '/nowhere' },
        ]) {
          await page.goto('about:blank');
          await page.goto(ORIGIN + id);
          await settle(page);
          await check(id.slice(0, 12));
          if (!use[id]) continue;
          await use[id]();
          await check(`${id}, used`);
        }
        equal(
          faults.splice(0).filter((fault) => !/status of 404|Not found: \/nowhere/.test(fault)),
          [],
          'errors but that of the lost page',
        );
        console.log(`      ${checked} states checked, ${found.length} violations`);
        equal(found, [], 'violations');
      }),
  },
  {
    name: 'the keyboard alone leads from the first page to a ranked result, and motion may be reduced',
    run: () =>
      withSite(async ({ page }) => {
        await page.emulateMedia({ reducedMotion: 'reduce' });
        await page.goto(ORIGIN);
        await pricedRun(page).waitFor();
        /** Tab until the focused element's name says so; fails where the focus is not to be seen. */
        const to = async (name: RegExp) => {
          for (let i = 0; i < 60; i++) {
            await page.keyboard.press('Tab');
            const focused = await page.evaluate(() => {
              const element = document.activeElement as HTMLElement;
              const label = element.getAttribute('aria-label') ?? (element as HTMLInputElement).labels?.[0]?.innerText;
              const box = element.getBoundingClientRect();
              return {
                text: label ?? element.innerText,
                seen: box.width > 0,
                outline: getComputedStyle(element).outlineStyle,
              };
            });
            if (!name.test(focused.text)) continue;
            assert(focused.seen && focused.outline !== 'none', `the focus on ${String(name)} can be seen`);
            return;
          }
          throw new Error(`the keyboard does not reach ${String(name)}`);
        };
        const changing = (step: Step) => new RegExp(`^${SETUP.change}\\s*${SETUP[step].title}`);
        await to(begins(SHELL.skip));
        await page.keyboard.press('Enter');
        await to(changing('variants'));
        await page.keyboard.press('Enter');
        for (const name of [/^fp32/, /^fp16/, /^2:4/, /^mag50/, /^ffn25/]) {
          await to(name);
          await page.keyboard.press('Space');
        }
        await to(changing('budget'));
        await page.keyboard.press('Enter');
        await to(begins(BUDGET.limit));
        await page.keyboard.type('2');
        await to(begins(BUDGET.slices));
        await page.keyboard.type('1');
        await page.keyboard.press('Tab');
        await page.getByText(SETUP.budget.sentence(2, 1, false)).waitFor();
        await page.evaluate(() => (document.activeElement as HTMLElement).blur());
        await to(begins(`${SETUP.run}: ${SETUP.cost.label(SOME, ANY, 0)}`));
        await page.keyboard.press('Enter');
        await finished(page);
        await answers(page).waitFor();
        const moving = await page.evaluate(
          () => document.getAnimations().filter((a) => a.playState === 'running').length,
        );
        equal(moving, 0, 'animations under reduced motion');
        await change(page, 'tickets');
      }),
  },
];

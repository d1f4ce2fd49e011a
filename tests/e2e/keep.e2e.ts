import type { Page } from 'playwright';
import { BUDGET } from '../../src/lib/texts/budget';
import { COMPARE } from '../../src/lib/texts/compare';
import { DRAFT } from '../../src/lib/texts/draft';
import { LIVE } from '../../src/lib/texts/live';
import { PROBLEMS } from '../../src/lib/texts/problems';
import { RUN } from '../../src/lib/texts/run';
import { SETUP } from '../../src/lib/texts/setup';
import { STORAGE } from '../../src/lib/texts/storage';
import { TICKETS } from '../../src/lib/texts/tickets';
import { change, doesTo, finished, runButton, sharedLink, stepOf, useOwnModel } from './flows';
import { assert, equal, ORIGIN, withSite } from './site';
import { ANY, begins } from './words';

/** What is set up is kept: a reload, or a closed browser, before the first run loses nothing. */

const CSV = [
  'Summary,Root Cause,Close Notes',
  ...Array.from({ length: 40 }, (_, i) => {
    const power = i % 2 === 0;
    return `"Site ${i} ${power ? 'lost mains, battery alarm' : 'link down after digging'} near mast ${i * 7}",${power ? 'power failure' : 'fibre cut'},"${power ? 'Generator brought to the site' : 'Fibre spliced'} in case ${i}"`;
  }),
].join('\n');

async function importCsv(page: Page): Promise<void> {
  await change(page, 'tickets');
  const panel = stepOf(page, 'tickets');
  await panel
    .locator('input[type=file]')
    .setInputFiles({ name: 'faults.csv', mimeType: 'text/csv', buffer: Buffer.from(CSV) });
  await panel.getByRole('button', { name: TICKETS.import.start, exact: true }).click();
  await page.getByText(SETUP.tickets.imported(40, 'faults')).waitFor();
}

/** Until the store holds a set-up, or what else is kept, in which `holds` stands. */
const keptWhere = (page: Page, holds: string, key = 'setup') =>
  page.waitForFunction(
    ([text, name]) =>
      new Promise<boolean>((done) => {
        const asked = indexedDB.open('joulewise');
        asked.onupgradeneeded = () => asked.transaction?.abort();
        asked.onerror = () => done(false);
        asked.onsuccess = () => {
          const db = asked.result;
          const got = db.transaction('kept').objectStore('kept').get(name);
          got.onsuccess = () => {
            db.close();
            done(JSON.stringify(got.result ?? null).includes(text));
          };
          got.onerror = () => done(false);
        };
      }),
    [holds, key] as const,
    { polling: 200 },
  );

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'a reload before any run keeps imported tickets, model, tasks, prompts, variants, limits, engine, threads and processor',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await importCsv(page);
        await page.getByRole('checkbox', { name: /^response/ }).uncheck();
        await page.getByText(TICKETS.prompts.title('Root cause analysis')).click();
        const words = 'Sort it. Causes: {causes}. Ticket: {text}';
        await stepOf(page, 'tickets').getByLabel(TICKETS.prompts.preset).selectOption({ label: TICKETS.prompts.own });
        await stepOf(page, 'tickets').getByLabel(TICKETS.prompts.user).fill(words);
        await useOwnModel(page);
        await change(page, 'variants');
        const variants = stepOf(page, 'variants');
        for (const name of ['fp32', 'fp16', 'int4'])
          await variants.getByRole('checkbox', { name, exact: true }).uncheck();
        for (const name of ['2:4', 'mag50', 'ffn25'])
          await variants.getByRole('checkbox', { name: new RegExp(`^${name}`) }).uncheck();
        await change(page, 'budget');
        const budget = stepOf(page, 'budget');
        await budget.getByLabel(BUDGET.limit).fill('3');
        await budget.getByLabel(BUDGET.slices, { exact: true }).fill('2');
        await budget.getByLabel(BUDGET.threads).fill('1');
        await budget.getByLabel(begins(BUDGET.engine)).selectOption('ort-cpu');
        const profile = budget.getByLabel(begins(BUDGET.profile));
        await profile.selectOption({ index: 2 });
        const chosen = await profile.inputValue();
        const cards = () => page.locator('.cards').innerText();
        const before = await cards();
        await keptWhere(page, chosen);

        await page.reload();
        await page.getByText(SETUP.tickets.imported(40, 'faults')).waitFor();
        for (const step of ['tickets', 'model', 'variants', 'budget'] as const) await change(page, step);
        equal(await budget.getByLabel(BUDGET.limit).inputValue(), '3', 'limit');
        equal(await budget.getByLabel(BUDGET.slices, { exact: true }).inputValue(), '2', 'slices');
        equal(await budget.getByLabel(BUDGET.threads).inputValue(), '1', 'threads');
        equal(await budget.getByLabel(begins(BUDGET.engine)).inputValue(), 'ort-cpu', 'engine');
        equal(await budget.getByLabel(begins(BUDGET.profile)).inputValue(), chosen, 'processor');
        assert(!(await page.getByRole('checkbox', { name: /^response/ }).isChecked()), 'tasks');
        await page.getByText(TICKETS.prompts.title(TICKETS.prompts.ownTitle.rca)).click();
        equal(await stepOf(page, 'tickets').getByLabel(TICKETS.prompts.user).inputValue(), words, 'prompt');
        for (const [name, on] of [
          ['fp32', false],
          ['int8', true],
        ] as const)
          equal(await variants.getByRole('checkbox', { name, exact: true }).isChecked(), on, name);
        equal((await cards()).includes('mine.gguf'), before.includes('mine.gguf'), 'the model');
        await runButton(page).click();
        await finished(page);
        await page.goto(`${ORIGIN}/history`);
        await page
          .getByText(/mine\.gguf/)
          .first()
          .waitFor();
        await page
          .getByText(/faults/)
          .first()
          .waitFor();
      }),
  },
  {
    name: 'imported tickets are listed under Tickets before any run, taken again with one click, and deleted',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await importCsv(page);
        const panel = stepOf(page, 'tickets');
        await panel.getByText(TICKETS.hereSet('faults', 40)).waitFor();
        assert(
          await panel.getByRole('button', { name: doesTo(TICKETS.chosen, 'faults') }).isDisabled(),
          'they are chosen',
        );
        await panel.getByRole('button', { name: TICKETS.useGenerated }).click();
        await page.getByText(begins(SETUP.tickets.generated(400))).waitFor();
        await keptWhere(page, '"tickets":null');
        await page.reload();
        await page.getByText(begins(SETUP.tickets.generated(400))).waitFor();
        await change(page, 'tickets');
        await panel.getByRole('button', { name: doesTo(TICKETS.use, 'faults') }).click();
        await page.getByText(SETUP.tickets.imported(40, 'faults')).waitFor();
        await keptWhere(page, '"name":"faults"');
        // Deleted on another page while they are what is set up: said, not run without.
        await page.goto(`${ORIGIN}/storage`);
        await page.getByText(begins(STORAGE.ticketSet('faults', 40))).waitFor();
        await page.getByRole('button', { name: `${STORAGE.remove} faults` }).click();
        await page.getByText(begins(STORAGE.ticketSet('faults', 40))).waitFor({ state: 'detached' });
        await page.goto(ORIGIN);
        await page.getByText(DRAFT.noTickets('faults')).waitFor();
      }),
  },
  {
    name: 'a Run that cannot be pressed says why beside it',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        const says = async (sentence: string) => {
          await page.getByRole('status').filter({ hasText: sentence }).waitFor();
          assert(await runButton(page).isDisabled(), `Run is off: ${sentence}`);
        };
        await change(page, 'tickets');
        const panel = stepOf(page, 'tickets');
        const input = panel.locator('input[type=file]');
        // Without answers for one of the tasks.
        const causes = CSV.split('\n').map((row) => row.split(',').slice(0, -1).join(','));
        const half = ['Summary,Root Cause', ...causes.slice(1).map((row) => row.replace(/,"[^"]*$/, ''))].join('\n');
        await input.setInputFiles({ name: 'half.csv', mimeType: 'text/csv', buffer: Buffer.from(half) });
        await says(PROBLEMS.pending('half.csv'));
        await panel.getByRole('button', { name: TICKETS.import.start, exact: true }).click();
        await page.getByText(SETUP.tickets.imported(40, 'half')).waitFor();
        await page.getByRole('checkbox', { name: /^response/ }).check();
        await says(PROBLEMS.noAnswers('half', 'response'));
        await page.getByRole('checkbox', { name: /^response/ }).uncheck();
        await page.getByRole('checkbox', { name: /^rca/ }).uncheck();
        await says(PROBLEMS.noTask);
        await page.getByRole('checkbox', { name: /^rca/ }).check();
        assert(await runButton(page).isEnabled(), 'Run is on again');
        await change(page, 'budget');
        await stepOf(page, 'budget').getByLabel(BUDGET.slices, { exact: true }).fill('2');
        await runButton(page).click();
        // So few tickets may be answered before a busy machine has opened the steps again.
        await page.getByRole('button', { name: LIVE.pause }).click();
        await page.getByRole('button', { name: SETUP.again.open }).click();
        await says(PROBLEMS.running);
        await page.getByRole('button', { name: LIVE.stop }).click();
        await page.getByText(RUN.stopped).waitFor({ timeout: 60_000 });
      }),
  },
  {
    name: 'compares: devices keep the names they were given, a result that is there already is left out and said, and no line joins other work',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(`${ORIGIN}/compare`);
        await page.getByText(COMPARE.empty).waitFor();
        const add = async (link: string) => {
          await page.getByLabel(COMPARE.link).fill(link);
          await page.getByRole('button', { name: COMPARE.add, exact: true }).click();
        };
        await add(await sharedLink(1));
        await page.getByRole('columnheader', { name: begins(COMPARE.name(1, ANY, null)) }).waitFor();
        await add(await sharedLink(1));
        await page.getByText(COMPARE.duplicate(1)).waitFor();
        equal(await page.getByRole('columnheader', { name: begins(COMPARE.name(2, ANY, null)) }).count(), 0, 'columns');
        // The same variant on other tickets: in the table, but not joined.
        await add(await sharedLink(1, undefined, { dataset: 'other tickets' }));
        await page.getByRole('columnheader', { name: begins(COMPARE.name(2, ANY, null)) }).waitFor();
        await page.getByText(/They differ in the tickets \(tickets, other tickets\)/).waitFor();
        const picture = page.getByRole('group', { name: COMPARE.picture.label });
        equal(await picture.getByRole('button').count(), 2, 'marks');
        equal(await picture.locator('.join').count(), 0, 'lines across other work');
        await add(await sharedLink(1, undefined, { createdAt: '2026-02-03T03:04:05Z' }));
        await page.getByRole('columnheader', { name: begins(COMPARE.name(3, ANY, null)) }).waitFor();
        equal(await picture.locator('.join').count(), 1, 'lines between the same work');

        await page
          .getByLabel(begins(COMPARE.deviceName(ANY)))
          .first()
          .fill('  The  blue laptop ');
        await page
          .getByLabel(begins(COMPARE.deviceName(ANY)))
          .first()
          .blur();
        await page.getByRole('columnheader', { name: begins(COMPARE.name(1, 'The blue laptop', null)) }).waitFor();
        // It is shown before it is stored.
        await keptWhere(page, 'The blue laptop', 'device-names');
        await page.reload();
        await add(await sharedLink(1));
        await page.getByRole('columnheader', { name: COMPARE.name(1, 'The blue laptop', null) }).waitFor();
        await page.getByLabel(begins(COMPARE.deviceName(ANY))).fill('');
        await page.getByLabel(begins(COMPARE.deviceName(ANY))).blur();
        await page.getByRole('columnheader', { name: COMPARE.name(1, '<b>Test</b> device', null) }).waitFor();
      }),
  },
];

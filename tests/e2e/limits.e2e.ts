import { readdirSync, readFileSync } from 'node:fs';
import { change, finished, RUN_MS, runButton, tinyBudget } from './flows';
import { assert, ORIGIN, withSite } from './site';
import { LONG_TASK_MS, longestTask } from './tasks';

/** How far the page's thread and memory are taken. */

const CSV_ROWS = 100_000;
const CSV_MS = 15_000;
/** Peak of the largest renderer process: the file itself is a few dozen megabytes. */
const CSV_BYTES = 1.2 * 2 ** 30;

/** A large export: every row another text, eight causes. */
function largeCsv(): Buffer {
  const rows = ['Number,Short description,Description,Cause,Close notes'];
  for (let i = 0; i < CSV_ROWS; i++)
    rows.push(
      `INC${i},Site ${i % 997} link ${i} down,"Since ${i % 24}:00 the link of site ${i % 997} to hub ${i % 31} has ${i} errors; port ${i % 48} of rack ${i % 13} shows alarm ${i * 7}",cause ${i % 8},"Replaced part ${i % 61} in rack ${i % 13}, ticket ${i}"`,
    );
  return Buffer.from(rows.join('\n'));
}

/** Largest resident size that any renderer of this profile reached; null where the system does not tell. */
function peakMemory(profile: string): number | null {
  const peaks: number[] = [];
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        if (!command.includes('--type=renderer') || !command.includes(profile)) continue;
        const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        if (peak) peaks.push(Number(peak) * 1024);
      } catch {
        // The process ended meanwhile.
      }
    }
  } catch {
    return null;
  }
  return peaks.length > 0 ? Math.max(...peaks) : null;
}

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'the page never blocks over 50 ms while a model runs',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 6, repeats: 2, tokens: 16 });
        const { clock, processor } = await longestTask(page, async () => {
          await runButton(page).click();
          await page.getByText(/ticket \d+ of/).waitFor({ timeout: RUN_MS });
          await finished(page);
        });
        console.log(
          `      longest task ${processor.toFixed(0)} ms of processor time, ${clock.toFixed(0)} ms by the clock`,
        );
        assert(processor > 0 && processor <= LONG_TASK_MS, `a task of ${processor} ms blocked the page`);
      }),
  },
  {
    name: 'imports a CSV of 100,000 rows within 15 s in bounded memory, without blocking the page',
    run: () =>
      withSite(async ({ page, profile }) => {
        await page.goto(ORIGIN);
        await change(page, 'Tickets');
        const panel = page.getByRole('group', { name: 'Tickets', exact: true });
        await panel
          .locator('input[type=file]')
          .setInputFiles({ name: 'large.csv', mimeType: 'text/csv', buffer: largeCsv() });
        const start = panel.getByRole('button', { name: 'Import', exact: true });
        await start.waitFor();
        const began = Date.now();
        await start.click();
        await page
          .getByText(/100,?000 rows/)
          .first()
          .waitFor({ timeout: RUN_MS });
        await page.getByText(/tickets from large/).waitFor({ timeout: RUN_MS });
        const ms = Date.now() - began;
        const peak = peakMemory(profile);
        const shown = peak === null ? 'unknown' : `${Math.round(peak / 2 ** 20)} MiB`;
        console.log(`      ${CSV_ROWS} rows in ${(ms / 1000).toFixed(1)} s; peak of the renderer ${shown}`);
        assert(ms < CSV_MS, `the import took ${ms} ms`);
        assert(peak === null || peak < CSV_BYTES, `the renderer took ${shown}`);
      }),
  },
];

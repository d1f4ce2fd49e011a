import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright';
import { markedName } from '../../src/lib/meter/firefox/marks';
import { fakeProfile, steady, type FakeMark } from '../../src/lib/meter/firefox/testing';
import type { RunRecord } from '../../src/lib/schema/run';
import { BROWSER_PROFILE } from '../../src/lib/texts/browser-profile';
import { finished, follow, runButton, tinyBudget } from './flows';
import { assert, equal, ORIGIN, withSite } from './site';

/** Joules that Firefox recorded, for runs that are stored here. */

const storedRuns = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<RunRecord[]>((done, failed) => {
        const asked = indexedDB.open('joulewise');
        asked.onerror = () => failed(asked.error ?? new Error('closed'));
        asked.onsuccess = () => {
          const db = asked.result;
          const got = db.transaction('runs').objectStore('runs').getAll();
          got.onsuccess = () => {
            db.close();
            done(got.result as RunRecord[]);
          };
        };
      }),
  );

const WATTS = 20;

/** A profile over all windows of these runs, one after the other; the last run is left without marks. */
function profileOf(runs: readonly RunRecord[]) {
  let at = 100;
  const marks = runs.slice(0, -1).flatMap((run) =>
    run.phases.map(({ phase, seconds }): FakeMark => {
      const span = [at, at + 1000 * seconds] as const;
      at = span[1] + 5;
      return { run: markedName(run), phase, span };
    }),
  );
  return fakeProfile([steady('Power: CPU package', WATTS, { to: at + 100 })], marks);
}

export const tests: { name: string; run(): Promise<void> }[] = [
  {
    name: 'a profile that Firefox recorded gives stored runs counted joules, and what is no profile changes nothing',
    run: () =>
      withSite(async ({ page }) => {
        await page.goto(ORIGIN);
        await tinyBudget(page, { limit: 2, slices: 1, tokens: 4, tasks: ['rca'] });
        await runButton(page).click();
        await finished(page);
        const before = await storedRuns(page);
        assert(before.length > 1, 'there are runs');
        await follow(page, 'history');
        await page.getByText(BROWSER_PROFILE.title, { exact: true }).click();
        const picker = page.getByLabel(BROWSER_PROFILE.file);
        const add = (name: string, buffer: Buffer) =>
          picker.setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
        await add('raw.json', Buffer.from('{"meta":{"version":36}}'));
        await page.getByRole('alert').getByText('save it there again').waitFor();
        equal(await storedRuns(page), before, 'runs after a file that is no profile');
        await add('profile.json.gz', gzipSync(JSON.stringify(profileOf(before))));
        const source = 'firefox-profile: CPU package';
        await page.getByText(BROWSER_PROFILE.told({ whole: before.length - 1, partly: 0, source })).waitFor();
        const after = await storedRuns(page);
        for (const [i, run] of before.entries()) {
          const { phases, ...rest } = after[i] as RunRecord;
          const kept = { ...rest, phases: phases.slice(0, run.phases.length) };
          assert(isDeepStrictEqual(kept, run), `what a run said stays: ${JSON.stringify(kept)}`);
          const told = phases.slice(run.phases.length);
          equal(told.length, i < before.length - 1 ? run.phases.length : 0, 'phases that are told');
          for (const { joules, seconds } of told)
            assert(
              joules !== null && Math.abs(joules.mid - WATTS * seconds) < 1e-6 + 1e-6 * joules.mid,
              `${WATTS} W over ${seconds} s are ${joules?.mid} J`,
            );
        }
      }),
  },
];

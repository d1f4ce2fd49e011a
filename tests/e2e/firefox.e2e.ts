import type { BrowserTest } from '../browser/harness';
import { BUDGET } from '../../src/lib/texts/budget';
import { SETUP } from '../../src/lib/texts/setup';
import { enter, findFirefox, press, runBuiltIn, withFirefox } from './firefox';
import { assert, equal } from './site';
import { source } from './words';

/** The app in Firefox, where saved profiles tell joules and there is no WebGPU on Linux. */

const firefox = findFirefox();
const skip = firefox ? null : 'no Firefox was found, and none could be installed (set JOULEWISE_FIREFOX)';
/** A guard against a hang, not a bound on speed. */
const END_MS = 13 * 60_000;

export const tests: BrowserTest[] = [
  {
    name: 'Firefox ends the built-in experiment on our own kernels, with threads, and says that it has no WebGPU',
    skip,
    run: () =>
      withFirefox(firefox ?? '', async ({ page, faults }) => {
        await press(page, new RegExp(`^${SETUP.change} ?${SETUP.budget.title}`));
        await enter(page, BUDGET.limit, '6');
        await enter(page, BUDGET.slices, '2');
        const ended = await runBuiltIn(page, END_MS);
        assert(!/failed/.test(ended), ended);
        const answer = await page.$eval('#answer', (element) => element.textContent);
        assert(/\d/.test(answer ?? ''), `the answer is ${answer}`);
        assert(await page.evaluate(() => crossOriginIsolated), 'threads are on');
        await page.goto(new URL('/device', page.url()).href);
        await page.waitForFunction(
          (pattern) => new RegExp(pattern).test(document.body.innerText),
          { timeout: END_MS },
          source('This browser has no WebGPU.', 'The browser has WebGPU, but offers no adapter on this device.'),
        );
        equal(faults, [], 'errors');
      }),
  },
];

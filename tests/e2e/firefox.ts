import { existsSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { SITE } from '../../cli/shared/browser';
import { startServer } from '../../cli/shared/server';
import { RUN } from '../../src/lib/texts/run';
import { SETUP } from '../../src/lib/texts/setup';
import { like, SOME, source } from './words';

/** Firefox, driven over WebDriver BiDi: what runs there, and ends. */

const PLACES = ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'];

/** Path of the system's Firefox, or of the one that JOULEWISE_FIREFOX names; null where there is none. */
export const findFirefox = (): string | null =>
  [process.env['JOULEWISE_FIREFOX'], ...PLACES].find((p) => p && existsSync(p)) ?? null;

/** Longer than any test waits. */
const LONGEST_MS = 15 * 60_000;

export interface FirefoxSite {
  browser: Browser;
  page: Page;
  /** Errors that pages threw, as they come. */
  faults: string[];
}

/** The built site in headless Firefox, with an empty profile. */
export async function withFirefox(path: string, work: (site: FirefoxSite) => Promise<void>): Promise<void> {
  const server = await startServer(SITE);
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: path,
    headless: true,
    // One wait for the end of a run is one message, and puppeteer takes a message of three minutes for lost.
    protocolTimeout: LONGEST_MS,
  });
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(`http://localhost:${server.port}/`);
    await work({ browser, page, faults });
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Clicks the first button whose name matches, once it is there and can be clicked. */
export async function press(page: Page, name: RegExp, ms = 60_000): Promise<void> {
  await page.waitForFunction(
    (pattern, flags) => {
      const button = [...document.querySelectorAll('button')].find(
        (b) =>
          !b.disabled &&
          new RegExp(pattern, flags).test((b.getAttribute('aria-label') ?? b.textContent).replace(/\s+/g, ' ').trim()),
      );
      button?.click();
      return Boolean(button);
    },
    { timeout: ms, polling: 200 },
    name.source,
    name.flags,
  );
}

/** Writes into the field of that label, once it is there. */
export async function enter(page: Page, label: string, value: string, ms = 60_000): Promise<void> {
  await page.waitForFunction(
    (wanted, text) => {
      const named = [...document.querySelectorAll('label')].find((l) => l.textContent.trim().startsWith(wanted));
      const field = named?.control;
      if (!(field instanceof HTMLInputElement)) return false;
      field.value = text;
      for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
      return true;
    },
    { timeout: ms, polling: 200 },
    label,
    value,
  );
}

/** Waits until the page says what matches; what stands there instead where it does not. */
export async function says(page: Page, words: RegExp, ms: number): Promise<string> {
  const found = await page
    .waitForFunction(
      (pattern) => new RegExp(pattern).exec(document.body.innerText.replaceAll('\u00a0', ' '))?.[0] ?? null,
      { timeout: ms, polling: 500 },
      words.source.replace(/^\^|\$$/g, ''),
    )
    .catch(async (error: unknown) => {
      const there = await page.evaluate(() => document.body.innerText.slice(0, 2000));
      throw new Error(`Firefox never said ${String(words)}: ${String(error)}. There stands: ${there}`);
    });
  return String(await found.jsonValue());
}

/** Starts the experiment that the first page offers, and waits for its end: how it is said to have ended. */
export async function runBuiltIn(page: Page, ms: number): Promise<string> {
  await press(page, new RegExp(`^${source(SETUP.run)}(:|$|\\s)`));
  return says(page, like(RUN.finished(SOME, 0), RUN.finished(SOME, SOME)), ms);
}

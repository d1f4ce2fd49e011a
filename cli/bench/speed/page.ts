import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { chromeArgs, SITE } from '../../shared/browser';
import { startServer } from '../../shared/server';

/** How long the page may go on asking after it has loaded, milliseconds. */
const SETTLE_MS = 1500;

/**
 * Compressed bytes of all JavaScript that the first page fetches before anything is clicked, threads included; not what
 * the service worker keeps for offline use, in the background.
 */
export async function firstPageScripts(): Promise<{ bytes: number; files: number }> {
  const paths = new Set<string>();
  const server = await startServer(SITE, { onRequest: (path) => paths.add(path) });
  const browser = await chromium.launch({
    executablePath: process.env['JOULEWISE_CHROME'] ?? '/usr/bin/chromium',
    args: chromeArgs({ port: server.port }),
  });
  try {
    const page = await browser.newPage({ serviceWorkers: 'block' });
    await page.goto(`${server.origin}/`, { waitUntil: 'networkidle' });
    await page.waitForTimeout(SETTLE_MS);
  } finally {
    await browser.close();
    await server.close();
  }
  const scripts = [...paths].filter((p) => /\.m?js$/.test(p));
  return {
    bytes: scripts.reduce((n, p) => n + gzipSync(readFileSync(SITE + p)).length, 0),
    files: scripts.length,
  };
}

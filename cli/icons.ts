import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';

/** Draws the PNG icons of the manifest from static/icon.svg, in the browser of the tests: `npx tsx cli/icons.ts`. */

const folder = fileURLToPath(new URL('../static/', import.meta.url));
const svg = readFileSync(join(folder, 'icon.svg'), 'utf8');
/** The ground of the drawing, which a launcher may cut to any shape. */
const ground = /<rect[^>]*fill="([^"]+)"/.exec(svg)?.[1] ?? 'none';

const ICONS = [
  { name: 'icon-192.png', size: 192, inset: 0 },
  { name: 'icon-512.png', size: 512, inset: 0 },
  // The inner 80 % of a maskable icon stay in sight.
  { name: 'icon-maskable-512.png', size: 512, inset: 0.1 },
];

const browser = await chromium.launch({
  executablePath: process.env['JOULEWISE_CHROME'] ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const page = await browser.newPage();
for (const { name, size, inset } of ICONS) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>body{margin:0;background:${inset ? ground : 'transparent'}}svg{position:absolute;inset:${inset * size}px;width:${size * (1 - 2 * inset)}px}</style>${svg}`,
  );
  await page.screenshot({ path: join(folder, name), omitBackground: true });
}
await browser.close();

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { between, exact, exampleResult } from '../../src/lib/rank/example';
import type { VariantResult } from '../../src/lib/schema/result';
import { encodeLink, toShared } from '../../src/lib/share/codec';
import { openSite, ORIGIN } from './site';

/** Pictures of every view at 390 and 1280 px, light and dark, into screenshots/ (ignored): `npx tsx tests/e2e/screenshots.ts`. */

const OUT = fileURLToPath(new URL('../../screenshots/', import.meta.url));

async function link(variants: VariantResult[]): Promise<string> {
  const record = toShared(variants, {
    createdAt: '2026-01-02T03:04:05Z',
    device: { name: 'ANGLE (Intel, Mesa Intel(R) UHD Graphics 620)', profile: 'cpu-laptop', browser: 'Chrome 150' },
    checkpoint: 'SmolLM2-135M-Instruct',
    dataset: 'tickets of the northern region, second half',
    tasks: ['rca', 'response'],
    w: 0.5,
  });
  return `${ORIGIN}/r#${await encodeLink(record)}`;
}

const metrics = {
  'rca.accuracy': between(0.6, 0.71, 0.8),
  'rca.macroF1': exact(0.66),
  'response.rougeL': between(0.3, 0.4, 0.5),
};
const PRUNINGS = ['', '+2:4', '+mag50', '+ffn25', '+layers25', '+ffn50', '+mag30'];
const many = Array.from({ length: 60 }, (_, i) => {
  const precision = ['fp32', 'fp16', 'int8', 'int4'][i % 4] ?? 'fp32';
  const pruning = PRUNINGS[Math.floor(i / 4) % PRUNINGS.length] ?? '';
  const energy = (0.2 + 0.9 * ((i * 37) % 60) * 0.02) * [1.4, 1, 0.55, 0.45][i % 4]!;
  const quality = 0.35 + 0.4 * (((i * 53) % 60) / 60);
  return exampleResult({
    variant: i >= 28 ? `${precision}${pruning}+layers${i}` : precision + pruning,
    energy: between(energy * 0.94, energy, energy * 1.06),
    quality: between(quality - 0.06, quality, quality + 0.05, 100),
    metrics,
  });
});
const one = [
  exampleResult({ variant: 'int4+layers12.5+ffn62.5+mag50-forty-letter', energy: exact(0.31), quality: exact(0.7) }),
];

const VIEWS: { name: string; show(page: Page): Promise<void> }[] = [
  {
    name: 'start',
    async show(page) {
      await page.goto(ORIGIN);
      await page.getByText(/Energy estimated as for/).waitFor();
    },
  },
  {
    name: 'open',
    async show(page) {
      await page.goto(ORIGIN);
      for (const card of ['Tickets', 'Model', 'Variants', 'Budget'])
        await page.getByRole('button', { name: `Change ${card}` }).click();
    },
  },
  {
    name: 'many',
    async show(page) {
      await page.goto(await link(many));
      await page.locator('svg .mark').first().waitFor();
      await page.locator('figure').scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'one',
    async show(page) {
      await page.goto(await link(one));
      await page.locator('svg .mark').first().waitFor();
    },
  },
  { name: 'broken', show: async (page) => void (await page.goto(`${ORIGIN}/r#e1.AAAA`)) },
  {
    name: 'device',
    async show(page) {
      await page.goto(`${ORIGIN}/device`);
      await page
        .getByText(/Power profile:/)
        .first()
        .waitFor();
    },
  },
  { name: 'method', show: async (page) => void (await page.goto(`${ORIGIN}/method`)) },
  { name: 'storage', show: async (page) => void (await page.goto(`${ORIGIN}/storage`)) },
];

/** A run on a small budget, half way and at its end. */
async function runOnce(page: Page, shoot: (name: string) => Promise<void>): Promise<void> {
  await page.goto(ORIGIN);
  await page.getByRole('button', { name: 'Change Budget' }).click();
  await page.getByLabel('Tickets per task').fill('12');
  await page.getByLabel('Repeats').fill('2');
  await page.getByRole('button', { name: 'Close Budget' }).click();
  await page.getByRole('button', { name: /^Run/ }).click();
  await page.getByText(/^Run \d+ of \d+, about/).waitFor({ timeout: 120_000 });
  await page.getByText(/, ticket \d+ of/).waitFor({ timeout: 60_000 });
  await shoot('running');
  await page.getByText(/Finished: \d+ runs/).waitFor({ timeout: 600_000 });
  await page.getByRole('button', { name: 'Share the results' }).click();
  await shoot('results');
  await page.getByRole('link', { name: 'History' }).first().click();
  await page.getByText(/complete/).waitFor();
  await shoot('history');
  await page.goto(`${ORIGIN}/assistant`);
  await page.getByRole('button', { name: 'Take a test ticket' }).click();
  await page.getByRole('button', { name: 'Compare both' }).click();
  await page
    .getByText(/^Together: /)
    .nth(1)
    .waitFor();
  await shoot('assistant');
}

const wanted = process.argv[2] ?? '';
mkdirSync(OUT, { recursive: true });
const site = await openSite();
const shootAll = async (name: string) => {
  for (const width of [390, 1280])
    for (const colorScheme of ['light', 'dark'] as const) {
      await site.page.emulateMedia({ colorScheme });
      await site.page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      await site.page.waitForTimeout(300);
      await site.page.screenshot({ path: `${OUT}${name}-${width}-${colorScheme}.png`, fullPage: name !== 'many' });
    }
};
for (const view of VIEWS.filter((v) => v.name.includes(wanted))) {
  await site.page.goto('about:blank');
  await view.show(site.page);
  await site.page.waitForTimeout(300);
  await shootAll(view.name);
}
if ('results'.includes(wanted)) await runOnce(site.page, shootAll);
console.log(site.faults.join('\n') || 'no faults');
await site.close();
process.exit(0);

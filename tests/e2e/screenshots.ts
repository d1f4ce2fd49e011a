import { mkdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Page } from 'playwright';
import { between, exact, exampleResult } from '../../src/lib/rank/example';
import type { VariantResult } from '../../src/lib/schema/result';
import type { RunRecord } from '../../src/lib/schema/run';
import { fitModel } from '../../src/lib/fit/fit';
import { randomOf, simulateDevice, simulateRoutine } from '../../src/lib/fit/simulate';
import { encodeLink, toShared } from '../../src/lib/link/codec';
import { encodeModel } from '../../src/lib/link/model-link';
import { ASSISTANT } from '../../src/lib/texts/assistant';
import { COMPARE } from '../../src/lib/texts/compare';
import { COMPRESS } from '../../src/lib/texts/compress';
import { COST } from '../../src/lib/texts/cost';
import { DETAILS } from '../../src/lib/texts/details';
import { DEVICE } from '../../src/lib/texts/device';
import { UNITS } from '../../src/lib/texts/energy';
import { FIT } from '../../src/lib/texts/fit';
import { HISTORY } from '../../src/lib/texts/history';
import { LINK } from '../../src/lib/texts/link';
import { LIVE } from '../../src/lib/texts/live';
import { MODEL } from '../../src/lib/texts/model';
import { PAPER } from '../../src/lib/texts/paper';
import { RESULTS } from '../../src/lib/texts/results';
import { SETUP } from '../../src/lib/texts/setup';
import { SHARED } from '../../src/lib/texts/shared';
import { SHELL } from '../../src/lib/texts/shell';
import { STORAGE } from '../../src/lib/texts/storage';
import { TICKETS } from '../../src/lib/texts/tickets';
import { TREEMAP } from '../../src/lib/texts/treemap';
import { answered, linkOf } from './answered';
import { answers, FINISHED, openEvidence, pricedRun, standing, type Step, stepOf } from './flows';
import { openSite, ORIGIN } from './site';
import { ANY, begins, like, SOME } from './words';

/**
 * Pictures of every page with something to show, at 360, 390 and 1280 px, light and dark, into screenshots/ (ignored):
 * `npx tsx tests/e2e/screenshots.ts [part of a view's name]`. Views that show a run of this browser need one first; the
 * profile under .joulewise/screenshots keeps it for the next time.
 */

const OUT = fileURLToPath(new URL('../../screenshots/', import.meta.url));
const PROFILE = fileURLToPath(new URL('../../.joulewise/screenshots', import.meta.url));

async function link(
  variants: VariantResult[],
  name = 'ANGLE (Intel, Mesa Intel(R) UHD Graphics 620)',
  w = 0.5,
): Promise<string> {
  const record = toShared(variants, {
    createdAt: '2026-01-02T03:04:05Z',
    device: { name, profile: 'cpu-laptop', browser: 'Chrome 150' },
    checkpoint: 'SmolLM2-135M-Instruct',
    dataset: 'tickets of the northern region, second half',
    tasks: ['rca', 'response'],
    w,
    evidence: null,
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

/** Results of the same variants on a slower and a leaner device. */
const devices = [1, 0.35].map((factor) =>
  ['fp16', 'int8', 'int4', 'int8+2:4', 'int4+ffn25'].map((variant, i) =>
    exampleResult({
      variant,
      energy: between(factor * (0.9 - i * 0.13), factor * (1 - i * 0.13), factor * (1.1 - i * 0.13)),
      quality: between(0.62 - i * 0.02, 0.7 - i * 0.02, 0.77 - i * 0.02),
      metrics,
    }),
  ),
);

interface View {
  name: string;
  /** Needs the finished experiment of `runOnce`. */
  own?: boolean;
  show: (page: Page) => Promise<void>;
}

const open =
  (path: string, settled: (page: Page) => Promise<void> = () => Promise.resolve()) =>
  async (page: Page) => {
    await page.goto(ORIGIN + path);
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await settled(page);
  };

const openCard = (step: Step) =>
  open('/', (page) =>
    page.getByRole('button', { name: `${SETUP.change} ${SETUP[step].title}` }).click({ timeout: 20_000 }),
  );

/** Scrolls through the page, so that what loads when it is seen is there, and back. */
async function seeAll(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 500) {
      scrollTo(0, y);
      await new Promise((done) => setTimeout(done, 60));
    }
    scrollTo(0, 0);
  });
}

const results = open('/', async (page) => {
  await answers(page).waitFor({ timeout: 30_000 });
  await seeAll(page);
});

const CSV = [
  'Number,Short description,Close notes,Root cause,Opened',
  ...Array.from(
    { length: 60 },
    (_, i) =>
      `INC${1000 + i},"Site ${i} ${i % 2 ? 'lost mains, battery alarm' : 'link down after digging'}, call anna.b${i}@example.com or +49 30 1234${i}",${i % 2 ? 'Generator brought to the site' : `Fibre spliced in case ${i}`},${i % 2 ? 'power failure' : 'fibre cut'},2026-01-0${1 + (i % 9)}`,
  ),
].join('\n');

/** A table of counters as alarm systems export them: 164 columns of numbers and a class. */
const WIDE = [
  [...Array.from({ length: 164 }, (_, i) => `alarm_${i}`), 'label'].join(','),
  ...Array.from({ length: 60 }, (_, row) =>
    [...Array.from({ length: 164 }, (_, i) => ((row * 31 + i * 17) % 41 === 0 ? 900 - row : 0)), row % 3].join(','),
  ),
].join('\n');

/** The preview of a pasted CSV. */
async function showImport(page: Page, csv = CSV): Promise<void> {
  await openCard('tickets')(page);
  const panel = stepOf(page, 'tickets');
  await panel.getByLabel(TICKETS.paste).fill(csv);
  await panel.getByRole('button', { name: TICKETS.usePasted }).click();
  await panel.getByRole('button', { name: TICKETS.import.start }).waitFor();
}

/** Of a simulated device and counter. */
function fittedModel() {
  const random = randomOf(3);
  const { segments, series } = simulateRoutine(simulateDevice(random), 'counter', random);
  return fitModel(
    segments,
    { series },
    {
      createdAt: '2026-11-30T09:00:00.000Z',
      hardware: 'cpu',
      device: 'Linux x86_64, Chrome 156, ANGLE (Intel, Mesa Intel(R) UHD Graphics 620)',
      threads: 4,
      tier: 'counter',
      boundary: 'package',
      source: 'sampler, package-0',
    },
  );
}

const VIEWS: View[] = [
  { name: 'start', show: open('/', (page) => pricedRun(page).waitFor()) },
  { name: 'step-tickets', show: openCard('tickets') },
  {
    name: 'step-tickets-import',
    show: (page) => showImport(page),
  },
  { name: 'step-tickets-wide', show: (page) => showImport(page, WIDE) },
  {
    name: 'step-tickets-imported',
    show: async (page) => {
      await showImport(page);
      const panel = stepOf(page, 'tickets');
      await panel.getByRole('button', { name: TICKETS.import.start }).click();
      await panel.getByText(like(TICKETS.summary.splits(SOME, SOME, SOME))).waitFor();
      for (const summary of await panel.locator('summary').all()) await summary.click();
    },
  },
  { name: 'step-model', show: openCard('model') },
  { name: 'step-variants', show: openCard('variants') },
  {
    name: 'step-budget',
    show: async (page) => {
      await openCard('budget')(page);
      await page.getByText(SETUP.cost.show).click();
      await page.getByRole('columnheader', { name: COST.memory }).waitFor();
    },
  },
  { name: 'results', own: true, show: results },
  {
    name: 'results-share',
    own: true,
    show: async (page) => {
      await results(page);
      await page.getByRole('button', { name: RESULTS.actions.share, exact: true }).click();
      await page.getByRole('button', { name: LINK.code }).click();
      await page.getByRole('img', { name: LINK.codeLabel }).waitFor();
    },
  },
  {
    name: 'results-grams',
    own: true,
    show: async (page) => {
      await results(page);
      await openEvidence(page);
      await page.getByLabel(UNITS.label).first().selectOption('gCO2e');
      const region = page.getByLabel(UNITS.region);
      await region.locator('option').nth(3).waitFor({ state: 'attached' });
      await region.selectOption({ label: 'Germany' });
      await seeAll(page);
    },
  },
  {
    name: 'results-evidence',
    own: true,
    show: async (page) => {
      await results(page);
      await openEvidence(page);
      await seeAll(page);
    },
  },
  {
    name: 'answered',
    show: async (page) => {
      await page.goto(await linkOf(answered()));
      await page.locator('svg .mark').first().waitFor();
      await seeAll(page);
    },
  },
  {
    name: 'trained',
    show: async (page) => {
      await page.goto(await linkOf(trained()));
      await openEvidence(page);
      await seeAll(page);
    },
  },
  {
    name: 'many',
    show: async (page) => {
      await page.goto(await link(many));
      await openEvidence(page);
      await seeAll(page);
    },
  },
  {
    name: 'one',
    show: async (page) => {
      await page.goto(await link(one));
      await openEvidence(page);
      await seeAll(page);
    },
  },
  { name: 'broken', show: open('/r#e3.AAAA') },
  ...['assistant', 'history', 'paper', 'storage'].map((path) => ({ name: `${path}-empty`, show: open(`/${path}`) })),
  {
    name: 'step-tickets-broken',
    show: async (page) => {
      await openCard('tickets')(page);
      const panel = stepOf(page, 'tickets');
      await panel.getByLabel(TICKETS.paste).fill('{ "tickets": [');
      await panel.getByRole('button', { name: TICKETS.usePasted }).click();
      await panel.getByText(SHELL.notDone).waitFor();
    },
  },
  {
    name: 'model-offline',
    show: async (page) => {
      await openCard('model')(page);
      await page.context().setOffline(true);
      await page.getByRole('button', { name: MODEL.use }).first().click();
      await page.getByRole('button', { name: MODEL.download(null) }).click();
      await stepOf(page, 'model').getByText(SHELL.notDone).waitFor();
      await page.context().setOffline(false);
    },
  },
  { name: 'r-empty', show: open('/r') },
  {
    name: 'r-recipe',
    show: async (page) => {
      await page.goto(await recipeLink());
      await page.getByRole('button', { name: SHARED.load }).waitFor();
    },
  },
  { name: 'compare-empty', show: open('/compare') },
  {
    name: 'compare',
    show: async (page) => {
      await open('/compare')(page);
      for (const [i, variants] of devices.entries()) {
        await page.getByLabel(COMPARE.link).fill(await link(variants, ['Laptop of the NOC', 'Raspberry Pi 5'][i]));
        await page.getByRole('button', { name: COMPARE.add, exact: true }).click();
        await page
          .getByRole('button', { name: begins(COMPARE.remove(ANY)) })
          .nth(i)
          .waitFor();
      }
    },
  },
  {
    name: 'compare-kinds',
    show: async (page) => {
      await open('/compare')(page);
      const [own = []] = devices;
      const board = own.map((result) => ({ ...result, tier: 'counter' as const, boundary: 'gpu' as const }));
      const sets = [own, own.slice(1, 4), board];
      for (const [i, variants] of sets.entries()) {
        const name = ['Laptop of the NOC', 'Laptop of the NOC', 'A machine with a name of forty letters, H200'][i];
        await page.getByLabel(COMPARE.link).fill(await link(variants, name));
        await page.getByRole('button', { name: COMPARE.add, exact: true }).click();
        await page
          .getByRole('button', { name: begins(COMPARE.remove(ANY)) })
          .nth(i)
          .waitFor();
      }
      await page.locator('svg .mark').first().focus();
    },
  },
  {
    name: 'compress',
    show: async (page) => {
      await open('/compress')(page);
      await page.getByLabel(COMPRESS.recipe).fill('int8+2:4');
      await page.getByRole('button', { name: COMPRESS.start }).click();
      await page.getByRole('group', { name: TREEMAP.title }).waitFor({ timeout: 60_000 });
    },
  },
  {
    name: 'history',
    own: true,
    show: open('/history', (page) =>
      page
        .getByText(like(standing(SOME)))
        .first()
        .waitFor(),
    ),
  },
  {
    name: 'history-edit',
    own: true,
    show: open('/history', (page) => page.getByRole('button', { name: HISTORY.edit }).first().click()),
  },
  {
    name: 'assistant',
    own: true,
    show: async (page) => {
      await open('/assistant')(page);
      await page.getByRole('button', { name: ASSISTANT.example }).click();
      await page.getByRole('button', { name: ASSISTANT.compare }).click();
      await page
        .getByText(begins(ASSISTANT.total(1000 * SOME)))
        .nth(1)
        .waitFor({ timeout: 60_000 });
    },
  },
  {
    name: 'paper',
    own: true,
    show: open('/paper', (page) => page.getByRole('heading', { name: PAPER.stage[0].title }).waitFor()),
  },
  { name: 'method', show: open('/method') },
  {
    name: 'device-fitted',
    show: async (page) => {
      await page.goto(`${ORIGIN}/device#${await encodeModel(fittedModel())}`);
      await page.getByRole('button', { name: FIT.take, exact: true }).click();
      await page.getByRole('heading', { name: /^Model/ }).waitFor();
      await page.getByRole('button', { name: FIT.link }).click();
    },
  },
  {
    name: 'device-offered',
    show: async (page) => {
      await page.goto(`${ORIGIN}/device#${await encodeModel(fittedModel())}`);
      await page.getByRole('button', { name: FIT.take, exact: true }).waitFor();
    },
  },
  {
    name: 'device',
    show: open('/device', (page) => page.getByText(begins(DEVICE.profile)).first().waitFor()),
  },
  {
    name: 'storage',
    own: true,
    show: open('/storage', (page) =>
      page.getByText(begins(STORAGE.used(SOME, SOME), STORAGE.used(SOME, null))).waitFor(),
    ),
  },
  {
    name: 'report',
    own: true,
    show: async (page) => {
      await results(page);
      const download = page.waitForEvent('download');
      await openEvidence(page);
      await page.getByRole('button', { name: DETAILS.report.button }).click();
      await (await download).saveAs(`${OUT}report.html`);
      await page.goto(pathToFileURL(`${OUT}report.html`).href);
    },
  },
];

/** Runs of two fine-tuned variants: the joules of one training counted, of the other estimated. */
function trained(): RunRecord[] {
  const common = { rank: 8, parameters: 2_442_240, steps: 200, at: 200, examples: 6400, seen: 1600, threads: 2 };
  const tuned = {
    ...common,
    loss: { before: 3.34, after: 0.24 },
    end: 'steps',
    seconds: 371,
    boundary: 'package',
  } as const;
  const of: Record<string, RunRecord['tuned']> = {
    int8: {
      ...tuned,
      joules: { low: 9300, mid: 9600, high: 9900 },
      tier: 'counter',
      source: 'sampler: package-0',
      arithmetic: 'int8',
      earlier: false,
    },
    int4: {
      ...tuned,
      joules: { low: 2700, mid: 45_000, high: 470_000 },
      tier: 'profile',
      source: 'cpu-laptop',
      arithmetic: 'int8',
      earlier: false,
    },
  };
  return answered().map((run) => ({ ...run, tuned: of[run.variant] ?? null }));
}

/** A recipe, as another person might share it. */
const recipeLink = async () =>
  `${ORIGIN}/r#${await encodeLink({
    v: 3,
    kind: 'recipe',
    checkpoint: { kind: 'hub', repo: 'HuggingFaceTB/SmolLM2-135M-Instruct', revision: 'main' },
    plan: {
      dataset: { hash: 'd', name: 'tickets of the northern region' },
      tasks: ['rca', 'response'],
      stages: [
        { kind: 'variants', variants: ['fp16', 'int8', 'int4'] },
        { kind: 'best', k: 2, prunings: ['2:4', 'ffn25'] },
      ],
      baseline: true,
      engine: 'cpu',
      threads: null,
      limit: 150,
      slices: 9,
      margin: 0.05,
      maxNewTokens: 48,
      seed: 1,
      w: 0.5,
      profile: null,
    },
  })}`;

async function shootAll(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [1280, 900],
    [390, 844],
    [360, 740],
  ] as const) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of width === 360 ? (['light'] as const) : (['light', 'dark'] as const)) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(250);
      await page.screenshot({ path: `${OUT}${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) console.log(`${name}: ${wide} px wide at ${width} px`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 900 });
  if (!PRINTED.includes(name)) return;
  // Paper is narrower than a screen: A4 without its margins.
  await page.setViewportSize({ width: 720, height: 1000 });
  await page.emulateMedia({ media: 'print' });
  await page.waitForTimeout(250);
  await page.screenshot({ path: `${OUT}${name}-print.png`, fullPage: true });
  await page.emulateMedia({ media: 'screen' });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Views that are also printed. */
const PRINTED = ['results', 'report', 'compare', 'many'];

/** The default experiment, half way and at its end, unless the profile holds one. */
async function runOnce(page: Page): Promise<void> {
  await page.goto(ORIGIN);
  // The profile's service worker would show the build of the last time.
  await page.evaluate(async () => {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  });
  await page.goto(ORIGIN);
  const run = pricedRun(page);
  const kept = answers(page);
  await run.or(kept).first().waitFor();
  if ((await Promise.race([kept.waitFor({ timeout: 5000 }).then(() => true), page.waitForTimeout(4000)])) === true)
    return;
  await run.click();
  await page.getByText(begins(LIVE.at(SOME, SOME, LIVE.left(SOME)))).waitFor({ timeout: 120_000 });
  await page.getByText(like(LIVE.ticketOf(SOME, SOME))).waitFor({ timeout: 60_000 });
  await shootAll(page, 'running');
  await page.getByText(FINISHED).waitFor({ timeout: 3_600_000 });
}

/** A browser that never saw the site, or with `profile` the one that keeps a finished experiment. */
async function shoot(views: readonly View[], profile?: string): Promise<void> {
  if (views.length === 0) return;
  const site = await openSite({ options: { serviceWorkers: 'block' }, ...(profile !== undefined && { profile }) });
  const { page, faults, network } = site;
  // Views that show a failed download press its button.
  network.allow('huggingface.co');
  page.setDefaultTimeout(30_000);
  if (profile !== undefined) await runOnce(page);
  for (const { name, show } of views) {
    try {
      await page.goto('about:blank');
      await show(page);
      await page.waitForTimeout(300);
      await shootAll(page, name);
      // A light page with nothing to press, as it leaves the printer.
      if (name === 'results') await page.pdf({ path: `${OUT}results.pdf`, format: 'A4' });
    } catch (error) {
      console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(faults.join('\n') || 'no faults');
  await site.close();
}

const wanted = process.argv[2] ?? '';
const views = VIEWS.filter((v) => v.name.includes(wanted));
mkdirSync(OUT, { recursive: true });
mkdirSync(PROFILE, { recursive: true });
await shoot(views.filter((v) => !v.own));
await shoot(
  views.filter((v) => v.own),
  PROFILE,
);
process.exit(0);

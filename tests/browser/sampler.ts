import type { Page } from 'playwright-core';
import { Conditions } from '../../sampler/meter/conditions';
import { Ticker } from '../../sampler/meter/clock';
import { Sampler } from '../../sampler/meter/sampler';
import { Door, type Pairing } from '../../sampler/serve/door';
import { SamplerServer } from '../../sampler/serve/server';
import { sourcesWith } from '../../sampler/sources/index';
import { FakeSystem, INTEL, zone } from '../../sampler/testing';
import { ORIGIN } from '../../cli/shared/browser';
import { mainReadings } from '../../src/lib/meter/readings';
import type { RunRecord } from '../../src/lib/schema/run';
import { SAMPLER } from '../../src/lib/texts/sampler';
import { LORA } from '../../src/lib/tune/lora';
import { TUNE } from '../../src/lib/tune/trainer';
import {
  assert,
  assertClose,
  assertEqual,
  BUILTIN,
  withBrowser,
  withFolder,
  type BrowserTest,
  type WatchedDriver,
} from './harness';

/** Watts of the simulated machine: its processor package, and the platform that holds it. */
export const WATTS = { package: 25, psys: 40 } as const;

/** A sampler over a simulated machine whose counters run with this one's clock. */
export async function simulated() {
  const system = new FakeSystem('linux', {
    files: {
      ...INTEL,
      ...zone('intel-rapl:0', 'package-0', WATTS.package),
      ...zone('intel-rapl:1', 'psys', WATTS.psys),
    },
  });
  const began = performance.now();
  Object.defineProperty(system, 'ms', { get: () => performance.now() - began, set: () => undefined });
  const sampler = await Sampler.open(system, sourcesWith([]), (ms) => new Promise((done) => setTimeout(done, ms)));
  const conditions = new Conditions();
  const ticker = new Ticker(sampler, conditions);
  let kept: readonly Pairing[] = [];
  const door = new Door({ read: () => [...kept], write: (all) => (kept = all) }, () => performance.now());
  const serving = { sampler, conditions, door, onAsked: ticker.asked, app: null, version: 'test' };
  const server = new SamplerServer(serving);
  const port = await server.listen(0);
  ticker.start();
  return {
    url: `http://127.0.0.1:${port}`,
    door,
    async end() {
      ticker.end();
      await server.close();
    },
  };
}

export const planOn = (d: WatchedDriver, seed: number, slices: number) =>
  d.call('generateTickets', { count: 60, seed }).then((dataset) => ({
    dataset,
    plan: {
      v: 3 as const,
      dataset: { hash: dataset.hash, name: dataset.name },
      checkpoint: BUILTIN,
      tasks: ['rca' as const],
      stages: [{ kind: 'variants' as const, variants: ['fp32', 'int8'] }],
      baseline: false,
      engine: 'cpu' as const,
      threads: 2,
      limit: 8,
      slices,
      margin: 0.05,
      maxNewTokens: 8,
      seed: 3,
      w: 0.5,
      profile: null,
    },
  }));

/** The part of the page "Device" about the sampler. */
export const samplerForm = (page: Page) => page.getByRole('heading', { name: SAMPLER.title }).locator('xpath=..');

/** Pairs the page "Device", which is open, with a machine. */
export async function pairWith(page: Page, { url, door }: Awaited<ReturnType<typeof simulated>>): Promise<void> {
  const form = samplerForm(page);
  await form.getByLabel(SAMPLER.address).fill(url);
  await form.getByLabel(SAMPLER.code).fill(door.newCode());
  await form.getByRole('button', { name: SAMPLER.pair }).click();
  await form.getByText(SAMPLER.paired(url)).waitFor();
}

/** What runs are priced by, but for loading: joules and seconds of all together, and where they come from. */
function pricedBy(runs: readonly RunRecord[]) {
  const main = runs.flatMap((run) => mainReadings(run.phases).filter((r) => r.phase !== 'load'));
  const add = (of: (r: (typeof main)[number]) => number) => main.reduce((n, r) => n + of(r), 0);
  return {
    seconds: add((r) => r.seconds),
    low: add((r) => r.joules?.low ?? NaN),
    mid: add((r) => r.joules?.mid ?? NaN),
    high: add((r) => r.joules?.high ?? NaN),
    from: [...new Set(main.map((r) => `${r.tier} ${r.boundary}`))],
  };
}

/** Holds runs to have been counted at so many watts: each within its interval, all together within 5 %. */
function assertCounted(runs: readonly RunRecord[], watts: number, from: string): void {
  for (const run of runs) {
    const one = pricedBy([run]);
    assertEqual(one.from, [from], `source of ${run.id}`);
    const real = watts * one.seconds;
    // Clocks are aligned to a millisecond, and a reading's moment is known as well as that.
    const slack = watts * 0.002 * run.phases.length;
    assert(
      real >= one.low - slack && real <= one.high + slack,
      `${run.id}: ${real} J were taken, ${one.low} to ${one.high} told`,
    );
    assert(!/sampler/.test(run.warnings.join()), `warned of the sampler in ${run.id}`);
    // A simulated machine draws the same at rest: net of it nothing is left, and no more than the counter leaves open.
    for (const r of mainReadings(run.phases)) {
      assert(r.netJoules !== null || r.joules === null, `${r.phase} of ${run.id} has no net joules`);
      if (r.netJoules)
        assert(r.netJoules.low - slack <= 0 && r.netJoules.high + slack >= 0, `net of ${r.phase} in ${run.id}`);
    }
    // The estimate stands beside it.
    assert(
      run.phases.some((r) => r.tier === 'profile' && r.joules),
      'no estimate beside the counter',
    );
  }
  const all = pricedBy(runs);
  assertClose(all.mid / all.seconds, watts, 0.05, 'watts of all runs');
}

export const tests: BrowserTest[] = [
  {
    name: 'a page pairs with a sampler by a code, shows its watts, and takes the joules of its runs from it until it ends',
    run: () =>
      withBrowser({}, async (d) => {
        const machine = await simulated();
        d.network.allow(new URL(machine.url).host);
        try {
          const { page } = d;
          await page.goto(`${ORIGIN}/device`);
          const form = samplerForm(page);
          await form.getByLabel(SAMPLER.address).fill(machine.url);
          // A wrong code first: a sentence, and nothing is lost.
          machine.door.newCode();
          await form.getByLabel(SAMPLER.code).fill('nonsense');
          await form.getByRole('button', { name: SAMPLER.pair }).click();
          await form.getByRole('alert').waitFor();
          await form.getByLabel(SAMPLER.code).fill(machine.door.newCode());
          await form.getByRole('button', { name: SAMPLER.pair }).click();
          await form.getByText(SAMPLER.paired(machine.url)).waitFor();
          await form.getByRole('row', { name: /package-0.*\b2[45]\.\d W/ }).waitFor();
          assertEqual(await form.getByRole('row').count(), 3, 'rows of counters, and their head');
          await form.getByRole('row', { name: /package-0.*not measured.*\bfine\b/ }).waitFor();
          await form.getByRole('button', { name: SAMPLER.measureRest }).click();
          await form.getByText(SAMPLER.resting).waitFor();
          await form.getByRole('row', { name: /package-0.*\b2[45]\.\d\d W \(/ }).waitFor({ timeout: 30_000 });

          await page.goto(`${ORIGIN}/drive`);
          await page.waitForFunction(() => 'joulewise' in window);
          const access = await page.evaluate(() => localStorage.getItem('sampler'));
          const sampler = JSON.parse(access ?? 'null') as { url: string; token: string; gpu: null; boundary: null };
          assertEqual(sampler.url, machine.url, 'the address that is kept');
          const first = await planOn(d, 5, 3);
          const { runs } = await d.call('runPlan', { ...first, name: 'Sampler', fresh: true, sampler });
          assert(runs.length >= 6, `only ${runs.length} runs`);
          assertCounted(runs, WATTS.package, 'counter package');
          const whole = await planOn(d, 6, 2);
          const device = { ...sampler, boundary: 'device' as const };
          const { runs: others } = await d.call('runPlan', { ...whole, name: 'Device', fresh: true, sampler: device });
          assertCounted(others, WATTS.psys, 'counter device');

          // It dies: runs go on, by the estimate, and say so.
          await machine.end();
          const last = await planOn(d, 7, 2);
          const { runs: after, failures } = await d.call('runPlan', { ...last, name: 'Gone', fresh: true, sampler });
          assertEqual(failures, [], 'failures');
          for (const run of after) {
            assertEqual(pricedBy([run]).from, ['profile package'], `tier of ${run.id}`);
            assert(/sampler did not tell/.test(run.warnings.join()), `no warning in ${run.id}`);
          }
        } finally {
          await machine.end().catch(() => undefined);
        }
      }),
  },
  {
    name: 'the command line takes joules from a sampler through its own server, with a token that no page sees',
    async run() {
      const machine = await simulated();
      try {
        const sampler = { url: machine.url, token: machine.door.issue(null), boundary: null };
        await withBrowser({ sampler }, async (d) => {
          const first = await planOn(d, 8, 3);
          const { runs } = await d.call('runPlan', { ...first, name: 'Sampler', fresh: true, sampler: d.sampler });
          assert(!JSON.stringify(d.sampler).includes(sampler.token), 'the page knows the token');
          assertCounted(runs, WATTS.package, 'counter package');

          // Fine-tuning before a plan's first ticket, and by itself.
          const stages = [{ kind: 'variants' as const, variants: ['int8+lora2.8steps'] }];
          const plan = { ...first.plan, stages, slices: 1 };
          const tuned = await d.call('runPlan', {
            plan,
            dataset: first.dataset,
            name: 'Tuned',
            fresh: true,
            sampler: d.sampler,
          });
          const [{ tuned: training = null } = {}] = tuned.runs;
          assert(training, 'the record tells what training took');
          assertEqual([training.tier, training.boundary], ['counter', 'package'], 'what counted training');
          assertClose(training.joules?.mid ?? NaN, WATTS.package * training.seconds, 0.05, 'joules of training');
          await withFolder(async (folder) => {
            const report = await d.call('tune', {
              checkpoint: BUILTIN,
              name: 'built-in',
              recipe: 'int8',
              threads: 2,
              tasks: ['rca'],
              dataset: first.dataset,
              train: null,
              validation: 8,
              lora: { ...LORA, rank: 2 },
              options: { ...TUNE, steps: 8, warmup: 1, evaluateEvery: 0 },
              profile: null,
              sampler: d.sampler,
              arithmetic: null,
              engine: 'cpu',
              merged: false,
              fresh: true,
              upload: d.server.receive(folder),
            });
            const train = mainReadings(report.readings).find(({ phase }) => phase === 'train');
            assertEqual([train?.tier, train?.boundary], ['counter', 'package'], 'what counted a tuning');
            assertClose(train?.joules?.mid ?? NaN, WATTS.package * (train?.seconds ?? NaN), 0.05, 'joules of a tuning');
          });
        });
      } finally {
        await machine.end().catch(() => undefined);
      }
    },
  },
];

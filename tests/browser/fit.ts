import { readFileSync } from 'node:fs';
import { ORIGIN } from '../../cli/shared/browser';
import { readModel } from '../../src/lib/fit/fit';
import { speedOf } from '../../src/lib/fit/routine';
import { mainReadings } from '../../src/lib/meter/readings';
import { COEFFICIENTS } from '../../src/lib/schema/energy-model';
import { FIT } from '../../src/lib/texts/fit';
import { assert, assertClose, assertEqual, withBrowser, type BrowserTest } from './harness';
import { pairWith, planOn, simulated, WATTS } from './sampler';

/** The short routine takes 30 s; the machine may be busy. */
const FITTED_MS = 120_000;

export const tests: BrowserTest[] = [
  {
    name: 'a page fits the energy model of this device to a sampler, prices runs by it, gives it as a file and a link, and forgets it',
    run: () =>
      withBrowser({}, async (d) => {
        const machine = await simulated();
        d.network.allow(new URL(machine.url).host);
        try {
          const { page } = d;
          await page.goto(`${ORIGIN}/device`);
          await pairWith(page, machine);
          const part = page.getByRole('heading', { name: FIT.title }).locator('xpath=..');
          await part.getByLabel(FIT.meter).selectOption('glance');
          await part.getByRole('button', { name: FIT.start, exact: true }).click();
          await part.getByRole('progressbar').waitFor();
          const heading = part.getByRole('heading', { name: /^Model [0-9a-f]{12}$/ });
          await heading.waitFor({ timeout: FITTED_MS });

          const download = page.waitForEvent('download');
          await part.getByRole('button', { name: FIT.download }).click();
          const model = readModel(JSON.parse(readFileSync(await (await download).path(), 'utf8')));
          assertEqual(await heading.textContent(), FIT.id(model.id), 'the model that is shown');
          await part.getByText(FIT.fitted(model)).waitFor();
          assertEqual([model.tier, model.boundary], ['counter', 'package'], 'what it was fitted at');
          assertClose(model.coefficients[COEFFICIENTS.indexOf('idle')] ?? 0, WATTS.package, 0.05, 'idle watts');
          assert(model.error <= 0.05, `off by ${model.error} on work that was held out`);

          await part.getByRole('button', { name: FIT.link }).click();
          const link = await part.getByRole('textbox', { name: FIT.link }).inputValue();
          assert(link.startsWith(`${ORIGIN}/device#m1.`), link.slice(0, 60));

          // Without a sampler runs are priced by it, and say so.
          await page.goto(`${ORIGIN}/drive`);
          await page.waitForFunction(() => 'joulewise' in window);
          const plan = await planOn(d, 9, 2);
          const { runs } = await d.call('runPlan', { ...plan, name: 'Fitted', fresh: true, sampler: null });
          for (const run of runs) {
            const main = mainReadings(run.phases);
            assertEqual(
              [...new Set(main.map((r) => `${r.tier} ${r.boundary}`))],
              ['fitted package'],
              `source of ${run.id}`,
            );
            // Work that nobody counted (compressing, loading) has no price.
            const priced = main.filter((r) => r.phase === 'prefill' || r.phase === 'decode');
            assert(priced.length > 0, `nothing answered in ${run.id}`);
            for (const { phase, seconds, joules } of priced) {
              assert(joules, `${phase} of ${run.id} has no joules`);
              const real = WATTS.package * seconds;
              assert(
                real >= joules.low && real <= joules.high,
                `${phase} of ${run.id}: ${real} J were taken, ${joules.low} to ${joules.high} told`,
              );
            }
            const ids = run.phases.filter((r) => r.tier === 'fitted').map((r) => r.model?.id);
            assertEqual([...new Set(ids)], [model.id], `model of ${run.id}`);
          }

          await page.goto(`${ORIGIN}/device`);
          await heading.waitFor();
          await part.getByRole('button', { name: FIT.forget }).click();
          await heading.waitFor({ state: 'detached' });

          // Nobody's model is taken unasked, and a damaged link is a sentence.
          await page.goto('about:blank');
          await page.goto(`${link.slice(0, -20)}`);
          await part.getByRole('alert').waitFor();
          await page.goto('about:blank');
          await page.goto(link);
          await part.getByRole('button', { name: FIT.take, exact: true }).waitFor();
          assertEqual(await heading.count(), 0, 'models before it is taken');
          await part.getByRole('button', { name: FIT.take, exact: true }).click();
          await heading.waitFor();
          assertEqual(await heading.textContent(), FIT.id(model.id), 'the model that the link brought');

          // The same from a file; one that holds none is a sentence.
          await part.getByRole('button', { name: FIT.forget }).click();
          await heading.waitFor({ state: 'detached' });
          const give = (text: string) =>
            part.getByLabel(FIT.fromFile).setInputFiles({
              name: 'model.json',
              mimeType: 'application/json',
              buffer: Buffer.from(text),
            });
          await give('watts,time');
          await part.getByRole('alert').getByText(FIT.notModel).waitFor();
          await give(JSON.stringify(model));
          await part.getByRole('button', { name: FIT.take, exact: true }).click();
          await heading.waitFor();
          assertEqual(await heading.textContent(), FIT.id(model.id), 'the model that the file brought');
        } finally {
          await machine.end().catch(() => undefined);
        }
      }),
  },
  {
    name: 'the routine runs on a GPU: every kernel reads and computes what it says, and a GPU that is not there is a sentence',
    group: 'gpu',
    run: async () => {
      const name = 'speed';
      const given = { name, threads: null, sampler: null, hardware: 'gpu' } as const;
      await withBrowser({}, async (d) => {
        const said = await d.call('routine', given).then(
          () => null,
          (error: unknown) => String(error),
        );
        assert(said !== null && /offers no GPU here/.test(said), `what is said without one: ${said}`);
      });
      await withBrowser({ webgpu: 'software' }, async (d) => {
        const ran = await d.call('routine', given);
        assertEqual([ran.hardware, ran.threads, ran.answered], ['gpu', 1, null], 'what ran');
        const kinds = new Set(ran.segments.map(({ kind }) => kind));
        assertEqual([...kinds].sort(), ['computing', 'idle', 'reading'], 'what a routine of speed runs');
        for (const { kind, bytes, operations, from, to } of ran.segments) {
          assert(to > from, `${kind} takes time`);
          assertEqual([bytes > 0, operations > 0], [kind === 'reading', kind === 'computing'], `work of ${kind}`);
        }
        const speed = speedOf(ran.segments);
        assert(speed !== null, 'both speeds are told');
      });
    },
  },
];

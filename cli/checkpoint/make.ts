import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JoulewiseError } from '../../src/lib/core/errors';
import { CAUSES, posterior } from '../../src/lib/data/faults';
import { generateDataset, generateFaults } from '../../src/lib/data/generator';
import { isModel } from '../../src/lib/schema/engines';
import type { PlanRecord } from '../../src/lib/schema/plan';
import type { VariantResult } from '../../src/lib/schema/result';
import type { BuildEvent } from '../../src/lib/train/files/build';
import { parseArgs } from '../shared/args';
import type { Driver } from '../shared/browser';
import { checkpointOf, fromHere, threadsOf, withDriver } from '../shared/context';
import { print, say } from '../shared/print';
import { modelCard } from './card';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SHIPPED = join(ROOT, 'static/builtin');

/** Steps between two lines of progress. */
const LINE_EVERY = 25;
/** Tickets that scores come from: the demo's network, of which nothing is trained on. */
const SCORED = { count: 2000, seed: 1 } as const;
/** Test tickets of each task: all that a fifth of them is, and for the variants those of a glance. */
const [ALL, SOME] = [400, 100];
const VARIANTS = ['fp16', 'int8', 'int4', 'fp16+mag50', 'fp16+2:4'];

const minutes = (seconds: number) =>
  seconds < 90
    ? `${Math.round(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

const PHASES = {
  tokenizer: () => 'Learning the tokenizer ...',
  tickets: (stage: string) => `Writing tickets of ${stage} ...`,
  resumed: (stage: string) => `Going on in ${stage}, where a build was stopped.`,
} as const;

function tell(event: BuildEvent): void {
  const stage = `stage ${event.stage + 1}`;
  if ('phase' in event) say(PHASES[event.phase](stage));
  else if ('evaluation' in event)
    say(`${stage}, ${event.evaluation.step} steps: validation loss ${event.evaluation.loss.toFixed(4)} nats a token`);
  else if (event.step.step === 1 || event.step.step % LINE_EVERY === 0) {
    const { step, loss, norm, lr, ms, tokens } = event.step;
    say(
      `${stage}, step ${step} of ${event.of}: loss ${loss.toFixed(4)}, gradient ${norm.toFixed(2)}, rate ${lr.toExponential(1)}, ${((1000 * tokens) / ms).toFixed(0)} tokens/s, ${minutes(event.secondsLeft)} left`,
    );
  }
}

/** Runs of a checkpoint's variants on the demo's test tickets; progress is not told. */
async function score(d: Driver, folder: string, variants: string[], limit: number, threads: number | null) {
  const dataset = await d.call('generateTickets', { ...SCORED });
  const plan: PlanRecord = {
    v: 3,
    dataset: { hash: dataset.hash, name: dataset.name },
    checkpoint: await checkpointOf(d, folder),
    tasks: ['rca', 'response'],
    stages: [{ kind: 'variants', variants }],
    baseline: true,
    maxNewTokens: 64,
    w: 0.5,
    profile: null,
    engine: 'cpu',
    threads,
    slices: limit / 20,
    limit,
    margin: 0.05,
    seed: 1,
  };
  const { folded, failures } = await d.call('runPlan', {
    plan,
    dataset,
    name: `Scores, ${limit} tickets`,
    fresh: true,
    calibrationTexts: null,
  });
  const [failed] = failures;
  if (failed) throw new JoulewiseError('engine.failed', `Scoring failed: ${failed.error.message}`);
  const models = folded.results.filter(({ engine }) => isModel(engine));
  return {
    models: variants.map((name) => models.find(({ variant }) => variant === name) as VariantResult),
    baseline: folded.results.find(({ engine }) => !isModel(engine)) ?? null,
  };
}

/** How often the likeliest cause by the generator's own tables is the cause, of the test tickets. */
async function bestPossible(): Promise<{ accuracy: number; n: number }> {
  const { split } = await generateDataset(SCORED);
  const tests = generateFaults(SCORED).filter((_, i) => split[i] === 'test');
  const right = tests.filter(({ fault: { cause, evidence } }) => {
    const chances = posterior(evidence);
    return CAUSES[chances.indexOf(Math.max(...chances))] === cause;
  });
  return { accuracy: right.length / tests.length, n: tests.length };
}

/** Scores a folder and writes its card; what was said is printed as JSON. */
async function cardOf(
  d: Driver,
  folder: string,
  threads: number | null,
  report: Parameters<typeof modelCard>[0]['report'],
) {
  say('Scoring on the demo test tickets ...');
  const { models, baseline } = await score(d, folder, ['fp32'], ALL, threads);
  const { models: variants } = await score(d, folder, VARIANTS, SOME, threads);
  const browser = await d.page.evaluate(
    () => /Chrome\/\d+/.exec(navigator.userAgent)?.[0].replace('/', ' ') ?? 'a browser',
  );
  const scores = models[0] as VariantResult;
  const best = await bestPossible();
  writeFileSync(
    join(folder, 'MODEL_CARD.md'),
    modelCard({ report, scores, baseline, best, variants, browser, limit: SOME }),
  );
  return Object.fromEntries(Object.entries(scores.metrics).map(([name, { mid }]) => [name, mid]));
}

/**
 * `build:checkpoint`: trains the built-in checkpoint, scores it, writes its card, and only then puts it where it belongs.
 * `--score DIR` scores a folder as it is.
 */
export async function buildCheckpoint(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, { threads: 'whole', out: 'text', fresh: 'flag', score: 'text' });
  const threads = threadsOf(a);
  const scored = a.text('score');
  const out = a.text('out') === null ? SHIPPED : fromHere(a.need('out'));
  await withDriver(
    { onEvent: (event) => ('stage' in (event as object) ? tell(event as BuildEvent) : undefined) },
    async (d) => {
      if (scored !== null) {
        const { models } = await score(d, scored, ['fp32'], ALL, threads);
        print(JSON.stringify(models[0]?.metrics, null, 1));
        return;
      }
      mkdirSync(join(ROOT, '.joulewise'), { recursive: true });
      const made = mkdtempSync(join(ROOT, '.joulewise', 'checkpoint-'));
      try {
        const { files, ...report } = await d.call('build', {
          threads,
          fresh: a.flag('fresh'),
          upload: d.server.receive(made),
        });
        const metrics = await cardOf(d, made, threads, report);
        mkdirSync(out, { recursive: true });
        for (const name of readdirSync(made)) {
          rmSync(join(out, name), { force: true });
          renameSync(join(made, name), join(out, name));
        }
        print(JSON.stringify({ out, files: files.length + 1, ...report, metrics }));
      } finally {
        if (existsSync(made)) rmSync(made, { recursive: true });
      }
    },
  );
}

import { planWithoutTexts, runWithoutTexts } from '../../src/lib/schema/without-texts';
import { takesRecipes } from '../../src/lib/schema/engines';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { canonicalRecipe, isPart } from '../../src/lib/compress/recipe';
import { contentHash } from '../../src/lib/core/canonical';
import { JoulewiseError } from '../../src/lib/core/errors';
import type { PlanEvent, PlanOutcome } from '../../src/lib/plan/execute';
import { decide, type Decision } from '../../src/lib/rank/decide';
import type { Folded } from '../../src/lib/rank/fold';
import { answerSentence, disturbedSentence, whatWould } from '../../src/lib/texts/answer';
import { rankVariants, splitBaseline } from '../../src/lib/rank/rank';
import { winnersByWeight } from '../../src/lib/rank/weights';
import type { DatasetRecord } from '../../src/lib/schema/dataset';
import { BOUND, DEFAULT_MARGIN, DEFAULT_SLICES, LEAST_SLICE, MOST_SLICES } from '../../src/lib/schema/defaults';
import type { CheckpointRef, PlanRecord } from '../../src/lib/schema/plan';
import type { TaskName } from '../../src/lib/schema/run';
import { encodeLink, toShared } from '../../src/lib/link/codec';
import { parseArgs, type Parsed } from '../shared/args';
import type { Driver } from '../shared/browser';
import { calibrationTexts } from '../shared/calibration';
import { checkpointOf, engineOf, fromHere, threadsOf, webgpuOf, withDriver } from '../shared/context';
import { print, say } from '../shared/print';
import { WHAT_IF } from '../../src/lib/texts/what-if';
import { boundSentence } from '../../src/lib/texts/bound';
import { trainingSentence } from '../../src/lib/texts/training';
import { claimsHere, PAPERS_BEST } from '../../src/lib/rank/claims';
import { samplerOf, SOURCE_FLAGS } from '../shared/sampler';
import { renderClaims, renderDecision, renderRanking, renderTraining, renderWhatIf } from '../shared/table';
import { generatedBy, importFile, tasksOf, TICKET_FLAGS } from '../shared/tickets';

interface PlanReply extends PlanOutcome {
  folded: Folded;
  plan: string;
}

/** Where a link of this command opens: `npm run preview` serves it. */
const SITE = process.env['JOULEWISE_SITE'] ?? 'http://localhost:4173';

const PLAN_DEFAULTS = { baseline: true, maxNewTokens: 64, w: 0.5, profile: null } as const;

/** Steps of training between two lines. */
const STEPS_TOLD = 25;

/** One line per unit on stderr; tickets are counted in place on a terminal. */
function progressLine(): (event: unknown) => void {
  const start = Date.now();
  let of = 0;
  let done = 0;
  let opening = '';
  return (raw) => {
    const event = raw as PlanEvent;
    const at = () => `${((Date.now() - start) / 1000).toFixed(0).padStart(4)} s`;
    switch (event.type) {
      case 'planned':
        of = event.units;
        return;
      case 'opened':
        say(`${at()}  ${event.member.variant} is ready`);
        return;
      case 'stopped':
        say(`${at()}  ${event.variant} stopped after ${event.after} slices: ${event.why}`);
        return;
      case 'run':
        if (event.unit.anchor || event.unit.part === 'validation') return;
        if ((event.run.steadiness?.tries ?? 1) < 2) done++;
        say(
          `${at()}  ${done}/${of}  ${event.unit.variant}  ${event.unit.task}  slice ${event.unit.slice + 1}${event.resumed ? '  (kept from before)' : ''}${event.run.steadiness?.disturbed ? '  (disturbed)' : ''}`,
        );
        return;
      case 'failed':
        done++;
        say(`${at()}  ${done}/${of}  ${event.unit.variant}  ${event.unit.task}  failed: ${event.error.message}`);
        return;
      case 'progress': {
        const { done: step, of: steps, training } = event.progress;
        // All else is too fine for a log.
        if (training?.validation != null)
          say(`${at()}  ${opening}  validation loss ${training.validation.toFixed(3)} after ${step} steps`);
        else if (training?.loss != null && (step % STEPS_TOLD === 0 || step === steps))
          say(
            `${at()}  ${opening}  training step ${step} of ${steps}, loss ${training.loss.toFixed(3)}, ${Math.round(training.tokensPerSecond ?? 0)} tokens/s`,
          );
        return;
      }
      case 'opening':
        opening = event.member.variant;
        return;
      case 'unit':
        return;
      default:
        event satisfies never;
    }
  };
}

async function execute(
  d: Driver,
  plan: PlanRecord,
  dataset: DatasetRecord,
  name: string,
  fresh: boolean,
  calibrationTexts: string[] | null = null,
): Promise<PlanReply> {
  const reply = await d.call('runPlan', { plan, dataset, name, fresh, calibrationTexts, sampler: d.sampler });
  const kept = reply.runs.length;
  say(
    `${kept} runs stand${reply.failures.length ? `, ${reply.failures.length} failed` : ''}. They stay in the profile: the same command goes on where it stopped; --fresh measures anew.`,
  );
  return reply;
}

/** How a report is told. */
interface Told {
  out: string | null;
  texts: boolean;
  /** Of which a year is worked out; null = of none. */
  ticketsPerDay: number | null;
}

async function report(
  reply: PlanReply,
  plan: PlanRecord,
  checkpoint: string,
  { out, texts, ticketsPerDay }: Told,
): Promise<void> {
  const { results, evidence } = reply.folded;
  const decision = decide(results, evidence);
  const { models, baseline } = splitBaseline(results);
  const failed = reply.failures[0];
  const ranking = rankVariants(models, plan.w);
  const winners = winnersByWeight(models);
  const device = reply.runs[0]?.device ?? null;
  const shared = toShared(results, {
    evidence,
    createdAt: new Date().toISOString(),
    device: {
      name: device?.renderer ?? device?.platform ?? 'unknown device',
      profile: reply.runs[0]?.phases[0]?.source ?? 'unknown',
      browser: device?.browser ?? null,
    },
    checkpoint,
    dataset: plan.dataset.name,
    tasks: plan.tasks,
    w: plan.w,
  });
  const link = `${SITE}/r#${await encodeLink(shared)}`;
  if (out !== null) {
    mkdirSync(dirname(out), { recursive: true });
    const record = {
      plan: texts ? plan : planWithoutTexts(plan),
      device,
      answer: answerOf(decision),
      results,
      evidence,
      ranking,
      baseline,
      winners,
      shared,
      runs: texts ? reply.runs : reply.runs.map(runWithoutTexts),
      failures: reply.failures,
    };
    writeFileSync(out, `${JSON.stringify(record, null, 1)}\n`);
    say(`Wrote ${out}.`);
  }
  // Nothing leads where nothing stands: the baseline alone is shown, and the exit code says that the work failed.
  if (models.length === 0) {
    if (baseline) print(renderRanking(ranking, baseline, winners));
    throw new JoulewiseError(
      'engine.failed',
      `No variant could be measured, so there is no winner${failed ? `: ${failed.error.message}` : '.'}`,
    );
  }
  print(answerSentence(decision));
  for (const more of [
    boundSentence(results),
    trainingSentence(decision),
    whatWould(decision),
    disturbedSentence(decision.disturbed),
  ])
    if (more) print(more);
  print('');
  print(renderDecision(decision));
  const training = renderTraining(decision);
  if (training) print(`\n${training}`);
  print('');
  print(renderRanking(ranking, baseline, winners));
  const year =
    ticketsPerDay === null ? null : renderWhatIf(decision, { ticketsPerDay, price: null, grid: WHAT_IF.world });
  if (year) print(`\n${year}`);
  if (results.some(({ training }) => training)) {
    print('');
    print(renderClaims(claimsHere(results, evidence, plan.w), plan.w));
  }
  print('');
  print(`Share: ${link}`);
}

/** The answer as a program reads it: `variant` null where none does the job. */
const answerOf = (decision: Decision) => ({
  variant: decision.answer?.result.variant ?? null,
  why: answerSentence(decision),
  floor: Object.fromEntries(decision.rows.map((row) => [row.result.variant, row.floor])),
  margin: decision.margin,
  reference: decision.reference?.result.variant ?? null,
  words: Object.fromEntries(
    decision.rows.map((row) => [row.result.variant, { quality: row.qualityWord, energy: row.energyWord }]),
  ),
});

export async function run(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, {
    ...SOURCE_FLAGS,
    ...TICKET_FLAGS,
    checkpoint: 'text',
    data: 'text',
    task: 'text',
    variants: 'text',
    prune: 'text',
    best: 'whole',
    engine: 'text',
    threads: 'whole',
    limit: 'whole',
    slices: 'whole',
    margin: 'number',
    'until-decided': 'flag',
    'until-percent': 'number',
    'tickets-per-day': 'number',
    tokens: 'whole',
    out: 'text',
    texts: 'flag',
    fresh: 'flag',
    swiftshader: 'flag',
    calib: 'text',
    adapter: 'many',
  });
  const engine = engineOf(a);
  const tasks = tasksOf(a);
  const [task] = tasks;
  const adapters = adaptersOf(a, tasks);
  const variants = listOf(a, 'variants') ?? ['fp32', 'fp16', 'int8', 'int4'];
  const recipes = !takesRecipes(engine) ? variants : [...new Set(variants.map(canonicalRecipe))];
  const prunings = listOf(a, 'prune');
  for (const p of prunings ?? [])
    if (!isPart(p))
      throw new JoulewiseError(
        'recipe.unknown',
        `Part "${p}" is not known. Examples: 2:4, mag50, ffn50, layers25, lora8.`,
      );
  const out = fromHere(a.need('out'));
  const data = a.need('data');
  const told = toldOf(a);
  const checkpointText = a.text('checkpoint') ?? 'builtin';
  await withDriver({ webgpu: webgpuOf(a, engine), sampler: samplerOf(a), onEvent: progressLine() }, async (d) => {
    const dataset = await ticketsOf(d, data, a, task);
    const checkpoint: CheckpointRef = await checkpointOf(d, checkpointText, {
      exports: !takesRecipes(engine) ? variants : null,
      ...adapters,
    });
    const calib = a.text('calib');
    const calibration = await calibrationTexts(d, calib);
    const plan: PlanRecord = {
      v: 3,
      dataset: { hash: dataset.hash, name: dataset.name },
      checkpoint,
      tasks,
      stages: [
        { kind: 'variants', variants: recipes },
        ...(prunings ? [{ kind: 'best' as const, k: a.whole('best', 2), prunings }] : []),
      ],
      ...PLAN_DEFAULTS,
      maxNewTokens: a.whole('tokens', PLAN_DEFAULTS.maxNewTokens),
      engine,
      threads: threadsOf(a),
      ...sizeOf(a),
      seed: a.whole('seed', 1, 0),
      ...(calibration && calib !== null
        ? { calibration: { hash: await contentHash(calibration.texts), name: basename(calib) } }
        : {}),
    };
    await report(
      await execute(
        d,
        plan,
        dataset,
        `${dataset.name}, ${tasks.join(' and ')}`,
        a.flag('fresh'),
        calibration?.texts ?? null,
      ),
      plan,
      checkpointText,
      { ...told, out },
    );
  });
}

/** One adapter for all tasks, `DIR`, or one each, `rca=DIR`. Throws `option.invalid` for both, and for tasks that are not asked. */
function adaptersOf(
  a: Parsed,
  tasks: readonly TaskName[],
): { adapter: string | null; adapters: Record<string, string> } {
  const given = a.many('adapter').map((text) => /^(?:([a-z]+)=)?(.+)$/s.exec(text)?.slice(1) ?? [undefined, text]);
  const [alone] = given.flatMap(([task, folder]) => (task === undefined && folder ? [folder] : []));
  if (alone !== undefined && given.length > 1)
    throw new JoulewiseError('option.invalid', 'Give one --adapter for all tasks, or one each as --adapter TASK=DIR.');
  const adapters: Record<string, string> = {};
  for (const [task, folder] of given) {
    if (task === undefined || !folder) continue;
    if (!tasks.some((name) => name === task) || task in adapters)
      throw new JoulewiseError(
        'option.invalid',
        `--adapter ${task}=... names ${task in adapters ? 'a task twice' : 'no task of this run'}. Tasks: ${tasks.join(', ')} (--task ${tasks.join('+')}).`,
      );
    adapters[task] = folder;
  }
  return { adapter: alone ?? null, adapters };
}

/** Tickets of a file, or with `--data generated` those of the demo; says what became of a file's rows. */
async function ticketsOf(d: Driver, data: string, a: Parsed, task: TaskName): Promise<DatasetRecord> {
  const vocabulary = generatedBy(data);
  if (vocabulary !== null) return demoTickets(d, vocabulary);
  const { dataset, report } = await importFile(d, data, a, task);
  for (const w of report?.warnings ?? []) say(`Note: ${w}`);
  if (report)
    say(`${report.kept} of ${report.rows} rows kept from ${data}; columns ${JSON.stringify(report.mapping)}.`);
  return dataset;
}

const toldOf = (a: Parsed): Omit<Told, 'out'> => ({
  texts: a.flag('texts'),
  ticketsPerDay: a.text('tickets-per-day') === null ? null : a.number('tickets-per-day', NaN, 1, 1e9),
});

/** Tickets a task and slices, the margin of the floor, and whether to stop early; as the page has them by default. */
function sizeOf(a: Parsed): Pick<PlanRecord, 'limit' | 'slices' | 'margin' | 'untilDecided' | 'energyBound'> {
  const untilDecided = a.flag('until-decided');
  const slices = a.whole('slices', untilDecided ? MOST_SLICES : DEFAULT_SLICES);
  return {
    slices,
    limit: a.whole('limit', slices * LEAST_SLICE),
    margin: a.number('margin', DEFAULT_MARGIN, 0, 1),
    ...(untilDecided ? { untilDecided } : {}),
    ...(a.text('until-percent') === null
      ? {}
      : { energyBound: a.number('until-percent', NaN, 100 * BOUND.least, 100 * BOUND.most) / 100 }),
  };
}

/** Comma-separated list, or null where the option is absent. */
function listOf(a: Parsed, name: string): string[] | null {
  const text = a.text(name);
  if (text === null) return null;
  const list = text
    .split(',')
    .map((s) => s.trim())
    .filter(Boolean);
  if (list.length === 0) throw new JoulewiseError('option.invalid', `Option --${name} needs at least one entry.`);
  return list;
}

/** Tickets generated for the demo, and its seed: the built-in checkpoint never saw it. */
export const DEMO = {
  count: 400,
  seed: 1,
  best: 2,
  prunings: ['2:4', 'mag50', 'ffn25'],
} as const;

const demoTickets = (d: Driver, vocabulary: ReturnType<typeof generatedBy> = 'usual') =>
  d.call('generateTickets', { count: DEMO.count, seed: DEMO.seed, vocabulary: vocabulary ?? 'usual' });

const PRECISIONS = ['fp32', 'fp16', 'int8', 'int4'] as const;
const tuned = (variant: string) => `${variant}+lora8`;

/** The default experiment of the page, or with `--full` that of the page on the paper, with fine-tuning. */
export async function demo(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, {
    ...SOURCE_FLAGS,
    full: 'flag',
    fresh: 'flag',
    out: 'text',
    texts: 'flag',
    engine: 'text',
    threads: 'whole',
    limit: 'whole',
    slices: 'whole',
    margin: 'number',
    'until-decided': 'flag',
    'until-percent': 'number',
    'tickets-per-day': 'number',
    swiftshader: 'flag',
  });
  const engine = engineOf(a);
  const out = a.text('out');
  const full = a.flag('full');
  const told = toldOf(a);
  say(
    full
      ? "The paper's experiment: the built-in checkpoint at 32, 16, 8 and 4 bits, as it is and fine-tuned on generated telecom fault tickets; the best two pruned; both tasks. Ten minutes were seen on two cores."
      : 'Joulewise demo: the built-in checkpoint answers generated telecom fault tickets, both tasks, in two stages.',
  );
  await withDriver({ webgpu: webgpuOf(a, engine), sampler: samplerOf(a), onEvent: progressLine() }, async (d) => {
    const dataset = await demoTickets(d);
    const plan: PlanRecord = {
      v: 3,
      dataset: { hash: dataset.hash, name: dataset.name },
      checkpoint: { kind: 'builtin' },
      tasks: ['rca', 'response'],
      stages: [
        { kind: 'variants', variants: full ? [...PRECISIONS, ...PRECISIONS.map(tuned)] : [...PRECISIONS] },
        { kind: 'best', k: DEMO.best, prunings: [...DEMO.prunings] },
        // The paper's winner runs whichever two are best: without it its claim could not be decided.
        ...(full ? [{ kind: 'variants' as const, variants: [tuned(PAPERS_BEST)] }] : []),
      ],
      ...PLAN_DEFAULTS,
      engine,
      threads: threadsOf(a),
      ...sizeOf(a),
      seed: DEMO.seed,
    };
    await report(await execute(d, plan, dataset, full ? 'Paper' : 'Demo', a.flag('fresh')), plan, 'built-in', {
      ...told,
      out: out === null ? null : fromHere(out),
    });
  });
}

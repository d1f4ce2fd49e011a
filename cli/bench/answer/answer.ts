import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pairsFromText } from '../../../src/lib/core/log-bytes';
import { groupBy } from '../../../src/lib/core/group';
import { createRandom } from '../../../src/lib/core/random';
import { mean, median } from '../../../src/lib/core/stats';
import { tQuantile } from '../../../src/lib/core/distributions';
import type { PlanOutcome } from '../../../src/lib/plan/execute';
import { mainReadings } from '../../../src/lib/meter/readings';
import { LOOKS_EVERY, stopsAt } from '../../../src/lib/rank/choose';
import { decide } from '../../../src/lib/rank/decide';
import { fitEnergies } from '../../../src/lib/rank/energies';
import { foldRuns, type Folded } from '../../../src/lib/rank/fold';
import {
  cheapVariants,
  figuresOf,
  judge,
  makeWorld,
  meetsFloor,
  simulatePlan,
  simulateUntilDecided,
  tellsTwinsApart,
  withTwin,
  type Verdict,
  type World,
  type WorldOptions,
} from '../../../src/lib/rank/simulate';
import type { DatasetRecord } from '../../../src/lib/schema/dataset';
import { DEFAULT_MARGIN, DEFAULT_SLICES, LEAST_SLICE, MOST_SLICES } from '../../../src/lib/schema/defaults';
import type { PlanRecord } from '../../../src/lib/schema/plan';
import { ANSWERING, type RunRecord, type TaskName } from '../../../src/lib/schema/run';
import type { Driver } from '../../shared/browser';
import { existing, ticketFile } from '../../shared/context';
import { say } from '../../shared/print';
import { demand, plain, type BenchRow } from '../../shared/rows';

/** How far answers can be trusted: simulated plans whose truth is known, then real runs beside a load. */

/** What is demanded; 6.4 % is what 1,000 plans may show of a probability of 5 %. */
const DEMANDED = {
  least: 0.93,
  most: 0.97,
  wrong: 0.064,
  told: 0.8,
  sameAnswer: 0.9,
  inside: 0.93,
  spent: 1 / 3,
  width: 0.5,
  /** 3 of 20. */
  apart: 0.15,
} as const;

export interface AnswerOptions {
  /** Simulated plans, and real runs. */
  plans: number;
  runs: number;
  threads: number;
  /** A file of tickets of others; null leaves its row out. */
  data: string | null;
}

const POPULATION = 1500;

/** Plans one after the other, with a word of progress for each tenth of them. */
function eachPlan<T>(n: number, what: string, of: (plan: number) => T): T[] {
  const start = Date.now();
  return Array.from({ length: n }, (_, p) => {
    if (p > 0 && p % Math.ceil(n / 10) === 0)
      say(`${what}: ${p} of ${n} plans after ${((Date.now() - start) / 1000).toFixed(0)} s`);
    return of(p);
  });
}

const within = (name: string, value: number): BenchRow[] => [
  demand(`${name}, at least`, value, '', 'least', DEMANDED.least),
  demand(`${name}, at most`, value, '', 'most', DEMANDED.most),
];

const shareOf = (items: readonly boolean[]) => items.filter(Boolean).length / items.length;

const one = (of: readonly World[], p: number) => of[p % of.length] as World;

/** Worlds of little and of much timing noise in turn. */
const worldsOf = (n: number, more: (k: number) => Partial<WorldOptions> = () => ({})): World[] =>
  Array.from({ length: n }, (_, k) =>
    makeWorld({ seed: k + 1, population: POPULATION, noise: k % 2 ? 0.08 : 0.03, ...more(k) }),
  );

/** Intervals and words of plans of the default nine slices; every tenth world has two tasks. */
function wordRows(n: number, from: number): BenchRow[] {
  const worlds = worldsOf(10, (k) => (k === 9 ? { tasks: ['rca', 'response'] } : {}));
  // 200 tickets where differences are to be told; the default 72 in other plans.
  const plans = eachPlan(n, 'Intervals and words', (p): [boolean, Verdict, boolean] => {
    const at = p + from;
    const world = one(worlds, at);
    const many = Math.floor(at / 10) % 2 === 0 && world.tasks.length === 1;
    const tickets = many ? 22 : LEAST_SLICE;
    const verdict = judge(world, foldRuns(simulatePlan(world, { seed: at, slices: DEFAULT_SLICES, tickets })));
    return [many, verdict, verdict.answer !== null && !meetsFloor(world, verdict.answer)];
  });
  const figures = figuresOf(plans.map(([, verdict]) => verdict));
  const many = figuresOf(plans.flatMap(([is, verdict]) => (is ? [verdict] : [])));
  const missed = shareOf(plans.map(([, , is]) => is));
  return [
    ...within(`${n} simulated plans: intervals of joules that hold the truth`, figures.energy),
    ...within('intervals of quality that hold it, 10 tickets differ or more', figures.quality),
    demand('the same where fewer differ (wider by design)', figures.rare, '', 'least', DEMANDED.least),
    ...within('plans in which all simultaneous intervals hold', figures.all),
    demand('plans with a word that contradicts the truth', figures.falseWords, '', 'most', DEMANDED.wrong),
    demand('differences of 20 % of joules that are told, 200 tickets', many.toldEnergy, '', 'least', DEMANDED.told),
    demand('differences of 0.10 of quality that are told, 200 tickets', many.toldQuality, '', 'least', DEMANDED.told),
    demand('answers that truly miss the floor', missed, '', 'most', DEMANDED.wrong),
  ];
}

/** Plans of up to 30 slices that stop once they are decided; of eight variants, since each is folded up to seven times. */
function stoppingRows(n: number, from: number): BenchRow[] {
  const worlds = worldsOf(8, (k) => ({ variants: cheapVariants(createRandom(k + 1)) }));
  const plans = eachPlan(n, 'Plans that stop early', (p) => {
    const world = one(worlds, p + from);
    const plan = simulateUntilDecided(world, { seed: p + from, slices: MOST_SLICES, tickets: LEAST_SLICE });
    const { falseWords, answer } = judge(world, plan.folded);
    const grid = simulatePlan(world, { seed: p + from, slices: MOST_SLICES, tickets: LEAST_SLICE });
    for (const text of [...plan.falseStops, ...falseWords]) say(`plan ${p + from}: ${text}`);
    return {
      falseStop: plan.falseStops.length > 0,
      wrong: plan.falseStops.length + falseWords.length > 0,
      missed: answer !== null && !meetsFloor(world, answer),
      noise: world.noise,
      spent: joulesOf(plan.runs) / joulesOf(grid),
    };
  });
  const spent = [...groupBy(plans, ({ noise }) => noise)].map(([noise, of]) =>
    plain(
      `joules until decided over the whole grid, timing noise of ${100 * noise} % a slice (median)`,
      median(of.map((plan) => plan.spent)),
      '',
    ),
  );
  const [falseStops, wrong, missed] = (['falseStop', 'wrong', 'missed'] as const).map((name) =>
    shareOf(plans.map((plan) => plan[name])),
  ) as [number, number, number];
  return [
    demand(`${n} plans that stop early: with a false stop or word`, wrong, '', 'most', DEMANDED.wrong),
    plain('with a false stop', falseStops, ''),
    demand('answers of these that truly miss the floor', missed, '', 'most', DEMANDED.wrong),
    ...spent,
  ];
}

/** One variant under two names, and slices that are slowed down one by one, which nothing common explains. */
function noiseRows(n: number, from: number): BenchRow[] {
  const twins = worldsOf(10, (k) => ({ variants: withTwin(createRandom(k)) }));
  const plan = (p: number) => ({ seed: p + from, slices: DEFAULT_SLICES, tickets: LEAST_SLICE });
  const apart = eachPlan(n, 'One variant under two names', (p) => tellsTwinsApart(one(twins, p + from), plan(p)));
  const struck = worldsOf(4, (k) => ({ outliers: 'slices', variants: cheapVariants(createRandom(k + 1)) }));
  const slowed = figuresOf(
    eachPlan(Math.ceil(n / 5), 'Slices slowed by themselves', (p) => {
      const world = one(struck, p + from);
      return judge(world, foldRuns(simulatePlan(world, plan(p))));
    }),
  );
  return [
    demand(`${n} plans: one variant under two names, told apart`, shareOf(apart), '', 'most', DEMANDED.wrong),
    plain('a tenth of all slices slowed, each by itself: intervals of joules that hold the truth', slowed.energy, ''),
    demand('the same: plans with a false word', slowed.falseWords, '', 'most', DEMANDED.wrong),
  ];
}

/** Each part's rows, said as soon as they are known: together they take most of an hour. */
export const SIMULATED: Readonly<Record<string, (n: number, from: number) => BenchRow[]>> = {
  words: wordRows,
  noise: noiseRows,
  stopping: stoppingRows,
};

const simulatedRows = (n: number): BenchRow[] =>
  Object.values(SIMULATED).flatMap((rows) => {
    const known = rows(n, 0);
    for (const { name, value } of known) say(`${value.toFixed(3)}  ${name}`);
    return known;
  });

/**
 * One busy process that is let run and stopped in turn, for seeded exponential times of 10 s on average: what a person's
 * machine does beside a measurement. Returns what ends it.
 */
function seededLoad(seed: number): () => void {
  const random = createRandom(seed).fork('load');
  const busy = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  let on = true;
  let timer: NodeJS.Timeout;
  const turn = () => {
    timer = setTimeout(
      () => {
        on = !on;
        busy.kill(on ? 'SIGCONT' : 'SIGSTOP');
        turn();
      },
      -10_000 * Math.log(1 - random.next()),
    );
  };
  turn();
  return () => {
    clearTimeout(timer);
    busy.kill('SIGKILL');
  };
}

interface Measured extends PlanOutcome {
  folded: Folded;
}

/** Orders of blocks that no plan of a person has, so that a bench takes the place of nobody's results. */
const SEED = 770_000;

async function measure(
  d: Driver,
  o: { dataset: DatasetRecord; tasks: TaskName[]; slices: number; threads: number; seed: number },
): Promise<Measured> {
  const plan: PlanRecord = {
    v: 3,
    dataset: { hash: o.dataset.hash, name: o.dataset.name },
    checkpoint: { kind: 'builtin' },
    tasks: o.tasks,
    stages: [
      { kind: 'variants', variants: ['fp32', 'fp16', 'int8', 'int4'] },
      { kind: 'best', k: 2, prunings: ['2:4', 'mag50', 'ffn25'] },
    ],
    baseline: true,
    maxNewTokens: 64,
    w: 0.5,
    profile: null,
    engine: 'cpu',
    threads: o.threads,
    slices: o.slices,
    limit: o.slices * LEAST_SLICE,
    margin: DEFAULT_MARGIN,
    seed: SEED + o.seed,
  };
  return d.call('runPlan', { plan, dataset: o.dataset, name: 'Bench', fresh: true, calibrationTexts: null });
}

const answerOf = ({ results, evidence }: Folded) => decide(results, evidence).answer?.result.variant ?? 'none';

const joulesOf = (runs: readonly RunRecord[]) =>
  runs.reduce(
    (all, run) =>
      run.engine === 'classical'
        ? all
        : all + mainReadings(run.phases).reduce((n, p) => n + (ANSWERING.has(p.phase) ? (p.joules?.mid ?? 0) : 0), 0),
    0,
  );

/** Runs of a whole grid that a plan would have made that stops once it is decided. */
export function untilDecided(all: readonly RunRecord[], most: number): RunRecord[] {
  const stopped = new Map<string, number>();
  const upTo = (after: number) =>
    all.filter(({ variant, slice }) => slice < Math.min(after, stopped.get(variant) ?? Infinity));
  // From the first look at which the second stage, which joins at 6, has all slices.
  for (let after = 2 * LOOKS_EVERY; after < most; after += LOOKS_EVERY) {
    const { stops, decided } = stopsAt(foldRuns(upTo(after), { untilDecided: true }), after, most);
    for (const { variant } of stops) if (!stopped.has(variant)) stopped.set(variant, after);
    if (decided) return upTo(after);
  }
  return upTo(most);
}

/** Median over pairs of models: the interval of their difference over that of two independent qualities. */
export function widthOfDifference({ results, evidence }: Folded): number {
  const sd = pairsFromText(results.length, evidence.qualitySd);
  const half = results.map(({ engine, quality }) =>
    engine === 'classical' || !quality || quality.low === null || quality.high === null
      ? null
      : (quality.high - quality.low) / 2,
  );
  return median(
    half.flatMap((a, i) =>
      half.slice(i + 1).flatMap((b, k) => {
        const own = sd(i, i + 1 + k);
        return a === null || b === null || own === null || Math.hypot(a, b) === 0
          ? []
          : [(1.96 * own) / Math.hypot(a, b)];
      }),
    ),
  );
}

/**
 * Whether energies of variants that do the same work are told apart when it is not pooled: one entry a pair. By the task
 * in which all read and score the same tokens, so that what they differ in is their names and their moments.
 */
export function equalWorkApart(runs: readonly RunRecord[]): boolean[] {
  const own = runs.filter(
    ({ task, engine, pass, part }) => task === 'rca' && engine !== 'classical' && pass !== null && part === 'test',
  );
  const groups = [...groupBy(own, ({ variant }) => variant).values()];
  const fit = fitEnergies(groups, ['rca'], { isModel: () => true, pool: false });
  const passOf = (i: number) => groups[i]?.[0]?.pass;
  return groups.flatMap((_, i) =>
    groups.slice(i + 1).flatMap((__, k) => {
      const j = i + 1 + k;
      const sd = fit.sd(i, j);
      if (passOf(i) !== passOf(j) || sd === null) return [];
      return [Math.abs((fit.log[i] ?? NaN) - (fit.log[j] ?? NaN)) > tQuantile(0.975, Math.max(1, fit.df)) * sd];
    }),
  );
}

/**
 * Which ratios to the answer of a short run hold the ratio that a long one found: their own intervals, and these widened
 * by what the long run itself does not know. Of a right interval of 95 % the first holds 91 % where the long run has 30
 * slices and the short one 9, since both are estimates; the second holds 95 %.
 */
export function insideOf(short: Folded, long: Folded): { own: boolean; both: boolean }[] {
  const { rows, against } = decide(short.results, short.evidence);
  const at = (variant: string | undefined) => long.results.findIndex((result) => result.variant === variant);
  const to = at(against?.result.variant);
  const sd = pairsFromText(long.results.length, long.evidence.energySd);
  return rows.flatMap(({ result, energy }) => {
    const i = at(result.variant);
    const [own, base] = [long.results[i]?.energy?.mid, long.results[to]?.energy?.mid];
    if (!energy || own === undefined || base === undefined || i === to) return [];
    const [low, high, ratio] = [energy.low, energy.high, own / base].map(Math.log) as [number, number, number];
    const half = Math.hypot((high - low) / 2, 1.96 * (sd(Math.min(i, to), Math.max(i, to)) ?? 0));
    return [{ own: low <= ratio && ratio <= high, both: Math.abs(ratio - (low + high) / 2) <= half }];
  });
}

export async function realRows(d: Driver, o: AnswerOptions): Promise<BenchRow[]> {
  const dataset = await d.call('generateTickets', { count: 400, seed: 1 });
  const tasks: TaskName[] = ['rca', 'response'];
  const timed = async (what: string, work: () => Promise<Measured>) => {
    const start = Date.now();
    say(`${what} ...`);
    const done = await work();
    const { disturbed } = done.folded.evidence;
    say(
      `${what}: ${((Date.now() - start) / 1000).toFixed(0)} s, answer ${answerOf(done.folded)}, ${disturbed.slices} of ${disturbed.of} slices stayed disturbed`,
    );
    return done;
  };
  const long = await timed(`${MOST_SLICES} slices without load`, () =>
    measure(d, { dataset, tasks, slices: MOST_SLICES, threads: o.threads, seed: 0 }),
  );
  const loaded: Measured[] = [];
  for (let run = 1; run <= o.runs; run++) {
    const end = seededLoad(run);
    try {
      loaded.push(
        await timed(`Run ${run} of ${o.runs} beside a load`, () =>
          measure(d, { dataset, tasks, slices: DEFAULT_SLICES, threads: o.threads, seed: run }),
        ),
      );
    } finally {
      end();
    }
  }
  const answers = [
    ...groupBy(
      loaded.map(({ folded }) => answerOf(folded)),
      (answer) => answer,
    ),
  ].map(([answer, { length }]) => ({ answer, times: length }));
  say(`Answers: ${answers.map(({ answer, times }) => `${answer} ${times} times`).join(', ')}.`);
  const stopped = untilDecided(long.runs, MOST_SLICES);
  const early = foldRuns(stopped, { untilDecided: true });
  const inside = loaded.flatMap(({ folded }) => insideOf(folded, long.folded));
  const equal = [long, ...loaded].flatMap(({ runs }) => equalWorkApart(runs));
  say(`Whole grid: ${answerOf(long.folded)}; stopped early: ${answerOf(early)}. Equal work: ${equal.length} pairs.`);
  const rows = [
    demand(
      `${o.runs} runs beside a load: share with the same answer`,
      Math.max(...answers.map(({ times }) => times)) / o.runs,
      '',
      'least',
      DEMANDED.sameAnswer,
    ),
    demand(
      'of these with the answer of 30 slices without load',
      shareOf(loaded.map(({ folded }) => answerOf(folded) === answerOf(long.folded))),
      '',
      'least',
      null,
    ),
    demand(
      `ratios of joules of 30 slices inside their intervals, of ${inside.length}`,
      shareOf(inside.map(({ own }) => own)),
      '',
      'least',
      DEMANDED.inside,
    ),
    demand(
      'the same, with what 30 slices themselves do not know',
      shareOf(inside.map(({ both }) => both)),
      '',
      'least',
      DEMANDED.inside,
    ),
    demand('joules until decided over 30 slices', joulesOf(stopped) / joulesOf(long.runs), '', 'most', DEMANDED.spent),
    demand('stopped early, the same answer', Number(answerOf(early) === answerOf(long.folded)), '', 'least', 1),
    demand(
      'width of a quality difference over independent ones',
      mean(loaded.map(({ folded }) => widthOfDifference(folded))),
      '',
      'most',
      DEMANDED.width,
    ),
    demand(
      `equal work under two names told apart, of ${equal.length} pairs`,
      shareOf(equal),
      '',
      'most',
      DEMANDED.apart,
    ),
  ];
  if (o.data === null || !existsSync(o.data)) {
    say('No tickets of others: the row of a public set is left out (--tickets FILE).');
    return rows;
  }
  const { dataset: others } = await d.call('importTickets', {
    file: ticketFile(d, existing(o.data, 'File')),
    mapping: null,
    redact: true,
    seed: 1,
  });
  const theirs = await timed(`${others.name}, ${DEFAULT_SLICES} slices`, () =>
    measure(d, { dataset: others, tasks: ['rca'], slices: DEFAULT_SLICES, threads: o.threads, seed: 0 }),
  );
  rows.push(demand(`the same width for ${others.name}`, widthOfDifference(theirs.folded), '', 'most', DEMANDED.width));
  return rows;
}

export async function answerRows(d: Driver, o: AnswerOptions): Promise<BenchRow[]> {
  return [...simulatedRows(o.plans), ...(await realRows(d, o))];
}

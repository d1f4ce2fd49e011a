import { normalQuantile, tQuantile } from '../core/distributions';
import { groupBy } from '../core/group';
import { createRandom, type Random } from '../core/random';
import { mean } from '../core/stats';
import { DEFAULT_MARGIN, SAME_JOULES } from '../schema/defaults';
import type { RunRecord, TaskName, TicketOutcome } from '../schema/run';
import { identity } from '../score/statistic';
import { qualityStatistic } from '../score/metrics';
import { FEW_DIFFERING } from '../score/paired';
import { stopsAt } from './choose';
import { Compared, decide, type Contrast } from './decide';
import { exampleReading, exampleRun } from './example';
import { fitEnergies } from './energies';
import { foldRuns, type Folded } from './fold';
import { referenceOf } from './simple';

/**
 * Simulated plans whose truth is known, for tests and the bench: how often intervals hold the truth and words contradict
 * it. A world is a finite population of tickets with the answers of every variant; plans draw tickets from it with
 * replacement, so that what is true of the population is exactly what they estimate. Not part of the app.
 */

/** A variant and what is made true of it. */
export interface SimulatedVariant {
  variant: string;
  /** 0 from the first slice on; 1 joins later and makes up what it missed. */
  stage: number;
  /** Variants of one pass do the same work a token. */
  pass: string;
  /** Joules a token over those of the reference, read and written. */
  reading: number;
  writing: number;
  /** Probability of naming the true cause, and share of a reference's words that a written answer keeps. */
  accuracy: number;
  kept: number;
  /** Share of its answering that is its own luck, not the ticket's difficulty, in [0, 1]; 0 answers as its accuracy says. */
  own: number;
  /** Words that it writes over those that the reference does, and the SD of their logarithm from ticket to ticket. */
  words: number;
  wordsSd: number;
}

export interface WorldOptions {
  seed: number;
  tasks?: readonly TaskName[];
  /** Tickets that plans draw from. */
  population?: number;
  /** SD of the logarithm of the joules of one unit (variant, task, slice) by timing. */
  noise?: number;
  /**
   * What slows down tenths of the measurement by 1.2 to 2.5: `blocks` one block in ten, all its variants or one of them;
   * `slices` one slice of a variant in ten by itself, which nothing common can explain.
   */
  outliers?: 'none' | 'blocks' | 'slices';
  variants?: readonly SimulatedVariant[];
}

/** What holds in the population. */
export interface Truth {
  /** Logarithm of the expected joules of all tasks of a ticket. */
  log: number;
  /** Mean over tasks, and of each task, in [0, 1]. */
  quality: number;
  byTask: Partial<Record<TaskName, number>>;
  /** Share of tickets that it answers otherwise than the reference, in the task where that is rarest. */
  differing: number;
}

export interface World {
  variants: readonly SimulatedVariant[];
  tasks: readonly TaskName[];
  truth: ReadonlyMap<string, Truth>;
  /** Quality of always giving the most frequent answer and of guessing, by task; of tasks that have such. */
  least: Partial<Record<TaskName, number>>;
  causes: readonly string[];
  /** [variant][ticket] by task. */
  outcomes: ReadonlyMap<TaskName, readonly (readonly TicketOutcome[])[]>;
  noise: number;
  outliers: NonNullable<WorldOptions['outliers']>;
}

const CAUSES = ['link down', 'power', 'antenna', 'software', 'interference', 'transport'];
const CAUSE_WEIGHTS = [0.28, 0.2, 0.16, 0.14, 0.12, 0.1];
/** Words of a reference, and of the vocabulary. */
const WORDS = 14;
const VOCABULARY = 300;

/** Precisions of the first stage and their prunings of the second, as the built-in experiment has them, and more of each. */
const PASSES: readonly (readonly [variant: string, stage: number, pass: string, joules: number])[] = [
  ['fp32', 0, 'f32', 1],
  ['fp16', 0, 'f16', 0.8],
  ['int8', 0, 'int8', 0.45],
  ['int4', 0, 'int4', 0.3],
  ['int4.gptq', 0, 'int4', 0.3],
  ['int8+2:4', 1, 'int8 2:4', 0.4],
  ['int8+mag50', 1, 'int8', 0.45],
  ['int8+ffn25', 1, 'int8 ffn', 0.38],
  ['int4+2:4', 1, 'int4', 0.3],
  ['int4+mag50', 1, 'int4', 0.3],
  ['int4+ffn25', 1, 'int4 ffn', 0.26],
  ['int4+ffn50', 1, 'int4 ffn50', 0.22],
];

/** Twelve variants: prunings lose up to 0.2 of quality, near and far from the margin; some take nearly the same joules. */
export function someVariants(random: Random): SimulatedVariant[] {
  const passes = new Map<string, readonly [number, number]>();
  const accuracy = 0.55 + 0.3 * random.next();
  const kept = 0.5 + 0.3 * random.next();
  return PASSES.map(([variant, stage, pass, joules]): SimulatedVariant => {
    // About 8 % either way: some passes of two structures end up within 10 % of each other, some beyond.
    const own = passes.get(pass) ?? [
      joules * Math.exp(0.08 * random.normal()),
      joules * Math.exp(0.08 * random.normal()),
    ];
    passes.set(pass, own);
    // fp16 answers as fp32 does.
    const exact = variant === 'fp32' || variant === 'fp16';
    const loss = exact
      ? 0
      : stage === 0
        ? 0.04 * random.next() - 0.01
        : random.pick([0.02, 0.05, 0.1, 0.2]) * 1.2 * random.next();
    return {
      variant,
      stage,
      pass,
      reading: own[0],
      writing: 4 * own[1],
      accuracy: accuracy - loss,
      kept: kept - loss,
      own: exact ? 0 : stage === 0 ? 0.05 + 0.1 * random.next() : 0.1 + 0.3 * random.next(),
      words: exact ? 1 : Math.exp(0.05 * random.normal()),
      wordsSd: exact ? 0 : 0.1,
    };
  });
}

/** Of the twelve those that show most: two thirds of the variants are 28 pairs instead of 66. */
const CHEAP = ['fp32', 'int8', 'int4', 'int4.gptq', 'int8+ffn25', 'int4+2:4', 'int4+mag50', 'int4+ffn25'];

/** Eight of `someVariants`, where many plans have to be cheap. */
export const cheapVariants = (random: Random): SimulatedVariant[] =>
  someVariants(random).filter(({ variant }) => CHEAP.includes(variant));

function vocabularyOf(random: Random): string[] {
  const syllable = () => random.pick([...'bdfgklmnprstv']) + random.pick([...'aeiou']);
  return Array.from({ length: VOCABULARY }, () => Array.from({ length: 2 + random.int(3) }, syllable).join(''));
}

function pickWeighted(random: Random, weights: readonly number[]): number {
  let left = random.next();
  for (const [i, w] of weights.entries()) if ((left -= w) < 0) return i;
  return weights.length - 1;
}

/** Draws the population and computes what is true of it. */
export function makeWorld(o: WorldOptions): World {
  const random = createRandom(o.seed).fork('world');
  const tasks = o.tasks ?? ['rca'];
  const variants = o.variants ?? someVariants(random.fork('variants'));
  const size = o.population ?? 2000;
  const vocabulary = vocabularyOf(random.fork('words'));
  const outcomes = new Map<TaskName, TicketOutcome[][]>(tasks.map((task) => [task, variants.map(() => [])]));
  for (let t = 0; t < size; t++) {
    const difficulty = random.normal();
    const base = {
      id: `${t}`,
      prefillMs: 1,
      decodeMs: 1,
      promptTokens: Math.max(8, Math.round(60 * Math.exp(0.4 * random.normal()))),
      scores: null,
      referenceLogProb: null,
      referenceTokens: null,
    };
    const cause = pickWeighted(random, CAUSE_WEIGHTS);
    const confused = (cause + 1 + random.int(CAUSES.length - 1)) % CAUSES.length;
    const words = Array.from({ length: WORDS }, () => random.pick(vocabulary));
    const wrong = words.map(() => random.pick(vocabulary));
    const luck = words.map(() => random.next());
    const written = 20 * Math.exp(0.3 * random.normal());
    variants.forEach((v, i) => {
      for (const task of tasks) {
        if (task === 'rca') {
          const standing = Math.sqrt(1 - v.own ** 2) * difficulty + v.own * random.normal();
          const right = standing < normalQuantile(v.accuracy);
          const output = CAUSES[right ? cause : confused] as string;
          outcomes.get(task)?.[i]?.push({ ...base, newTokens: 1, output, reference: CAUSES[cause] as string });
        } else {
          const share = Math.min(1, Math.max(0, v.kept - 0.15 * difficulty));
          const output = words.map((word, k) =>
            (random.chance(v.own) ? random.next() : (luck[k] as number)) < share ? word : (wrong[k] as string),
          );
          const newTokens = Math.max(1, Math.round(written * v.words * Math.exp(v.wordsSd * random.normal())));
          outcomes.get(task)?.[i]?.push({ ...base, newTokens, output: output.join(' '), reference: words.join(' ') });
        }
      }
    });
  }
  const qualityOf = (task: TaskName, of: readonly TicketOutcome[]) =>
    qualityStatistic(task, of, CAUSES)?.value(identity(of.length)) ?? NaN;
  const at = variants.findIndex(({ variant }) => variant === referenceOf(variants.map((v) => v.variant)));
  const truth = variants.map((v, i): [string, Truth] => {
    const differing = tasks.map((task) =>
      mean((outcomes.get(task)?.[i] ?? []).map((t, k) => Number(t.output !== outcomes.get(task)?.[at]?.[k]?.output))),
    );
    const byTask = Object.fromEntries(tasks.map((task) => [task, qualityOf(task, outcomes.get(task)?.[i] ?? [])]));
    const joules = tasks.map((task) => mean((outcomes.get(task)?.[i] ?? []).map((t) => joulesOf(v, t))));
    return [
      v.variant,
      {
        log: Math.log(joules.reduce((a, x) => a + x, 0)),
        quality: mean(Object.values(byTask)),
        byTask,
        differing: Math.min(...differing),
      },
    ];
  });
  const rca = outcomes.get('rca')?.[0];
  const always =
    rca &&
    qualityOf(
      'rca',
      rca.map((t) => ({ ...t, output: CAUSES[0] as string })),
    );
  return {
    variants,
    tasks,
    truth: new Map(truth),
    least: always === undefined ? {} : { rca: Math.max(always, 1 / CAUSES.length) },
    causes: CAUSES,
    outcomes,
    noise: o.noise ?? 0.05,
    outliers: o.outliers ?? 'blocks',
  };
}

/** Joules of one ticket without noise: a thousandth of a token's relative cost. */
const joulesOf = (v: SimulatedVariant, t: TicketOutcome) =>
  1e-3 * (v.reading * t.promptTokens + v.writing * t.newTokens);

/** Operations of a token, which pooling within a pass weighs by. */
const OPERATIONS = 1e6;

export interface SimulationOptions {
  seed: number;
  slices: number;
  /** Tickets of a slice. */
  tickets: number;
  /** Slice at which the second stage joins. */
  join?: number;
  /** Asked where a plan would look whether it is decided, after so many slices; null where it does not. */
  look?:
    ((runs: readonly RunRecord[], after: number) => { stops: readonly { variant: string }[]; decided: boolean }) | null;
  looksEvery?: number;
  /** False leaves passes unnamed, as on engines that cannot tell. */
  passes?: boolean;
}

/**
 * Runs of one plan, as `plan/execute.ts` orders them: blocks of a slice by all variants that are ready; who joins late
 * makes up in blocks of its own, beside half a slice of the reference. Joules of a unit are those of its tokens, times
 * what is common to the block (SD 0.3 in logarithms), times the noise of the unit, times what slows it down.
 */
export function simulatePlan(world: World, o: SimulationOptions): RunRecord[] {
  const random = createRandom(o.seed).fork('plan');
  const size = world.outcomes.get(world.tasks[0] as TaskName)?.[0]?.length ?? 0;
  const join = Math.min(o.join ?? 6, o.slices);
  const reference = referenceOf(world.variants.map(({ variant }) => variant));
  const runs: RunRecord[] = [];
  const done = new Set<string>();
  const stopped = new Set<string>();
  const picks = Array.from({ length: o.slices }, () => Array.from({ length: o.tickets }, () => random.int(size)));
  let block = 0;

  const measure = (at: number, slice: number, anchor: boolean, factor: number) => {
    const v = world.variants[at] as SimulatedVariant;
    const picked = (picks[slice] as number[]).slice(0, anchor ? Math.ceil(o.tickets / 2) : o.tickets);
    for (const task of world.tasks) {
      const all = world.outcomes.get(task)?.[at] as readonly TicketOutcome[];
      const tickets = picked.map((p, k) => ({ ...(all[p] as TicketOutcome), id: `${slice}/${k}` }));
      const pace = factor * Math.exp(world.noise * random.normal());
      const phase = (name: 'prefill' | 'decode', tokens: number, joules: number) => ({
        ...exampleReading(name, 1e-3 * pace * joules * tokens),
        flops: OPERATIONS * tokens,
        tokens,
      });
      const sum = (of: (t: TicketOutcome) => number) => tickets.reduce((total, t) => total + of(t), 0);
      runs.push(
        exampleRun({
          id: `${v.variant} ${task} ${slice} ${anchor}${block}`,
          variant: v.variant,
          stage: v.stage,
          task,
          slice,
          block,
          anchor,
          pass: o.passes === false ? null : v.pass,
          phases: [
            phase(
              'prefill',
              sum((t) => t.promptTokens),
              v.reading,
            ),
            phase(
              'decode',
              sum((t) => t.newTokens),
              v.writing,
            ),
          ],
          causes: [...world.causes],
          tickets,
        }),
      );
    }
  };
  const blockOf = (slice: number, stages: number) => {
    const members = world.variants.flatMap((v, i) =>
      v.stage <= stages && !stopped.has(v.variant) && !done.has(`${v.variant} ${slice}`) ? [i] : [],
    );
    if (members.length === 0) return;
    const anchor = world.variants.findIndex((v) => v.variant === reference);
    const all = members.includes(anchor) ? members : [...members, anchor];
    const drift = Math.exp(0.3 * random.normal());
    const slow = () => 1.2 + 1.3 * random.next();
    const struck = world.outliers === 'blocks' && random.chance(0.1) ? random.pick([null, random.pick(all)]) : -1;
    const common = struck === null ? slow() : 1;
    for (const at of random.shuffle(all)) {
      const own = struck === at || (world.outliers === 'slices' && random.chance(0.1)) ? slow() : 1;
      measure(at, slice, !members.includes(at), drift * common * own);
    }
    for (const at of members) done.add(`${world.variants[at]?.variant ?? ''} ${slice}`);
    block++;
  };
  const every = o.looksEvery ?? 4;
  for (let slice = 0; slice < o.slices; slice++) {
    if (slice === join) for (let missed = 0; missed < slice; missed++) blockOf(missed, 1);
    blockOf(slice, slice >= join ? 1 : 0);
    if (!o.look || slice < join || (slice + 1) % every !== 0) continue;
    const { stops, decided } = o.look(runs, slice + 1);
    for (const { variant } of stops) stopped.add(variant);
    if (decided) break;
  }
  if (join === o.slices) for (let missed = 0; missed < o.slices; missed++) blockOf(missed, 1);
  return runs;
}

/** Whether a variant truly meets the floor of every task. */
export function meetsFloor(world: World, variant: string, margin = DEFAULT_MARGIN): boolean {
  const reference = world.truth.get(referenceOf(world.variants.map((v) => v.variant)) ?? '');
  const own = world.truth.get(variant);
  return world.tasks.every((task) => {
    const [a, b] = [own?.byTask[task] ?? NaN, reference?.byTask[task] ?? NaN];
    return a >= b - margin - 1e-9 && a > (world.least[task] ?? -Infinity);
  });
}

/** How a folded plan stands to the truth. */
export interface Verdict {
  /** Own 95 % intervals that hold the truth, of those that have a width: of energies of all pairs, and of quality against the reference. */
  energy: { held: number; of: number };
  quality: { held: number; of: number };
  /**
   * The same of qualities that differ from the reference's in fewer than ten tickets on average: those intervals are at
   * least as wide as what such plans cannot rule out, so they hold more often than 95 % of the time.
   */
  rare: { held: number; of: number };
  /** Whether all simultaneous intervals of a family hold at once. */
  allEnergy: boolean;
  allQuality: boolean;
  /** Words that contradict the truth, e.g. "int4: leaner than int8". */
  falseWords: string[];
  /** Of true differences of at least twice the margin (0.10 of quality, 20 % of joules) those that are told. */
  toldEnergy: { told: number; of: number };
  toldQuality: { told: number; of: number };
  answer: string | null;
}

const inside = ({ low, high }: { low: number; high: number }, truth: number) =>
  low - 1e-9 <= truth && truth <= high + 1e-9;

/** Holds intervals and words of a plan against the world that it was drawn from. */
export function judge(world: World, { results, evidence }: Folded): Verdict {
  const compared = new Compared(results, evidence);
  const truthOf = (i: number) => world.truth.get(results[i]?.variant ?? '') as Truth;
  const nameOf = (i: number) => results[i]?.variant ?? '';
  const verdict: Verdict = {
    energy: { held: 0, of: 0 },
    quality: { held: 0, of: 0 },
    rare: { held: 0, of: 0 },
    allEnergy: true,
    allQuality: true,
    falseWords: [],
    toldEnergy: { told: 0, of: 0 },
    toldQuality: { told: 0, of: 0 },
    answer: null,
  };
  const count = (into: { held: number; of: number }, c: Contrast, truth: number) => {
    if (c.high - c.low < 1e-9) return;
    into.of++;
    if (inside(c, truth)) into.held++;
  };
  const margin = Math.log(1 + SAME_JOULES);
  const { models } = compared;
  for (const [k, i] of models.entries())
    for (const j of models.slice(k + 1)) {
      const c = compared.energy(i, j);
      const truth = truthOf(i).log - truthOf(j).log;
      if (!c) continue;
      count(verdict.energy, c, truth);
      verdict.allEnergy &&= inside(c.all, truth);
      const word = compared.word(i, j);
      const wrong = {
        leaner: truth >= -1e-9,
        dearer: truth <= 1e-9,
        same: Math.abs(truth) > margin,
        'cannot tell': false,
      };
      if (wrong[word]) verdict.falseWords.push(`${nameOf(i)} is ${word}, beside ${nameOf(j)}`);
      if (Math.abs(truth) < Math.log(1.2)) continue;
      verdict.toldEnergy.of++;
      if (word !== 'cannot tell') verdict.toldEnergy.told++;
    }
  const decision = decide(results, evidence);
  verdict.answer = decision.answer?.result.variant ?? null;
  const reference = evidence.reference ?? -1;
  for (const { at, quality: c, qualityWord: word } of decision.rows) {
    if (!c || !word) continue;
    const truth = truthOf(at).quality - truthOf(reference).quality;
    const often = truthOf(at).differing * (results[at]?.tickets ?? 0) >= FEW_DIFFERING;
    count(often ? verdict.quality : verdict.rare, c, truth);
    verdict.allQuality &&= inside(c.all, truth);
    const wrong = {
      better: truth <= 1e-9,
      worse: truth >= -1e-9,
      same: Math.abs(truth) > evidence.margin + 1e-9,
      'cannot tell': false,
    };
    if (wrong[word]) verdict.falseWords.push(`${nameOf(at)} is ${word}, beside ${nameOf(reference)}`);
    if (Math.abs(truth) < 2 * DEFAULT_MARGIN) continue;
    verdict.toldQuality.of++;
    if (word !== 'cannot tell') verdict.toldQuality.told++;
  }
  return verdict;
}

/** A simulated plan that stops early, and how it stands to the truth. */
export interface Stopped {
  runs: RunRecord[];
  folded: Folded;
  /** Slices that were run. */
  slices: number;
  /** Variants that were stopped, with those stops that contradict the truth as sentences. */
  stopped: string[];
  falseStops: string[];
}

/**
 * Runs a plan until it is decided, as `untilDecided` does. A stop is false where a variant "misses the floor" that truly
 * meets it, or is "dearer" though the leanest of those that were left is truly no leaner.
 */
export function simulateUntilDecided(world: World, o: Omit<SimulationOptions, 'look'>): Stopped {
  const stopped = new Set<string>();
  const falseStops: string[] = [];
  const logOf = (variant: string) => world.truth.get(variant)?.log ?? NaN;
  const runs = simulatePlan(world, {
    ...o,
    look(done, after) {
      const folded = foldRuns(done, { untilDecided: true });
      const { stops, decided } = stopsAt(folded, after, o.slices);
      const missing = new Set(stops.flatMap(({ variant, why }) => (why === 'misses the floor' ? [variant] : [])));
      const left = folded.results.filter(({ variant, energy }) => energy && !missing.has(variant));
      const leanest = left.toSorted((a, b) => (a.energy?.mid ?? 0) - (b.energy?.mid ?? 0))[0]?.variant ?? '';
      for (const { variant, why } of stops) {
        if (stopped.has(variant)) continue;
        stopped.add(variant);
        const wrong =
          why === 'misses the floor'
            ? meetsFloor(world, variant)
            : why === 'dearer'
              ? logOf(variant) <= logOf(leanest) + 1e-9
              : Math.abs(logOf(variant) - logOf(leanest)) > 2 * Math.log(1 + SAME_JOULES);
        if (wrong) falseStops.push(`${variant} ${why} after ${after}, beside ${leanest}`);
      }
      return { stops, decided };
    },
  });
  const slices = 1 + Math.max(...runs.map(({ slice }) => slice));
  return { runs, folded: foldRuns(runs, { untilDecided: true }), slices, stopped: [...stopped], falseStops };
}

/** Shares over plans, in [0, 1]; NaN where there was nothing to count. */
export interface Figures {
  plans: number;
  /** Own intervals that hold the truth: of energies, of quality, and of quality where few tickets differ. */
  energy: number;
  quality: number;
  rare: number;
  /** Plans in which all simultaneous intervals hold. */
  all: number;
  /** Plans with a word that contradicts the truth. */
  falseWords: number;
  /** True differences of twice the margin that are told. */
  toldEnergy: number;
  toldQuality: number;
}

export function figuresOf(verdicts: readonly Verdict[]): Figures {
  const share = (counts: readonly (readonly [number, number])[]) =>
    counts.reduce((a, [n]) => a + n, 0) / counts.reduce((a, [, of]) => a + of, 0);
  const held = (name: 'energy' | 'quality' | 'rare') => share(verdicts.map((v) => [v[name].held, v[name].of]));
  const told = (name: 'toldEnergy' | 'toldQuality') => share(verdicts.map((v) => [v[name].told, v[name].of]));
  const plans = (is: (v: Verdict) => boolean) => share(verdicts.map((v) => [Number(is(v)), 1]));
  return {
    plans: verdicts.length,
    energy: held('energy'),
    quality: held('quality'),
    rare: held('rare'),
    all: plans((v) => v.allEnergy && v.allQuality),
    falseWords: plans((v) => v.falseWords.length > 0),
    toldEnergy: told('toldEnergy'),
    toldQuality: told('toldQuality'),
  };
}

/** Variants of which two, `int4` and `int4.gptq`, are one and the same under two names. */
export function withTwin(random: Random): SimulatedVariant[] {
  const variants = someVariants(random);
  const twin = variants.find(({ variant }) => variant === 'int4');
  return variants.map((v) => (v.variant === 'int4.gptq' && twin ? { ...twin, variant: v.variant } : v));
}

/** Whether a plan's energies tell the twins of `withTwin` apart by their own 95 % interval, equal work not pooled. */
export function tellsTwinsApart(world: World, o: SimulationOptions): boolean {
  const groups = [...groupBy(simulatePlan(world, o), ({ variant }) => variant)];
  const fit = fitEnergies(
    groups.map(([, runs]) => runs),
    world.tasks,
    { isModel: () => true, pool: false },
  );
  const [i, j] = ['int4', 'int4.gptq'].map((name) => groups.findIndex(([variant]) => variant === name)) as [
    number,
    number,
  ];
  const sd = fit.sd(i, j);
  const difference = (fit.log[i] ?? NaN) - (fit.log[j] ?? NaN);
  return sd !== null && Math.abs(difference) > tQuantile(0.975, Math.max(1, fit.df)) * sd;
}

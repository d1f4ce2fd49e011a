import type { PrecisionName } from '../../tensor/precisions';
import { slicesFor } from '../../forecast/slices';
import { DEFAULT_MARGIN } from '../../schema/defaults';
import type { Stage, Templates } from '../../schema/plan';
import type { TaskName } from '../../schema/run';
import type { Problem } from '../../texts/problems';

/** What the user chose, beside tickets and model: all that the cards hold, as plain data. */
export interface Choices {
  tasks: TaskName[];
  /** The user's own prompts, by task. */
  templates: Templates;
  precisions: PrecisionName[];
  /** Precisions that are fine-tuned on the training tickets too (LoRA). */
  tuned: PrecisionName[];
  /** Recipe parts such as `2:4` or `ffn25`. */
  prunings: string[];
  /** Whole recipes beside the chips. */
  extra: string[];
  /** True: every precision first, then the best `k` with each pruning. False: every precision with each pruning at once. */
  twoStage: boolean;
  k: number;
  baseline: boolean;
  limit: number;
  /** Null: as many as the variants' places in memory make sensible. */
  slices: number | null;
  /** How much lower than the reference's a task's quality may be. */
  margin: number;
  untilDecided: boolean;
  /** Slices are repeated until joules a ticket are known within so many percent; null = no bound. */
  untilPercent: number | null;
  maxNewTokens: number;
  threads: number | null;
  seed: number;
  w: number;
  /** Row of the power profile table; null = the guess. */
  profile: string | null;
}

/** Tickets that come without a file. The built-in checkpoint never saw this seed. */
export const GENERATED = { name: 'Generated telecom tickets', count: 400, seed: 1 } as const;

/** The same plan as `joulewise demo`, so that both find each other's finished runs. */
export const DEFAULT_CHOICES: Readonly<Choices> = {
  tasks: ['rca', 'response'],
  templates: {},
  precisions: ['fp32', 'fp16', 'int8', 'int4'],
  tuned: [],
  prunings: ['2:4', 'mag50', 'ffn25'],
  extra: [],
  twoStage: true,
  k: 2,
  baseline: true,
  limit: 72,
  slices: null,
  margin: DEFAULT_MARGIN,
  untilDecided: false,
  untilPercent: null,
  maxNewTokens: 64,
  threads: null,
  seed: 1,
  w: 0.5,
  profile: null,
};

/** What a precision is fine-tuned with, where only whether is chosen. */
export const TUNED_WITH = 'lora8';

/** Precisions as they are, and those that are fine-tuned. */
const basesOf = (c: Choices) => [...c.precisions, ...c.tuned.map((precision) => `${precision}+${TUNED_WITH}`)];

/** Variants that are named: whole ones, and pruned ones, as which an adapter alone does not count. */
export function namedOf(c: Choices): { whole: string[]; pruned: string[] } {
  const isPruned = (variant: string) => /\+(?!lora)/.test(variant);
  return {
    whole: [...basesOf(c), ...c.extra.filter((variant) => !isPruned(variant))],
    pruned: c.extra.filter(isPruned),
  };
}

/** Where the best are pruned, variants that are pruned already come behind them: the best are chosen among whole ones. */
export function stagesOf(c: Choices): Stage[] {
  const listed = (variants: string[]): Stage => ({ kind: 'variants', variants: [...new Set(variants)] });
  const { whole, pruned } = namedOf(c);
  if (c.twoStage && c.prunings.length > 0 && whole.length > 0) {
    const best: Stage = { kind: 'best', k: c.k, prunings: [...c.prunings] };
    return [listed(whole), best, ...(pruned.length > 0 ? [listed(pruned)] : [])];
  }
  const bases = basesOf(c);
  return [listed([...bases, ...bases.flatMap((p) => c.prunings.map((x) => `${p}+${x}`)), ...c.extra])];
}

/** What keeps these choices from being run, as the name of a sentence; null where nothing does. */
export function problemOf(c: Choices): Problem | null {
  if (c.tasks.length === 0) return ['noTask'];
  if (basesOf(c).length + c.extra.length === 0) return ['noPrecision'];
  for (const task of c.tasks) {
    const own = c.templates[task];
    const lacks = (task === 'rca' ? ['{text}', '{causes}'] : ['{text}']).find(
      (place) => own && !(own.system + own.user).includes(place),
    );
    if (lacks) return ['prompt', lacks];
  }
  const whole = (n: number, from: number, to: number) => Number.isInteger(n) && n >= from && n <= to;
  if (!whole(c.limit, 1, 100_000)) return ['limit'];
  if (c.slices !== null && !whole(c.slices, 1, 100)) return ['slices'];
  if (!(c.margin >= 0 && c.margin <= 1)) return ['margin'];
  if (c.untilPercent !== null && !(c.untilPercent >= 0.1 && c.untilPercent <= 50)) return ['percent'];
  if (!whole(c.maxNewTokens, 1, 2048)) return ['tokens'];
  if (c.threads !== null && !whole(c.threads, 1, 64)) return ['threads'];
  if (!whole(c.k, 1, 50)) return ['best'];
  return null;
}

/** Runs that a plan takes, in how many slices: exact for lists, an upper bound for a `best` stage, whose variants may slice. */
export function countRuns(c: Choices, { reopened = false } = {}) {
  const stages = stagesOf(c);
  const sizes = stages.map((s) => (s.kind === 'variants' ? s.variants.length : s.k * s.prunings.length));
  const variants = sizes.reduce((a, n) => a + n, 0) + (c.baseline ? 1 : 0);
  const slices = slicesFor(c, reopened);
  return { variants, slices, runs: variants * c.tasks.length * slices, atMost: stages.length > 1 };
}

/** What the work of an experiment does not depend on. */
const COSTLESS: readonly (keyof Choices)[] = ['threads', 'seed', 'w', 'profile'];

/** Whether these choices take the same work as the defaults. */
export const isUntouched = (c: Choices): boolean =>
  (Object.keys(DEFAULT_CHOICES) as (keyof Choices)[]).every(
    (key) => COSTLESS.includes(key) || JSON.stringify(c[key]) === JSON.stringify(DEFAULT_CHOICES[key]),
  );

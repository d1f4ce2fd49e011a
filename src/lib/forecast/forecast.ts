import type { ModelConfig } from '../checkpoint/config';
import { modelTensors } from '../checkpoint/block';
import { parseRecipe } from '../compress/recipe';
import { totalBytes, type Work } from '../core/cost';
import { variantShape, type VariantShape } from '../variant/shape';
import type { CountedEngine } from '../schema/engines';
import type { PlanRecord } from '../schema/plan';
import type { TaskName } from '../schema/run';
import {
  behindOperations,
  calibrationOperations,
  highestLevel,
  solveOperations,
  tuningOperations,
} from './calibration-work';
import { fitSideBySide } from './memory';
import { addPlanWork, NO_WORK, type PlanWork } from './price';
import { slicesFor } from './slices';

/** What a plan will take, counted from the model's configuration before a weight is read. */

/** Tokens of a mean ticket. */
export interface TicketLengths {
  /** Of the prompt, by task. */
  prompt: Readonly<Record<TaskName, number>>;
  /** Of all allowed causes together, scored behind the prompt. */
  causes: number;
}

/** Mean tokens of a generated ticket under the built-in tokenizer (`npm run demo`). */
export const GENERATED_LENGTHS: TicketLengths = { prompt: { rca: 131, response: 86, summary: 86 }, causes: 28 };

/** Share of the allowed tokens that a response takes before it ends by itself. */
const WRITTEN_SHARE = 0.3;

/** Tickets that warm a task up, about. */
const WARM_UP_TICKETS = 3;

export interface VariantForecast {
  variant: string;
  shape: VariantShape;
  /** All units of this variant, and solving its layers; calibration serves all variants and is in the sum alone, but for one behind its own layers. */
  work: PlanWork;
}

export interface Forecast {
  /** Those that are named; a later stage's are known only when it begins. */
  variants: VariantForecast[];
  /** With the later stages, each of whose variants counts as a mean one. */
  work: PlanWork;
  units: number;
  /** True where not all variants fit into memory side by side, so that each is opened anew for every slice. */
  reopened: boolean;
}

function workOf(shape: VariantShape, passes: readonly Work[]): PlanWork {
  const operations = passes.reduce((n, c) => n + c.operations, 0);
  return {
    ...NO_WORK,
    bytes: passes.reduce((n, c) => n + totalBytes(c), 0),
    operations: { ...NO_WORK.operations, [shape.arithmetic]: operations },
    passes: passes.length,
  };
}

/** Answering one ticket, and scoring its reference, which is not metered but takes its time. */
function ticketWork(shape: VariantShape, task: TaskName, lengths: TicketLengths, maxNewTokens: number): PlanWork {
  const prompt = lengths.prompt[task];
  if (task === 'rca') return workOf(shape, [shape.cost(prompt + lengths.causes, 0, 1 + lengths.causes)]);
  const written = Math.max(1, Math.round(maxNewTokens * WRITTEN_SHARE));
  const step = shape.cost(1, prompt + Math.round(written / 2), 1);
  const decode = Array.from({ length: written }, () => step);
  return workOf(shape, [shape.cost(prompt, 0, 1), ...decode, shape.cost(prompt + written, 0, written)]);
}

/** Tokens of a mean training example: tasks in equal parts, with their answers. */
function exampleTokens(tasks: readonly TaskName[], { prompt }: TicketLengths, maxNewTokens: number): number {
  const answers = tasks.filter((task) => task !== 'rca').length * WRITTEN_SHARE * maxNewTokens;
  return (tasks.reduce((n, task) => n + prompt[task], 0) + answers) / Math.max(1, tasks.length);
}

export type ForecastPlan = Pick<
  PlanRecord,
  'tasks' | 'stages' | 'limit' | 'untilDecided' | 'maxNewTokens' | 'baseline'
> & {
  /** Null: see `slicesFor`. */
  slices: number | null;
};

export function forecast(
  plan: ForecastPlan,
  config: ModelConfig,
  engine: CountedEngine,
  features: readonly string[],
  lengths: TicketLengths,
  memory: number,
): Forecast {
  const parameters = [...modelTensors(config)].reduce(
    (n, [, shape]) => (shape.length === 2 ? n + (shape[0] as number) * (shape[1] as number) : n),
    0,
  );
  const shapes = new Map<string, VariantShape>();
  const shapeOf = (variant: string): VariantShape => {
    const shape = shapes.get(variant) ?? variantShape(config, variant, engine, features);
    shapes.set(variant, shape);
    return shape;
  };
  const named = plan.stages.flatMap((s) => (s.kind === 'variants' ? s.variants : []));
  const crossed = plan.stages.flatMap((s) =>
    s.kind === 'best' ? Array.from({ length: s.k * s.prunings.length }) : [],
  );
  const weights = named.map((variant) => shapeOf(variant).weightBytes);
  // Which are pruned is known later: they are no larger than the largest.
  const reopened = !fitSideBySide([...weights, ...crossed.map(() => Math.max(0, ...weights))], memory);
  const slices = slicesFor(plan, reopened);
  const openings = reopened ? slices : 1;
  const of = (variant: string): VariantForecast => {
    const shape = shapeOf(variant);
    // While it is open it answers all slices of all tasks; a few tickets warm it up each time.
    let work: PlanWork = { ...NO_WORK, openings, parameters: parameters * openings };
    for (const task of plan.tasks)
      work = addPlanWork(
        work,
        ticketWork(shape, task, lengths, plan.maxNewTokens),
        plan.limit + WARM_UP_TICKETS * openings,
      );
    const recipe = parseRecipe(variant);
    const training = tuningOperations(config, recipe, exampleTokens(plan.tasks, lengths, plan.maxNewTokens));
    const own = behindOperations(config, recipe) + solveOperations(config, recipe) + training;
    return { variant, shape, work: { ...work, calibration: own } };
  };
  const perVariant = plan.tasks.length * slices;
  const variants = named.map(of);
  let work = variants.reduce((sum, v) => addPlanWork(sum, v.work), NO_WORK);
  let units = perVariant * variants.length;
  for (const stage of plan.stages) {
    if (stage.kind !== 'best') continue;
    for (const pruning of stage.prunings) {
      const pruned = named.filter((v) => !v.includes('+') && !v.startsWith('auto@')).map((v) => of(`${v}+${pruning}`));
      for (const { work: one } of pruned) work = addPlanWork(work, one, stage.k / pruned.length);
      if (pruned.length > 0) units += perVariant * stage.k;
    }
  }
  const prunings = plan.stages.flatMap((s) => (s.kind === 'best' ? s.prunings : []));
  const level = highestLevel([...named, ...prunings].map(parseRecipe));
  if (level !== null) work = addPlanWork(work, { ...NO_WORK, calibration: calibrationOperations(config, level) });
  if (plan.baseline) {
    // The classical baseline takes a start, and next to nothing else.
    units += perVariant;
    work = { ...work, openings: work.openings + 1 };
  }
  return { variants, work, units, reopened };
}

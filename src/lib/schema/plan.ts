import * as v from 'valibot';
import { BOUND, DEFAULT_MARGIN, DEFAULT_SLICES, LEAST_SLICE } from './defaults';
import { defineRecord } from './record';
import { engineNow, engineThen, ENGINES } from './engines';
import { TASKS } from './run';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Plans travel in links that anyone can write: every text and list has a cap. */
const name = v.pipe(v.string(), v.maxLength(200));
const names = v.pipe(v.array(name), v.maxLength(200));

/** Where a checkpoint's bytes come from. */
export const CheckpointRefSchema = v.variant('kind', [
  v.object({ kind: v.literal('builtin') }),
  v.object({ kind: v.literal('hub'), repo: name, revision: name }),
  /** Files that the user picked; kept in OPFS under their hash. */
  v.object({ kind: v.literal('stored'), hash: name, name }),
]);
export type CheckpointRef = v.InferOutput<typeof CheckpointRefSchema>;

/**
 * One stage of a plan. `variants` runs a fixed list; `best` takes the k best-ranked recipes of the stage before and
 * crosses them with prunings (the paper's second stage).
 */
export const StageSchema = v.variant('kind', [
  v.object({ kind: v.literal('variants'), variants: v.pipe(names, v.minLength(1)) }),
  v.object({ kind: v.literal('best'), k: v.pipe(v.number(), v.integer(), v.minValue(1)), prunings: names }),
]);
export type Stage = v.InferOutput<typeof StageSchema>;

/** Words that a model reads instead of a task's own; `{text}` and `{causes}` are filled in. */
export const TemplateSchema = v.object({
  title: name,
  system: v.pipe(v.string(), v.maxLength(2000)),
  user: v.pipe(v.string(), v.maxLength(2000)),
});
export type Template = v.InferOutput<typeof TemplateSchema>;

/** By task; a task that is not named keeps its own words. */
export const TemplatesSchema = v.partial(
  v.object({ rca: TemplateSchema, response: TemplateSchema, summary: TemplateSchema }),
);
export type Templates = v.InferOutput<typeof TemplatesSchema>;

/** Dataset x task x checkpoint x variants x budget: what "Run" runs. Its content hash names it. */
export const Plan = defineRecord({
  name: 'plan',
  version: 3,
  // Version 2: slices of new tickets instead of repeats of the same ones, as dear as before. Version 3: ONNX Runtime on
  // WebGPU is `ort-gpu`.
  upgraders: {
    1: ({ repeats, ...old }) => {
      const limit = Number(old['limit']) * Number(repeats);
      return {
        ...old,
        limit,
        slices: Math.max(1, Math.min(DEFAULT_SLICES, Math.floor(limit / LEAST_SLICE))),
        margin: DEFAULT_MARGIN,
      };
    },
    2: (old) => ({ ...old, engine: engineNow(old['engine']) }),
  },
  schema: v.object({
    v: v.literal(3),
    dataset: v.object({ hash: name, name }),
    checkpoint: CheckpointRefSchema,
    tasks: v.pipe(v.array(v.picklist(TASKS)), v.minLength(1), v.maxLength(10)),
    stages: v.pipe(v.array(StageSchema), v.minLength(1), v.maxLength(20)),
    /** Whether TF-IDF + logistic regression runs beside the language models. */
    baseline: v.boolean(),
    engine: v.picklist(ENGINES),
    threads: v.nullable(count),
    /** Tickets asked per task; where the test set has fewer, they are asked again, for energy alone. */
    limit: count,
    /** Blocks that these are asked in: what energies are compared within. With `untilDecided` the most there may be. */
    slices: v.pipe(v.number(), v.integer(), v.minValue(1)),
    /** How much lower a task's quality may be than the reference's and still do the job, in [0, 1]. */
    margin: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
    /** Whether variants stop once the answer cannot depend on them; absent = all slices are run. */
    untilDecided: v.optional(v.boolean()),
    /**
     * Half-width of the 95 % interval of a variant's joules a ticket, net and gross, over its middle, until which slices are repeated
     * (`rank/bound.ts`), to `MOST_BOUND_SLICES` at most; absent = none is asked for.
     */
    energyBound: v.optional(v.pipe(v.number(), v.minValue(BOUND.least), v.maxValue(BOUND.most))),
    maxNewTokens: count,
    seed: v.number(),
    /** Text that recipes calibrate on; absent = the training tickets. Part of what names the plan. */
    calibration: v.optional(v.object({ hash: name, name })),
    /** The user's own prompts; absent = those of the table of tasks. Part of what names the plan. */
    templates: v.optional(TemplatesSchema),
    /** Weight of energy efficiency in R = w*phi + (1-w)*rho. */
    w: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
    /** Row of the power profile table that the user confirmed; null = guess from the probe. */
    profile: v.nullable(name),
  }),
});
export type PlanRecord = v.InferOutput<typeof Plan.schema>;

/** What a plan's name is the hash of: the plan as version 2 wrote it, so that plans stored then go on under their name. */
export const namedContent = (plan: PlanRecord) => ({ ...plan, v: 2, engine: engineThen(plan.engine) });

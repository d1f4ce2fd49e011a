import * as v from 'valibot';
import { CheckpointRefSchema, Plan } from './plan';
import { BOUNDARIES, EstimateSchema, RangeSchema, TASKS, TIERS } from './run';
import { defineRecord } from './record';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Results travel in links that anyone can write: every text and list has a cap. */
export const RESULT_LIMITS = {
  name: 200,
  sentence: 500,
  fallbacks: 50,
  metrics: 50,
  variants: 200,
  tasks: 10,
} as const;
const name = v.pipe(v.string(), v.maxLength(RESULT_LIMITS.name));
const sentence = v.pipe(v.string(), v.maxLength(RESULT_LIMITS.sentence));

/** All runs of one variant, folded: what ranking, tables, charts and links read. Holds no ticket, prompt or output. */
export const VariantResultSchema = v.object({
  variant: name,
  stage: count,
  engine: name,
  kernel: sentence,
  /** Joules per ticket at the profile's mid values, mean over repeats with its t-interval (repeat noise only). Null = unknown. */
  energy: v.nullable(EstimateSchema),
  /** The same at the profile's low and high values: what is not known about the device, common to all variants. */
  energyRange: v.nullable(RangeSchema),
  tier: v.picklist(TIERS),
  boundary: v.picklist(BOUNDARIES),
  /** Seconds per ticket. */
  latency: v.nullable(EstimateSchema),
  /** Mean task quality rho in [0, 1] with its bootstrap interval; null where no metric could be computed. */
  quality: v.nullable(EstimateSchema),
  /** `${task}.${metric}` -> estimate. */
  metrics: v.pipe(v.record(name, EstimateSchema), v.maxEntries(RESULT_LIMITS.metrics)),
  storedBytes: v.nullable(count),
  computedBytes: v.nullable(count),
  sparsity: v.nullable(v.number()),
  tickets: count,
  repeats: count,
  fallbacks: v.pipe(v.array(sentence), v.maxLength(RESULT_LIMITS.fallbacks)),
});
export type VariantResult = v.InferOutput<typeof VariantResultSchema>;

/** What a result link carries. */
export const SharedResult = defineRecord({
  name: 'shared result',
  version: 1,
  upgraders: {},
  schema: v.object({
    v: v.literal(1),
    kind: v.literal('result'),
    createdAt: name,
    device: v.object({ name, profile: name, browser: v.nullable(name) }),
    checkpoint: name,
    dataset: name,
    tasks: v.pipe(v.array(v.picklist(TASKS)), v.maxLength(RESULT_LIMITS.tasks)),
    w: v.number(),
    variants: v.pipe(v.array(VariantResultSchema), v.maxLength(RESULT_LIMITS.variants)),
  }),
});
export type SharedResultRecord = v.InferOutput<typeof SharedResult.schema>;

/** What a recipe link carries: "run this on your device". */
export const SharedRecipe = defineRecord({
  name: 'shared recipe',
  version: 1,
  upgraders: {},
  schema: v.object({
    v: v.literal(1),
    kind: v.literal('recipe'),
    checkpoint: CheckpointRefSchema,
    plan: v.omit(Plan.schema, ['v', 'checkpoint']),
    /** Tasks whose own prompts stayed with the sender. */
    withheld: v.optional(v.array(v.picklist(TASKS))),
  }),
});
export type SharedRecipeRecord = v.InferOutput<typeof SharedRecipe.schema>;

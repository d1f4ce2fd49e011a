import * as v from 'valibot';
import { CheckpointRefSchema, Plan } from './plan';
import { BOUNDARIES, EstimateSchema, RangeSchema, TASKS, TIERS } from './run';
import { defineRecord } from './record';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** All runs of one variant, folded: what ranking, tables, charts and links read. Holds no ticket, prompt or output. */
export const VariantResultSchema = v.object({
  variant: v.string(),
  stage: count,
  engine: v.string(),
  kernel: v.string(),
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
  metrics: v.record(v.string(), EstimateSchema),
  storedBytes: v.nullable(count),
  computedBytes: v.nullable(count),
  sparsity: v.nullable(v.number()),
  tickets: count,
  repeats: count,
  fallbacks: v.array(v.string()),
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
    createdAt: v.string(),
    device: v.object({ name: v.string(), profile: v.string(), browser: v.nullable(v.string()) }),
    checkpoint: v.string(),
    dataset: v.string(),
    tasks: v.array(v.picklist(TASKS)),
    w: v.number(),
    variants: v.pipe(v.array(VariantResultSchema), v.maxLength(200)),
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
  }),
});
export type SharedRecipeRecord = v.InferOutput<typeof SharedRecipe.schema>;

import * as v from 'valibot';
import { CheckpointRefSchema, Plan } from './plan';
import { BOUNDARIES, EstimateSchema, RangeSchema, TASKS, TIERS } from './run';
import { engineNow } from './engines';
import { markResult } from './misplaced';
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

/**
 * Why a variant's joules are not known within the bound asked for: more slices would tell; few: too few slices were possible;
 * spread: repeats differ too much; steps: a counter's steps are too coarse; rest-width: what is known of the watts at rest
 * is; rest: they are not known; unknown: joules are not; nothing: net joules cannot be told from none; mixed: several sources.
 */
export const UNBOUND = ['open', 'few', 'spread', 'steps', 'rest-width', 'rest', 'unknown', 'nothing', 'mixed'] as const;

/** How well joules a ticket are known, of net and gross the worse, where a plan asked for a bound: shares of their middle. */
export const BoundSchema = v.object({
  asked: v.pipe(v.number(), v.finite()),
  /** Half-width of the 95 % interval; null where nothing can be said. */
  reached: v.nullable(v.pipe(v.number(), v.finite())),
  slices: count,
  met: v.boolean(),
  /** Null where it is met. */
  why: v.nullable(v.picklist(UNBOUND)),
});
export type BoundRecord = v.InferOutput<typeof BoundSchema>;

/** All runs of one variant, folded: what ranking, tables, charts and links read. Holds no ticket, prompt or output. */
export const VariantResultSchema = v.object({
  variant: name,
  stage: count,
  engine: name,
  kernel: sentence,
  /**
   * Joules of all tasks of one ticket at the profile's mid values, with the t-interval over blocks (noise of timing alone).
   * Null = unknown.
   */
  energy: v.nullable(EstimateSchema),
  /** Share of each task but the last in the joules of a ticket that gets all, to two places; the last has the rest. */
  taskShare: v.record(v.picklist(TASKS), v.pipe(v.number(), v.finite())),
  /** Factors from there to the profile's low and high values: what is not known about the device, common to all variants. */
  deviceRange: v.nullable(v.object({ low: v.pipe(v.number(), v.finite()), high: v.pipe(v.number(), v.finite()) })),
  tier: v.picklist(TIERS),
  boundary: v.picklist(BOUNDARIES),
  /** Seconds of all tasks of one ticket. */
  latency: v.nullable(EstimateSchema),
  /** Mean task quality rho in [0, 1] with its bootstrap interval; null where no metric could be computed. */
  quality: v.nullable(EstimateSchema),
  /** `${task}.${metric}` -> estimate. */
  metrics: v.pipe(v.record(name, EstimateSchema), v.maxEntries(RESULT_LIMITS.metrics)),
  storedBytes: v.nullable(count),
  computedBytes: v.nullable(count),
  sparsity: v.nullable(v.number()),
  tickets: count,
  slices: count,
  /** Fine-tuning before the first ticket, once; absent where there was none. */
  training: v.optional(
    v.object({
      /** At the low, mid and high values of what tells them; null = unknown. */
      joules: v.nullable(RangeSchema),
      /** Absent where they are priced by a power profile. */
      tier: v.optional(v.picklist(TIERS)),
      seconds: v.pipe(v.number(), v.finite()),
      steps: count,
      /** Answers that the steps took. */
      seen: count,
      /** Mean loss of validation answers before and after, nats a token; null without validation tickets. */
      loss: v.nullable(v.object({ before: v.pipe(v.number(), v.finite()), after: v.pipe(v.number(), v.finite()) })),
    }),
  ),
  /** Absent where no bound was asked for, and of the baseline, whose answers are over before anything could count them. */
  bound: v.optional(BoundSchema),
  fallbacks: v.pipe(v.array(sentence), v.maxLength(RESULT_LIMITS.fallbacks)),
});
export type VariantResult = v.InferOutput<typeof VariantResultSchema>;

const bytes = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]*$/), v.maxLength(40_000));
const finite = v.pipe(v.number(), v.finite());

/**
 * How one variant stands to what its task asks for: low ends of one-sided 95 % intervals over tickets drawn for both at
 * once. High ends lie as far above the middle, which the task's metrics tell.
 */
export const FloorRowSchema = v.object({
  /** Low end of quality minus the reference's; null for the reference itself. */
  low: v.nullable(finite),
  /** Low end of quality minus that of always giving the most frequent answer; null where a task has no such. */
  above: v.nullable(finite),
});
export type FloorRow = v.InferOutput<typeof FloorRowSchema>;

/**
 * What comparisons of a result's variants rest on, in the order of its variants: enough to decide again what the page that
 * made it decided, and nothing of any ticket.
 */
export const EvidenceSchema = v.object({
  /** Place of the variant that the others' quality is held against; null where none can be. */
  reference: v.nullable(count),
  /** How much lower a task's quality may be than the reference's. */
  margin: finite,
  /** Blocks that the energies rest on, and residual degrees of freedom of log E = variant + block + rest. */
  slices: count,
  df: count,
  /** Number of the group whose passes are the same work, a byte a variant; alone in it = no other does the same. */
  work: bytes,
  /** SD of each pair's difference of log energies and of quality, a byte each (`core/log-bytes.ts`), base64url. */
  energySd: bytes,
  /** Log half-width of each variant's own joules (95 %, timing alone), a byte each. */
  energyHalf: bytes,
  qualitySd: bytes,
  /** Factors of these SDs for intervals that hold for all differences at once (`rank/critical.ts`). */
  critical: v.object({ energy: finite, quality: finite }),
  /** Share of joint draws (tickets, timing) in which a variant is the answer, in percent, a byte each. */
  share: bytes,
  floors: v.pipe(
    v.array(
      v.object({
        task: v.picklist(TASKS),
        tickets: count,
        /** Quality of always giving the most frequent answer, and of guessing; null where a task has no such. */
        always: v.nullable(finite),
        chance: v.nullable(finite),
        rows: v.array(v.nullable(FloorRowSchema)),
      }),
    ),
    v.maxLength(RESULT_LIMITS.tasks),
  ),
  /** Slices that stayed disturbed, of all that were timed. */
  disturbed: v.object({ slices: count, of: count }),
  /** Variants that were stopped, by their place: after which slice, and why. */
  stopped: v.array(v.object({ at: count, after: count, why: name })),
});
export type Evidence = v.InferOutput<typeof EvidenceSchema>;

/** Version 1 said joules at the profile's ends. */
function factorsOf(range: unknown): unknown {
  if (typeof range !== 'object' || range === null) return null;
  const { low, mid, high } = range as Record<string, unknown>;
  if (typeof low !== 'number' || typeof mid !== 'number' || typeof high !== 'number' || mid <= 0) return null;
  const two = (x: number) => Number((x / mid).toPrecision(2));
  return { low: two(low), high: two(high) };
}

/** Version 1 said the mean over tasks; a ticket that gets all of them costs their sum. */
function sumOverTasks(result: Record<string, unknown>): Record<string, unknown> {
  const tasks = Array.isArray(result['tasks']) ? Math.max(1, result['tasks'].length) : 1;
  const times = (x: unknown) =>
    typeof x === 'object' && x !== null
      ? Object.fromEntries(
          Object.entries(x).map(([key, value]) => [
            key,
            typeof value === 'number' && key !== 'n' ? value * tasks : (value as unknown),
          ]),
        )
      : x;
  const variants = Array.isArray(result['variants']) ? (result['variants'] as unknown[]) : [];
  return {
    ...result,
    evidence: null,
    variants: variants.map((variant) => {
      if (typeof variant !== 'object' || variant === null) return variant;
      const { repeats, energyRange, ...rest } = variant as Record<string, unknown>;
      return {
        ...rest,
        slices: repeats,
        taskShare: {},
        energy: times(rest['energy']),
        deviceRange: factorsOf(energyRange),
        latency: times(rest['latency']),
      };
    }),
  };
}

/** Version 2 called ONNX Runtime on WebGPU `gpu`. */
function renameEngines(result: Record<string, unknown>): Record<string, unknown> {
  const variants = Array.isArray(result['variants']) ? (result['variants'] as unknown[]) : [];
  return {
    ...result,
    variants: variants.map((variant) =>
      typeof variant === 'object' && variant !== null && 'engine' in variant
        ? { ...variant, engine: engineNow(variant.engine) }
        : variant,
    ),
  };
}

/** What a result link carries. */
export const SharedResult = defineRecord({
  name: 'shared result',
  version: 4,
  // Version 2 carries what comparisons rest on; of older ones they are only rough. Version 3 names engines anew, and
  // version 4 scores causes at their positions on ONNX Runtime.
  upgraders: { 1: sumOverTasks, 2: renameEngines, 3: (old) => markResult(old, RESULT_LIMITS.fallbacks) },
  schema: v.object({
    v: v.literal(4),
    kind: v.literal('result'),
    createdAt: name,
    device: v.object({ name, profile: name, browser: v.nullable(name) }),
    checkpoint: name,
    dataset: name,
    tasks: v.pipe(v.array(v.picklist(TASKS)), v.maxLength(RESULT_LIMITS.tasks)),
    w: v.number(),
    variants: v.pipe(v.array(VariantResultSchema), v.maxLength(RESULT_LIMITS.variants)),
    /** Null where it was made before there was any. */
    evidence: v.nullable(EvidenceSchema),
  }),
});
export type SharedResultRecord = v.InferOutput<typeof SharedResult.schema>;

/** Lifts the plan of a recipe from a version to the next. */
const upgradePlan = (version: number) => (old: Record<string, unknown>) => ({
  ...old,
  plan: Plan.upgraders[version]?.(old['plan'] as Record<string, unknown>) ?? old['plan'],
});

/** What a recipe link carries: "run this on your device". */
export const SharedRecipe = defineRecord({
  name: 'shared recipe',
  version: 3,
  // A recipe is as old as the plan in it.
  upgraders: { 1: upgradePlan(1), 2: upgradePlan(2) },
  schema: v.object({
    v: v.literal(3),
    kind: v.literal('recipe'),
    checkpoint: CheckpointRefSchema,
    plan: v.omit(Plan.schema, ['v', 'checkpoint']),
    /** Tasks whose own prompts stayed with the sender. */
    withheld: v.optional(v.array(v.picklist(TASKS))),
  }),
});
export type SharedRecipeRecord = v.InferOutput<typeof SharedRecipe.schema>;

import * as v from 'valibot';
import { engineNow, ENGINES, STEP_ENGINES } from './engines';
import { markRun } from './misplaced';
import { defineRecord } from './record';

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Something was read, from most to least trusted. */
export const MEASURED = ['wall', 'counter', 'integrated-power'] as const;
/** From most to least trusted. */
export const TIERS = [...MEASURED, 'fitted', 'profile'] as const;
export type Tier = (typeof TIERS)[number];

/** Whether nothing was read: the figure is computed from counted work, by a model of the device. */
export const isEstimated = (tier: string) => tier === 'profile' || tier === 'fitted';
export const BOUNDARIES = ['gpu', 'package', 'device', 'system'] as const;
export type Boundary = (typeof BOUNDARIES)[number];
export const PHASES = [
  'load',
  'compress',
  'calibrate',
  'train',
  'warm-up',
  'prefix',
  'prefill',
  'decode',
  'idle',
] as const;
export type Phase = (typeof PHASES)[number];
/** What answering tickets takes: their shared prefix, once a slice, their prompts and what is written. The others happen once and are reported apart. */
export const ANSWERING: ReadonlySet<Phase> = new Set(['prefix', 'prefill', 'decode']);
export const TASKS = ['rca', 'response', 'summary'] as const;
export type TaskName = (typeof TASKS)[number];

/** A range that reflects what is not known about the device (not slice noise): all three in the same unit. */
export const RangeSchema = v.object({ low: finite, mid: finite, high: finite });
export type Range = v.InferOutput<typeof RangeSchema>;

/** A point estimate with a 95 % interval; low and high are null where one observation gives none. */
export const EstimateSchema = v.object({ mid: finite, low: v.nullable(finite), high: v.nullable(finite), n: count });
export type EstimateRecord = v.InferOutput<typeof EstimateSchema>;

/** Joules of one phase. `joules` is null where nothing can be said; never 0 for unknown. */
export const ReadingSchema = v.object({
  phase: v.picklist(PHASES),
  seconds: finite,
  /** Gross: idle power included. */
  joules: v.nullable(RangeSchema),
  /** Net of idle. */
  netJoules: v.nullable(RangeSchema),
  tier: v.picklist(TIERS),
  boundary: v.picklist(BOUNDARIES),
  /** Row of the power profile table, or the counter's name. */
  source: v.string(),
  /** Work done in the window by our own graph's count; null where the graph is not ours. */
  bytes: v.nullable(finite),
  flops: v.nullable(finite),
  /** Tokens processed (prefill) or produced (decode); null for phases without tokens. */
  tokens: v.nullable(count),
  /** Tier `fitted` alone: the energy model's id, and how far off it was on what it was not fitted to (median, a share). */
  model: v.optional(v.object({ id: v.string(), heldOut: finite })),
});
export type Reading = v.InferOutput<typeof ReadingSchema>;

/** What the probe found. Everything a page cannot know is null. */
export const DeviceSchema = v.object({
  userAgent: v.string(),
  platform: v.nullable(v.string()),
  mobile: v.nullable(v.boolean()),
  browser: v.nullable(v.string()),
  cores: v.nullable(count),
  /** navigator.deviceMemory: rounded by the browser, capped. */
  memoryGiB: v.nullable(finite),
  crossOriginIsolated: v.boolean(),
  wasm: v.object({ simd: v.boolean(), relaxedSimd: v.boolean(), threads: v.boolean() }),
  gpu: v.nullable(
    v.object({
      vendor: v.string(),
      architecture: v.string(),
      description: v.string(),
      fallback: v.boolean(),
      features: v.array(v.string()),
      maxBufferBytes: finite,
      maxStorageBindingBytes: finite,
    }),
  ),
  /** Why there is no WebGPU, in words; null where there is. */
  gpuMissing: v.nullable(v.string()),
  /** WebGL's UNMASKED_RENDERER string, which often names the model. */
  renderer: v.nullable(v.string()),
});
export type Device = v.InferOutput<typeof DeviceSchema>;

/** Sizes and sparsity counted on the compressed tensors, never assumed. */
export const CompressionSchema = v.object({
  /** Canonical recipe string. */
  recipe: v.string(),
  parameters: count,
  /** Weights that are exactly zero, of those in linear layers. */
  zeros: count,
  linearParameters: count,
  /** Bytes of weights as stored on disk (packed bits, scales, masks counted as stored). */
  storedBytes: count,
  /** Bytes of weights as the kernel reads them. */
  computedBytes: count,
  removedNeurons: count,
  /** Key-value groups with their query heads, over all layers; absent in records made before they could be removed. */
  removedGroups: v.optional(count),
  removedLayers: count,
});
export type Compression = v.InferOutput<typeof CompressionSchema>;

export const TicketOutcomeSchema = v.object({
  id: v.string(),
  promptTokens: count,
  newTokens: count,
  prefillMs: finite,
  decodeMs: finite,
  /** RCA: the chosen cause; response: the generated text. */
  output: v.string(),
  reference: v.string(),
  /** RCA: log-probability of each allowed cause, in the order of `RunRecord.causes`; else null. */
  scores: v.nullable(v.array(finite)),
  /** Response: sum of the reference's token log-probabilities (nats) and its token count; null for RCA. */
  referenceLogProb: v.nullable(finite),
  referenceTokens: v.nullable(count),
});
export type TicketOutcome = v.InferOutput<typeof TicketOutcomeSchema>;

/**
 * What one kernel of an engine did in the metered passes, and how long it took on its first thread. Bytes and operations
 * are counted from shapes, a multiply-add as two; null where nobody counts them.
 */
export const KernelReadingSchema = v.object({
  name: v.string(),
  bytes: v.nullable(finite),
  operations: v.nullable(finite),
  ms: finite,
});
export type KernelReading = v.InferOutput<typeof KernelReadingSchema>;

/** Compute pressure of the processor, as browsers tell it. */
export const PRESSURES = ['nominal', 'fair', 'serious', 'critical'] as const;

/** Under what a run was measured, as far as a page can see it; null where it cannot. */
export const ConditionsSchema = v.object({
  onBattery: v.nullable(v.boolean()),
  /** Seconds for which the tab was hidden. */
  hiddenSeconds: v.nullable(finite),
  /** The worst while it ran. */
  pressure: v.nullable(v.picklist(PRESSURES)),
  /** Seconds per ticket over those of the first slice: above 1 where the device slowed down. */
  slowing: v.nullable(finite),
});
export type Conditions = v.InferOutput<typeof ConditionsSchema>;

/**
 * How steady the device was in a slice: short pieces of equal work (a pass over one token) run between tickets. Times in
 * milliseconds.
 */
export const SteadinessSchema = v.object({
  pieces: count,
  /** A piece on this device when nothing else ran, as far as this opening of the variant saw. */
  quiet: finite,
  mean: finite,
  /** Share of pieces that took over 1.5 times `quiet`. */
  stalled: finite,
  disturbed: v.boolean(),
  /** Times that the slice was measured until it stood as it does. */
  tries: count,
  /** Seconds waited for the device to become quiet before it. */
  waited: finite,
});
export type Steadiness = v.InferOutput<typeof SteadinessSchema>;

/** How the adapter of a variant was trained, in this run or in an earlier one that was kept. */
export const TunedSchema = v.object({
  rank: count,
  /** Numbers of the adapter. */
  parameters: count,
  /** Taken, and those after which the adapter stood. */
  steps: count,
  at: count,
  /** Training answers that there were, and those that steps took: one may be taken several times. */
  examples: count,
  seen: count,
  /** Mean loss of validation answers, nats a token, before and after; null without validation tickets. */
  loss: v.nullable(v.object({ before: finite, after: finite })),
  /** Why it ended: steps, patience, ... */
  end: v.string(),
  /** Of training and evaluating, not of loading and compressing. */
  seconds: finite,
  /** Null where nothing can be said. */
  joules: v.nullable(RangeSchema),
  tier: v.picklist(TIERS),
  boundary: v.picklist(BOUNDARIES),
  source: v.string(),
  threads: count,
  /** What took the steps; absent = our own kernels on the processor. */
  engine: v.optional(v.picklist(STEP_ENGINES)),
  /** Of products with frozen weights. */
  arithmetic: v.picklist(['int8', 'fp32']),
  /** Whether an earlier run trained it, whose joules these are. */
  earlier: v.boolean(),
});
export type TunedRecord = v.InferOutput<typeof TunedSchema>;

/** How far a variant on a GPU is from our own kernels with the same weights, before it was ranked. */
export const CheckSchema = v.object({
  /** Compared, by many at once and one by one. */
  tokens: count,
  /** Mean distance of log-probabilities, nats a token; null where it was not checked. */
  apart: v.nullable(finite),
  /** The most that the format explains. */
  allowed: finite,
  /** Why it was not checked, in words; null where it was. */
  unchecked: v.nullable(v.string()),
});
export type CheckRecord = v.InferOutput<typeof CheckSchema>;

/** One variant, one task, one slice of tickets, measured on one device. */
export const Run = defineRecord({
  name: 'run',
  version: 7,
  // Version 2 tells what each kernel did, version 3 under what conditions, version 4 in which slice and block; version 5
  // calls ONNX Runtime on WebGPU `ort-gpu`, version 6 tells how many tokens of prompts were shared, and how it was fine-tuned;
  // version 7 scores causes at their positions on ONNX Runtime, as version 6 did on a processor.
  upgraders: {
    1: (old) => ({ ...old, kernels: null }),
    2: (old) => ({ ...old, conditions: null }),
    // A repeat was a block of its stage's variants, in which the same tickets were asked again.
    3: ({ repeat, ...old }) => ({
      ...old,
      slice: repeat,
      block: 1000 * Number(old['stage']) + Number(repeat),
      anchor: false,
      part: 'test',
      pass: null,
      steadiness: null,
    }),
    4: (old) => ({ ...old, engine: engineNow(old['engine']) }),
    5: (old) => markRun({ ...old, prompts: null, tuned: null }, 'ort-cpu'),
    6: (old) => markRun(old, 'ort-gpu'),
  },
  schema: v.object({
    v: v.literal(7),
    /** `${planHash}/${unit key}`: a finished unit is never run again. */
    id: v.string(),
    plan: v.string(),
    variant: v.string(),
    task: v.picklist(TASKS),
    /** Which tickets of the plan's order it asked. */
    slice: count,
    /** Which variants ran side by side with it: energies are compared within a block. */
    block: count,
    /** A short slice of the reference in a block that it was not needed in: links blocks, answers nothing. */
    anchor: v.boolean(),
    /** Tickets of the test set, or of the validation set, which calibrate confidence and count in nothing else. */
    part: v.picklist(['test', 'validation']),
    stage: count,
    engine: v.picklist(ENGINES),
    /** How the engine computed the precision, e.g. "stored 4-bit blocks, computed int8 per token (WASM)". */
    kernel: v.string(),
    threads: count,
    startedAt: v.string(),
    seed: v.number(),
    device: DeviceSchema,
    versions: v.record(v.string(), v.string()),
    /** Names the work of a pass (engine, kernel, bytes, operations); variants that share it take one energy a token. Null = unknown. */
    pass: v.nullable(v.string()),
    /** Null where nothing was timed. */
    steadiness: v.nullable(SteadinessSchema),
    checkpoint: v.object({ name: v.string(), hash: v.string(), family: v.string() }),
    dataset: v.object({ name: v.string(), hash: v.string() }),
    compression: v.nullable(CompressionSchema),
    /** Null where nothing was to be checked; absent in records made before it was. */
    checked: v.optional(v.nullable(CheckSchema)),
    /** Null where nothing was fine-tuned here. */
    tuned: v.nullable(TunedSchema),
    /** What was asked for and could not be had, and what was used instead. */
    fallbacks: v.array(v.string()),
    /** What may spoil the measurement (tab hidden, on battery, ...). */
    warnings: v.array(v.string()),
    /** What the warnings say, as figures; null where nobody watched. */
    conditions: v.nullable(ConditionsSchema),
    phases: v.array(ReadingSchema),
    causes: v.array(v.string()),
    tickets: v.array(TicketOutcomeSchema),
    /**
     * Tokens of its tickets' prompts: computed, a shared prefix once among them, and taken from that prefix. Null where
     * nobody told, or no prompt was read.
     */
    prompts: v.nullable(v.object({ computed: count, shared: count })),
    /** Metric name -> value with bootstrap interval over tickets. */
    metrics: v.record(v.string(), EstimateSchema),
    wasmHeapBytes: v.nullable(count),
    /** Kernel by kernel, over prefill and decode of all tickets; null on engines that do not say. */
    kernels: v.nullable(v.array(KernelReadingSchema)),
  }),
});
export type RunRecord = v.InferOutput<typeof Run.schema>;
/** A run without its tickets, which are most of its bytes. */
export type RunHead = Omit<RunRecord, 'tickets'>;

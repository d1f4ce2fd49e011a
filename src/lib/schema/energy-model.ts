import * as v from 'valibot';
import { ARITHMETICS } from '../core/cost';
import { defineRecord } from './record';
import { BOUNDARIES, MEASURED } from './run';

const finite = v.pipe(v.number(), v.finite());
const amount = v.pipe(finite, v.minValue(0));

/** What a piece of the fitting routine does; `prefill` and `decode` are work as an engine does it, and are never fitted to. */
export const SEGMENT_KINDS = ['idle', 'waiting', 'reading', 'computing', 'mixed', 'prefill', 'decode'] as const;
export type SegmentKind = (typeof SEGMENT_KINDS)[number];

/** Coefficients in the order of `covariance`: watts, watts above idle, joules a byte, joules an operation by arithmetic. */
export const COEFFICIENTS = ['idle', 'awake', 'byte', ...ARITHMETICS] as const;
export type Coefficient = (typeof COEFFICIENTS)[number];

/** How far off a fit was where it had not looked: |estimate / reading - 1|, median over `n` readings of one kind of work. */
const HeldOutSchema = v.object({
  kind: v.picklist(SEGMENT_KINDS),
  n: v.pipe(v.number(), v.integer(), v.minValue(1)),
  error: amount,
});
export type HeldOut = v.InferOutput<typeof HeldOutSchema>;

const count = COEFFICIENTS.length;

/** The energy model of one device, fitted at a meter: E = P_idle t + (P_awake - P_idle) t_busy + a bytes + b operations. */
export const EnergyModel = defineRecord({
  name: 'energy model',
  version: 1,
  upgraders: {},
  schema: v.object({
    v: v.literal(1),
    kind: v.literal('energy-model'),
    /** Of what it says, in 12 hexadecimal digits: equal models have equal names. */
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/)),
    createdAt: v.pipe(v.string(), v.maxLength(40)),
    /** What computes, and how the browser names the device. */
    hardware: v.picklist(['cpu', 'gpu']),
    device: v.pipe(v.string(), v.maxLength(300)),
    threads: v.pipe(v.number(), v.integer(), v.minValue(1)),
    /** At what it was fitted. */
    tier: v.picklist(MEASURED),
    boundary: v.picklist(BOUNDARIES),
    source: v.pipe(v.string(), v.maxLength(200)),
    /** By COEFFICIENTS; null where the routine did not span it. SI units: W, J. */
    coefficients: v.pipe(v.array(v.nullable(amount)), v.length(count)),
    /** Of the coefficients' errors; rows of what was not spanned, or lies at its bound, are 0. */
    covariance: v.pipe(v.array(v.pipe(v.array(finite), v.length(count))), v.length(count)),
    /** SD of log(reading / estimate) from one held-out kernel to another, and how many kernels these were. */
    spread: amount,
    kernels: v.pipe(v.number(), v.integer(), v.minValue(1)),
    readings: v.object({
      fitted: v.pipe(v.number(), v.integer(), v.minValue(1)),
      heldOut: v.pipe(v.number(), v.integer(), v.minValue(1)),
    }),
    /** Median over all held-out readings, then by kind of work. */
    error: amount,
    heldOut: v.array(HeldOutSchema),
    /** Seconds of the routine. */
    seconds: amount,
    /** Seconds by which the meter's readings lie behind the work. */
    lag: finite,
  }),
});
export type EnergyModelRecord = v.InferOutput<typeof EnergyModel.schema>;

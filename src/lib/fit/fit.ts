import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { canonicalJson } from '../core/canonical';
import { JoulewiseError } from '../core/errors';
import { mean, median, sum } from '../core/stats';
import {
  COEFFICIENTS,
  EnergyModel,
  SEGMENT_KINDS,
  type Coefficient,
  type EnergyModelRecord,
  type HeldOut,
} from '../schema/energy-model';
import { parseRecord } from '../schema/record';
import { observe, type Series } from './readings';
import { solveRobust, type Solution } from './solve';
import { HELD_OUT, mostOf, spentIn, type Observation, type Segment } from './timeline';

/** What a fit is told beside the readings: it goes into the model as it is. */
export type FitMeta = Pick<
  EnergyModelRecord,
  'createdAt' | 'hardware' | 'device' | 'threads' | 'tier' | 'boundary' | 'source'
>;

/** Readings that were matched to the timeline already, by a meter that is asked for spans. */
export type FitInput = { observations: readonly Observation[] } | { series: Series };

/** What a device does beyond what the model can say, as a share: a reading is never trusted more than this. */
const MODEL_SD = 0.02;
/** Fewest readings to fit to, and to hold the fit against. */
const FEWEST_FITTED = 8;
const FEWEST_HELD_OUT = 3;
/** Lags that are tried where readings are not matched yet, in milliseconds; the likeliest is taken. */
const LAGS = [0, 50, 100, 200, 350, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000];
/** Parts of the fitted readings, each of which is left out once to tell the error of idle. */
const FOLDS = 3;

interface Row extends Observation {
  spent: number[];
  kind: HeldOut['kind'];
  /** Kind and arithmetic. */
  kernel: string;
  /** Of its time. */
  share: number;
}

const rowsOf = (segments: readonly Segment[], observations: readonly Observation[]): Row[] =>
  observations.map((own) => ({ ...own, spent: spentIn(segments, own), ...mostOf(segments, own) }));

const solve = (rows: readonly Row[]): Solution =>
  solveRobust(
    rows.map(({ spent }) => spent),
    rows.map(({ joules }) => joules),
    rows.map(({ joules, sd }) => Math.hypot(sd, MODEL_SD * joules)),
  );

const expected = ({ x }: Solution, { spent }: Row) => spent.reduce((sum, amount, i) => sum + amount * x[i]!, 0);

/** log(reading / estimate) of rows that their own fit had not seen. Absurdly low estimates count as a factor of 20. */
const surprises = (fit: Solution, rows: readonly Row[]) =>
  rows.map((row) => ({ row, log: Math.log(row.joules / Math.max(expected(fit, row), row.joules / 20)) }));

/** Surprises of a fit to the routine's kernels by engines' work, which it had not seen; and of idle, by fits to the others. */
function heldOutOf(rows: readonly Row[]) {
  const fitted = rows.filter(({ kind }) => !HELD_OUT.has(kind));
  const others = rows.filter(({ kind }) => HELD_OUT.has(kind));
  if (fitted.length < FEWEST_FITTED || others.length < FEWEST_HELD_OUT) throw tooFew(rows.length);
  const idle = Array.from({ length: FOLDS }, (_, k) =>
    surprises(
      solve(fitted.filter((__, i) => i % FOLDS !== k)),
      fitted.filter((own, i) => i % FOLDS === k && own.kind === 'idle'),
    ),
  ).flat();
  return { own: surprises(solve(fitted), others), idle };
}

const tooFew = (n: number) =>
  new JoulewiseError(
    'input.empty',
    `The meter gave ${n} usable readings during the routine, which is too few to fit to. Let it read more often, or run the longer routine.`,
  );

/** The spread of kernels is at least this share of what their mean readings are off, whatever their noise explains. */
const LEAST_SHARE = 0.1;

/**
 * How far the estimate of a kernel may be off, as the SD of a logarithm, by how many kernels: the mean square of their mean
 * surprises (over the kernel's share of a reading that held others too), less what the noise of single readings (bursts of others, the meter's steps) leaves in these means.
 */
function spreadOf(own: readonly { row: Row; log: number }[]): Pick<EnergyModelRecord, 'spread' | 'kernels'> {
  const kernels = [...new Set(own.map(({ row }) => row.kernel))];
  const groups = kernels.map((kernel) =>
    own.filter(({ row }) => row.kernel === kernel).map(({ row, log }) => log / row.share),
  );
  const square = mean(groups.map((logs) => mean(logs) ** 2));
  const within = groups.flatMap((logs) => logs.map((log) => (log - mean(logs)) ** 2));
  const noise = sum(within) / Math.max(1, own.length - groups.length);
  const left = mean(groups.map((logs) => noise / logs.length));
  return {
    spread: stated(Math.sqrt(Math.max(square - left, LEAST_SHARE * square))),
    kernels: groups.length,
  };
}

const errorOf = (logs: readonly number[]) => median(logs.map((log) => Math.abs(Math.exp(-log) - 1)));

/** Square mean of what is left at a lag, as shares: the lag at which work and readings fit best is the meter's. */
function misfit(segments: readonly Segment[], series: Series, lag: number): number {
  const rows = rowsOf(segments, observe(series, segments, lag));
  if (rows.length < FEWEST_FITTED) return Infinity;
  const fit = solve(rows);
  return median(rows.map((row) => Math.abs(1 - expected(fit, row) / row.joules)));
}

/** The lag of LAGS at which readings fit the work best; a later one has to be better by a twentieth. */
function lagOf(segments: readonly Segment[], series: Series): number {
  let best = { lag: 0, misfit: misfit(segments, series, 0) };
  for (const lag of LAGS.slice(1)) {
    const own = misfit(segments, series, lag);
    if (own < 0.95 * best.misfit) best = { lag, misfit: own };
  }
  return best.lag;
}

/**
 * The energy model of the device that a timeline ran on: robust least squares of the readings on idle time, time awake, bytes
 * and operations by arithmetic, none below 0. Its error is that on work that was held out; the coefficients are then fitted
 * to all readings.
 *
 * @throws input.empty where the meter says too little
 */
export function fitModel(segments: readonly Segment[], input: FitInput, meta: FitMeta): EnergyModelRecord {
  if (segments.length === 0) throw tooFew(0);
  const lag = 'series' in input ? lagOf(segments, input.series) : 0;
  const observations = 'series' in input ? observe(input.series, segments, lag) : input.observations;
  const rows = rowsOf(
    segments,
    observations.filter(({ joules, from, to }) => joules > 0 && to > from),
  );
  if (rows.length < FEWEST_FITTED + FEWEST_HELD_OUT) throw tooFew(rows.length);
  const { own, idle } = heldOutOf(rows);
  const { x, covariance } = solve(rows);
  const spanned = (name: Coefficient) => {
    const i = COEFFICIENTS.indexOf(name);
    return rows.some(({ spent }) => spent[i]! > 0);
  };
  const heldOut = SEGMENT_KINDS.flatMap((kind): HeldOut[] => {
    const logs = [...idle, ...own].filter(({ row }) => row.kind === kind).map(({ log }) => log);
    return logs.length ? [{ kind, n: logs.length, error: stated(errorOf(logs)) }] : [];
  });
  const body = {
    v: 1 as const,
    kind: 'energy-model' as const,
    ...meta,
    device: meta.device.slice(0, 300),
    source: meta.source.slice(0, 200),
    coefficients: COEFFICIENTS.map((name, i) => (spanned(name) ? stated(x[i]!) : null)),
    covariance: covariance.map((row) => row.map(stated)),
    ...spreadOf(own),
    readings: { fitted: rows.length, heldOut: own.length },
    error: stated(errorOf(own.map(({ log }) => log))),
    heldOut,
    seconds: (segments.at(-1)!.to - segments[0]!.from) / 1000,
    lag: lag / 1000,
  };
  return parseRecord(EnergyModel, { ...body, id: modelId(body) });
}

/** Digits that a model is stated to: far below its error, and short in a link. */
const stated = (x: number) => Number(x.toPrecision(6));

/** Name of a model by what it says. */
const modelId = (body: Omit<EnergyModelRecord, 'id'>) =>
  bytesToHex(sha256(new TextEncoder().encode(canonicalJson(body)))).slice(0, 12);

/**
 * Reads a model that anyone may have written.
 *
 * @throws record.invalid where it is none, or says something else than its id
 */
export function readModel(input: unknown): EnergyModelRecord {
  const model = parseRecord(EnergyModel, input);
  const { id, ...body } = model;
  if (modelId(body) !== id)
    throw new JoulewiseError('record.invalid', 'This energy model was changed after it was fitted. Ask for it again.');
  return model;
}

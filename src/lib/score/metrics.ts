import type { EstimateRecord, TaskName, TicketOutcome } from '../schema/run';
import { bleuCounts, bleuScore } from './bleu';
import { chrfCounts, chrfScore } from './chrf';
import { accuracy, logSumExp, macroF1 } from './classification';
import { rougeL, rougeN } from './rouge';
import { estimate, identity, meanStatistic, sumStatistic, type Statistic } from './statistic';

/** One metric: what it is called, how to read it, and how to compute it. */
export interface Metric {
  /** Key in `RunRecord.metrics`. */
  name: string;
  /** What a table calls it. */
  label: string;
  task: TaskName;
  /** Possible values; the scale is that of the reference implementation. */
  range: readonly [low: number, high: number];
  higherIsBetter: boolean;
  /** Whether rho averages it. */
  inRho: boolean;
  /**
   * The metric over these outcomes as a statistic of ticket indices, or null where they hold nothing to compute it from.
   * `causes` are the allowed causes, parallel to `TicketOutcome.scores`.
   */
  compute(outcomes: readonly TicketOutcome[], causes: readonly string[]): Statistic | null;
}

const references = (outcomes: readonly TicketOutcome[]) => outcomes.map((o) => o.reference);
const outputs = (outcomes: readonly TicketOutcome[]) => outcomes.map((o) => o.output);

/** sum of -log p over sum of weights; tickets of weight 0 do not count; null where all are. */
function weightedNll(rows: readonly (readonly [nll: number, weight: number])[]): Statistic | null {
  if (rows.every(([, weight]) => weight === 0)) return null;
  return sumStatistic(rows, (sums) => (sums[0] as number) / (sums[1] as number));
}

/** Nats and tokens of the reference under the model; the sum is weighted by tokens, as perplexity is. */
const referenceNll = ({ referenceLogProb, referenceTokens }: TicketOutcome) =>
  referenceLogProb === null || referenceTokens === null
    ? ([0, 0] as const)
    : ([-referenceLogProb, referenceTokens] as const);

/** -log of the softmax share of the true cause among the allowed ones; a true cause that is not allowed does not count. */
function causeNll(outcome: TicketOutcome, causes: readonly string[]): readonly [number, number] {
  const own = outcome.scores?.[causes.indexOf(outcome.reference)];
  return outcome.scores === null || own === undefined ? [0, 0] : [logSumExp(outcome.scores) - own, 1];
}

/** Rows of a task whose answer is a text. */
function textMetrics(task: TaskName, inRho: readonly string[]): Metric[] {
  const rows: Omit<Metric, 'inRho'>[] = [
    ...[1, 2].map((n): Omit<Metric, 'inRho'> => ({
      name: `rouge${n}`,
      label: `ROUGE-${n} F1`,
      task,
      range: [0, 1],
      higherIsBetter: true,
      compute: (o) => meanStatistic(o.map(({ reference, output }) => rougeN(reference, output, n))),
    })),
    {
      name: 'rougeL',
      label: 'ROUGE-L F1',
      task,
      range: [0, 1],
      higherIsBetter: true,
      compute: (o) => meanStatistic(o.map(({ reference, output }) => rougeL(reference, output))),
    },
    {
      name: 'chrf',
      label: 'chrF2',
      task,
      range: [0, 100],
      higherIsBetter: true,
      compute: (o) =>
        sumStatistic(
          o.map(({ reference, output }) => chrfCounts(reference, output)),
          chrfScore,
        ),
    },
    {
      name: 'bleu',
      label: 'BLEU-4',
      task,
      range: [0, 100],
      higherIsBetter: true,
      compute: (o) =>
        sumStatistic(
          o.map(({ reference, output }) => bleuCounts(reference, output)),
          bleuScore,
        ),
    },
    {
      name: 'nll',
      label: 'NLL of the reference (nats per token)',
      task,
      range: [0, Infinity],
      higherIsBetter: false,
      compute: (o) => weightedNll(o.map(referenceNll)),
    },
  ];
  return rows.map((metric) => ({ ...metric, inRho: inRho.includes(metric.name) }));
}

export const METRICS: readonly Metric[] = [
  {
    name: 'accuracy',
    label: 'Accuracy',
    task: 'rca',
    range: [0, 1],
    higherIsBetter: true,
    inRho: true,
    compute: (o) => accuracy(references(o), outputs(o)),
  },
  {
    name: 'macroF1',
    label: 'Macro-F1',
    task: 'rca',
    range: [0, 1],
    higherIsBetter: true,
    inRho: true,
    compute: (o) => macroF1(references(o), outputs(o)),
  },
  {
    name: 'causeNll',
    label: 'NLL of the true cause (nats)',
    task: 'rca',
    range: [0, Infinity],
    higherIsBetter: false,
    inRho: false,
    compute: (o, causes) => weightedNll(o.map((outcome) => causeNll(outcome, causes))),
  },
  ...textMetrics('response', ['rougeL', 'chrf']),
  // What summaries are compared by in print.
  ...textMetrics('summary', ['rouge1', 'rouge2', 'rougeL']),
];

export const metricsOf = (task: TaskName) => METRICS.filter((metric) => metric.task === task);

/**
 * Every metric of the task with its 95 % bootstrap interval over tickets (1,000 resamples, fixed seed, so that the
 * same outcomes give the same record). A metric that these outcomes do not determine is absent, never 0 or NaN.
 */
export function scoreRun(
  task: TaskName,
  outcomes: readonly TicketOutcome[],
  causes: readonly string[],
): Record<string, EstimateRecord> {
  const scored = metricsOf(task).map((metric) => {
    const statistic = outcomes.length > 0 ? metric.compute(outcomes, causes) : null;
    return [metric.name, statistic && estimate(statistic)] as const;
  });
  return Object.fromEntries(scored.filter((entry): entry is [string, EstimateRecord] => entry[1] !== null));
}

/** A value of the metric on [0, 1] by its range, 1 the better end. */
export const scaled = ({ range: [low, high], higherIsBetter }: Metric, value: number) =>
  higherIsBetter ? (value - low) / (high - low) : (high - value) / (high - low);

/** rho of one task: the mean of its `inRho` metrics, each scaled into [0, 1]; null where one cannot be computed. */
export function qualityStatistic(
  task: TaskName,
  outcomes: readonly TicketOutcome[],
  causes: readonly string[],
): Statistic | null {
  if (outcomes.length === 0) return null;
  const parts = metricsOf(task)
    .filter((metric) => metric.inRho)
    .map((metric) => ({ metric, statistic: metric.compute(outcomes, causes) }));
  if (parts.length === 0 || parts.some(({ statistic }) => statistic === null)) return null;
  return {
    n: outcomes.length,
    value: (indices) =>
      parts.reduce(
        (total, { metric, statistic }) => total + scaled(metric, (statistic as Statistic).value(indices)),
        0,
      ) / parts.length,
  };
}

/** The metric's value without its interval. */
export const pointValue = (statistic: Statistic) => statistic.value(identity(statistic.n));

import type { EstimateRecord, TaskName, TicketOutcome } from '../schema/run';
import { bleuCharacterCounts, bleuCounts, bleuScore } from './bleu';
import { chrfCounts, chrfScore } from './chrf';
import { accuracy, logSumExp, macroF1 } from './classification';
import { rougeL, rougeN } from './rouge';
import { isUnspaced, wordKindOf, type Words } from './text';
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
  /** The metric that it stands for where that one says nothing of these texts; one of the two is computed, never both. */
  insteadOf?: string;
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

type TextMetric = Omit<Metric, 'inRho' | 'task'>;

/** A mean of one number per ticket in [0, 1], by the words of ASCII or, where these would be lost, of any script. */
function byWords(name: string, label: string, score: (o: TicketOutcome, words: Words) => number): TextMetric[] {
  const row = (words: Words): TextMetric => ({
    name: words === 'ascii' ? name : `${name}Unicode`,
    label: words === 'ascii' ? label : `${label} (Unicode words)`,
    range: [0, 1],
    higherIsBetter: true,
    ...(words === 'ascii' ? {} : { insteadOf: name }),
    compute: (o) => (wordKindOf(references(o)) === words ? meanStatistic(o.map((one) => score(one, words))) : null),
  });
  return [row('ascii'), row('unicode')];
}

/** Corpus BLEU of words, or of characters where words are not told apart by spaces. */
function bleuOf(of: 'words' | 'characters'): TextMetric {
  const counts = of === 'words' ? bleuCounts : bleuCharacterCounts;
  return {
    name: of === 'words' ? 'bleu' : 'bleuCharacters',
    label: of === 'words' ? 'BLEU-4' : 'BLEU-4 (characters)',
    range: [0, 100],
    higherIsBetter: true,
    ...(of === 'words' ? {} : { insteadOf: 'bleu' }),
    compute: (o) =>
      isUnspaced(references(o)) === (of === 'characters')
        ? sumStatistic(
            o.map(({ reference, output }) => counts(reference, output)),
            bleuScore,
          )
        : null,
  };
}

/** Rows of a task whose answer is a text. */
function textMetrics(task: TaskName, inRho: readonly string[]): Metric[] {
  const rows: TextMetric[] = [
    ...[1, 2].flatMap((n) =>
      byWords(`rouge${n}`, `ROUGE-${n} F1`, ({ reference, output }, words) => rougeN(reference, output, n, words)),
    ),
    ...byWords('rougeL', 'ROUGE-L F1', ({ reference, output }, words) => rougeL(reference, output, words)),
    {
      name: 'chrf',
      label: 'chrF2',
      range: [0, 100],
      higherIsBetter: true,
      compute: (o) =>
        sumStatistic(
          o.map(({ reference, output }) => chrfCounts(reference, output)),
          chrfScore,
        ),
    },
    bleuOf('words'),
    bleuOf('characters'),
    {
      name: 'nll',
      label: 'NLL of the reference (nats per token)',
      range: [0, Infinity],
      higherIsBetter: false,
      compute: (o) => weightedNll(o.map(referenceNll)),
    },
  ];
  return rows.map((metric) => ({ ...metric, task, inRho: inRho.includes(metric.insteadOf ?? metric.name) }));
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
 * What rho of a task averages: of metrics that stand for each other the first that `of` gives a value for; null where one
 * has none.
 */
export function partsOfRho<T>(
  task: TaskName,
  of: (metric: Metric) => T | null | undefined,
): { metric: Metric; value: T }[] | null {
  const slots = new Map<string, { metric: Metric; value: T } | null>();
  for (const metric of metricsOf(task)) {
    const slot = metric.insteadOf ?? metric.name;
    if (!metric.inRho || slots.get(slot)) continue;
    const value = of(metric);
    slots.set(slot, value === null || value === undefined ? null : { metric, value });
  }
  const parts = [...slots.values()].filter((part) => part !== null);
  return parts.length > 0 && parts.length === slots.size ? parts : null;
}

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
  const parts = outcomes.length === 0 ? null : partsOfRho(task, (metric) => metric.compute(outcomes, causes));
  return (
    parts && {
      n: outcomes.length,
      value: (indices) =>
        parts.reduce((total, { metric, value }) => total + scaled(metric, value.value(indices)), 0) / parts.length,
    }
  );
}

/** The metric's value without its interval. */
export const pointValue = (statistic: Statistic) => statistic.value(identity(statistic.n));

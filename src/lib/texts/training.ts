import type { Decision } from '../rank/decide';
import { paybackOf, untrained, type Payback } from '../rank/payback';
import type { VariantResult } from '../schema/result';
import { isEstimated } from '../schema/run';
import { formatJoules } from '../core/units';
import { duration, fixed, plural } from './format';
import { plainName } from './names';

type Training = NonNullable<VariantResult['training']>;

/** Two digits of a number of tickets say all. */
const rounded = (n: number) => Number(n.toPrecision(2)).toLocaleString('en');

/** `after about 300 tickets (240 to 400) against 32-bit`. */
function backClause({ variant, tickets }: Payback): string {
  const name = plainName(variant);
  if (!tickets) return `never against ${name}, which takes less a ticket`;
  if (tickets.mid === 0) return `at once against ${name}, whose own training took more`;
  const high = tickets.high === null ? 'perhaps never' : rounded(tickets.high);
  return `after about ${rounded(tickets.mid)} tickets against ${name} (${rounded(tickets.low)} to ${high})`;
}

/** Those against whom a tuned answer's training is to be won back: the bigger untuned model, the baseline, the leanest of the rest. */
function others(decision: Decision): VariantResult[] {
  const { answer, rows } = decision;
  const beside = untrained(decision);
  const next = rows.find((row) => row !== answer && !beside.includes(row) && !row.result.training);
  const all = [beside[0], next, beside[1]].flatMap((row) => (row && row !== answer ? [row.result] : []));
  return [...new Set(all)];
}

export const TRAINING = {
  title: 'Fine-tuning',
  about:
    'Once, before the first ticket, on the training tickets alone; judged on validation answers, never on test tickets.',
  columns: {
    variant: 'Variant',
    joules: 'Joules, once',
    seconds: 'Time',
    steps: 'Steps',
    loss: 'Validation loss',
    back: 'Won back',
  },
  /** Nats a token. */
  loss: (loss: { before: number; after: number } | null) =>
    loss ? `${fixed(loss.before, 2)} → ${fixed(loss.after, 2)}` : 'not judged',
  /** After how many tickets the joules of training are won back; null where nothing was trained or is known. */
  back(tuned: VariantResult, other: VariantResult): string | null {
    const found = paybackOf(tuned, other);
    return found && backClause(found);
  },
  time: duration,
  unknown: 'unknown',
  /** `1.2 kJ (0.8 to 1.9 kJ), estimated`. */
  joules: ({ joules, tier }: Training) =>
    joules
      ? `${formatJoules(joules.mid)} (${formatJoules(joules.low)} to ${formatJoules(joules.high)}), ${isEstimated(tier ?? 'profile') ? 'estimated' : 'measured'}`
      : 'unknown',
} as const;

/**
 * What training the answer took and when that is won back: against the widest untuned model, the leanest other and the
 * baseline. Null where the answer was not trained.
 */
export function trainingSentence(decision: Decision): string | null {
  const { answer } = decision;
  const training = answer?.result.training;
  if (!answer || !training) return null;
  const took = `Its fine-tuning took ${training.joules ? `${isEstimated(training.tier ?? 'profile') ? 'an estimated' : 'a measured'} ${formatJoules(training.joules.mid)}` : 'unknown joules'} and ${duration(training.seconds)}, once (${plural(training.steps, 'step')})`;
  const clauses = others(decision).flatMap((other) => TRAINING.back(answer.result, other) ?? []);
  return clauses.length === 0 ? `${took}.` : `${took}; won back ${clauses.join('; ')}.`;
}

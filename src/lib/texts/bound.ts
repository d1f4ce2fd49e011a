import type { BoundRecord, VariantResult } from '../schema/result';
import { isEstimated } from '../schema/run';
import { MOST_BOUND_SLICES } from '../schema/defaults';
import { plural, significant } from './format';
import { plainName } from './names';

/** "Measure until +-3 %": what came of it. */

const share = (x: number) => `±${significant(100 * x, 2)} %`;

const WHY: Readonly<Record<NonNullable<BoundRecord['why']>, string>> = {
  open: 'it was stopped before; going on measures further',
  few: 'too few slices could be measured',
  spread: `its slices differ too much from each other for ${MOST_BOUND_SLICES} of them: close other programs, or take more tickets a slice`,
  steps: `the counter’s steps are too coarse for ${MOST_BOUND_SLICES} slices of this length: take more tickets a slice`,
  'rest-width': 'what the device draws at rest is not known well enough, which more slices do not mend',
  rest: 'what the device draws at rest was not counted, so net joules are unknown',
  unknown: 'the joules of some of its slices are unknown',
  nothing: 'its joules cannot be told from those of the device at rest',
  mixed: 'its slices were metered by different sources',
};

/** Of one variant: `Joules, net and gross, known within ±2.1 % (95 %) after 14 slices.` and, where that is not what was asked for, why. */
export function boundNote({ reached, slices, met, why }: BoundRecord): string {
  const known =
    reached === null
      ? 'Joules are not known within any bound'
      : `Joules, net and gross, known within ${share(reached)} (95 %)`;
  const after = ` after ${plural(slices, 'slice')}`;
  return met || why === null ? `${known}${after}.` : `${known}${after}: ${WHY[why]}.`;
}

/** Variants that are named one by one. */
const MOST_NAMED = 3;

/** Of all variants, for under the answer; null where no bound was asked for. */
export function boundSentence(results: readonly VariantResult[]): string | null {
  const asked = results.flatMap(({ variant, tier, bound }) =>
    bound ? [{ name: plainName(variant), tier, bound }] : [],
  );
  const [first] = asked;
  if (!first) return null;
  const missed = asked.filter(({ bound }) => !bound.met);
  const widest = Math.max(...asked.map(({ bound }) => (bound.met ? (bound.reached ?? 0) : 0)));
  const start = `Asked for: joules a ticket, net and gross, within ${share(first.bound.asked)} (95 %). `;
  const met = asked.length - missed.length;
  const reached =
    met === 0
      ? ''
      : `${missed.length === 0 ? 'All variants are' : `${met} of ${asked.length} variants are`}, the widest ${share(widest)}. `;
  const named = missed
    .slice(0, MOST_NAMED)
    .map(
      ({ name, bound: { reached: own, why } }) =>
        `${name} is not${own === null ? '' : ` (${share(own)})`}: ${WHY[why ?? 'open']}. `,
    );
  const others =
    missed.length > MOST_NAMED
      ? `${plural(missed.length - MOST_NAMED, 'other')} neither; see "How each was computed". `
      : '';
  const estimated = asked.some(({ tier }) => isEstimated(tier))
    ? 'These are estimates: repeats narrow what differs between repeats, and nothing of what is not known of the device.'
    : '';
  return `${start}${reached}${named.join('')}${others}${estimated}`.trim();
}

import { isEstimated } from '../schema/run';
import type { Contrast, DecidedRow, Decision, EnergyWord, QualityWord, TaskFloor } from '../rank/decide';
import { LEAST_SLICES } from '../schema/defaults';
import { formatJoules } from '../core/units';
import type { Cost, NextStep } from '../rank/next';
import { duration, fixed, listed, percent, plural } from './format';
import { plainName } from './names';

/** Writes the joules of one ticket, in whichever unit they are read. */
export type SayTicket = (joules: number) => string;
const inJoules: SayTicket = (joules) => `${formatJoules(joules)} per ticket`;

/** A variant in a sentence: its name in words, its code behind it. */
export const named = (variant: string) => {
  const name = plainName(variant);
  return name === variant ? variant : `${name} (${variant})`;
};

const whole = (share: number) => Math.round(100 * Math.abs(share));
const range = (a: number, b: number) => `${Math.min(a, b)}-${Math.max(a, b)}`;
const rounded = (x: number) => Number(x.toPrecision(2));
/** Below and above these ratios percents mislead ("100 % less"), so factors are said. */
const FACTOR_BELOW = 0.05;
const FACTOR_ABOVE = 3;

/** `41 % less than 16-bit (95 %: 35-46)`, of joules over another's; by the variant's own interval. */
export function saving({ mid, low, high }: Contrast, name: string): string {
  const ends = (at: (r: number) => number) => ` (95 %: ${range(at(low), at(high))})`;
  if (mid < FACTOR_BELOW) return `${rounded(1 / mid)} times less than ${name}${ends((r) => rounded(1 / r))}`;
  if (mid > FACTOR_ABOVE) return `${rounded(mid)} times as much as ${name}${ends(rounded)}`;
  const signed = (r: number) => Math.round(100 * (1 - r)) * (mid < 1 ? 1 : -1);
  return `${whole(1 - mid)} % ${mid < 1 ? 'less' : 'more'} than ${name}${ends(signed)}`;
}

/** The other way round: `a` over `b` becomes `b` over `a`. */
export const inverse = ({ mid, low, high, all }: Contrast): Contrast => ({
  mid: 1 / mid,
  low: 1 / high,
  high: 1 / low,
  all: { low: 1 / all.high, high: 1 / all.low },
});

const QUALITY: Readonly<Record<QualityWord, string>> = {
  better: 'better',
  same: 'same',
  worse: 'worse',
  'cannot tell': 'cannot tell',
};

/** What a task is called in a sentence about its floor. */
const TASK: Readonly<Record<string, string>> = { rca: 'root cause', response: 'response', summary: 'summary' };

const LACKS: Readonly<Record<TaskFloor['lacks'][number], (reference: string) => string>> = {
  reference: (reference) => `not shown to be as good as ${reference}`,
  chance: () => 'not shown to be above chance',
  always: () => 'not shown to be above always giving the most frequent answer',
};

const verb = (row: DecidedRow) => (isEstimated(row.result.tier) ? 'an estimated' : 'a measured');
const fewest = (floors: readonly TaskFloor[]) => Math.min(...floors.map(({ n }) => n));

/** How firm "well enough" is, in the answer's own breath. */
function qualityClause(decision: Decision, row: DecidedRow): string {
  const { reference, margin } = decision;
  if (!reference || row.at === reference.at)
    return `above chance and above the most frequent answer on ${plural(fewest(row.floors), 'ticket')}`;
  const name = plainName(reference.result.variant);
  if (row.qualityWord === 'better') return `quality better than ${name}'s`;
  return `quality no lower than ${name}'s by more than ${fixed(margin, 2)} (shown on ${plural(fewest(row.floors), 'ticket')})`;
}

/** `41 % less than 32-bit (95 %: 35-46)`: of the answer against the reference. */
function energyClause(decision: Decision, row: DecidedRow): string {
  const { reference, slices } = decision;
  if (!reference || reference.at === row.at) return 'the fewest that are shown to be enough';
  const name = plainName(reference.result.variant);
  if (!reference.energy)
    return slices < LEAST_SLICES
      ? `how much less than ${name} cannot be told from ${plural(slices, 'slice')}`
      : `energy against ${name} unknown`;
  return saving(inverse(reference.energy), name);
}

/** Fewer tickets than this do not tell that a model answers at chance. */
const FEW_TICKETS = 20;

/** Whether no variant is above the most frequent answer even at its point estimate, on tickets enough to say so. */
function atChance(decision: Decision): boolean {
  return decision.rows.every((row) =>
    row.floors.some(({ task, quality, n }) => {
      const always = decision.always.find((a) => a.task === task);
      // Both are stated to three places.
      return n >= FEW_TICKETS && always !== undefined && quality <= always.quality + 1e-3;
    }),
  );
}

/** What keeps the variants from being shown to do the job, of the one that lacks least. */
function lacking(decision: Decision): string {
  const row = decision.rows.toSorted(
    (a, b) => a.floors.flatMap((f) => f.lacks).length - b.floors.flatMap((f) => f.lacks).length,
  )[0];
  const reference = decision.reference ? plainName(decision.reference.result.variant) : 'the reference';
  const floors = (row?.floors ?? []).filter(({ lacks }) => lacks.length > 0);
  return floors
    .map(({ task, lacks, quality, n }) => {
      const always = decision.always.find((a) => a.task === task);
      const beside =
        always && lacks.includes('always') ? `, ${fixed(quality, 2)} against ${fixed(always.quality, 2)}` : '';
      return `${TASK[task] ?? task}: ${LACKS[lacks[0] ?? 'reference'](reference)}${beside} (${plural(n, 'ticket')})`;
    })
    .join('; ');
}

/** The baseline first, where it is shown to be good and leaner than any model that is. */
function baselineFirst(decision: Decision, say: SayTicket): string {
  const { baseline, against, reference } = decision;
  if (!baseline?.good || !baseline.result.energy) return '';
  const times =
    against?.result.energy && baseline.result.energy.mid > 0
      ? `, ${rounded(against.result.energy.mid / baseline.result.energy.mid)} times less than ${decision.answer ? 'the leanest model that does' : 'the leanest model'}`
      : '';
  const on = `on ${verb(baseline)} ${say(baseline.result.energy.mid)}${times}`;
  if (reference?.floor === 'shown') return `The classical baseline does this job ${on}. `;
  // To be better than models that do nothing is not yet to be good.
  const best = Math.max(...decision.rows.map(({ result }) => result.quality?.mid ?? 0));
  const own = baseline.result.quality?.mid ?? 0;
  const figures = `(quality ${fixed(own, 2)} against ${fixed(best, 2)}, ${plural(fewest(baseline.floors), 'ticket')})`;
  if (own > best + decision.margin)
    return `The classical baseline does better than any of these models ${figures} ${on}. `;
  if (own >= best - decision.margin)
    return `The classical baseline does about as well as the best of these models ${figures} ${on}. `;
  return `The classical baseline does less well than the best of these models ${figures}, ${on}. `;
}

/** Says where the reference is another than the widest, and why; else nothing. */
const heldAgainst = ({ passedOver, reference }: Decision): string =>
  passedOver.length === 0 || !reference
    ? ''
    : ` Held against ${plainName(reference.result.variant)}: ${namesOf(passedOver)} not shown above chance.`;

/** The answer in a sentence or two, its uncertainty in the same breath. */
export function answerSentence(decision: Decision, say: SayTicket = inJoules): string {
  const { answer, why, rows } = decision;
  const first = baselineFirst(decision, say);
  if (answer?.result.energy) {
    const start = `${named(answer.result.variant)} does ${first ? 'it' : 'the job'} on ${verb(answer)} ${say(answer.result.energy.mid)}`;
    return `${first}${start}, ${energyClause(decision, answer)}, ${qualityClause(decision, answer)}.${heldAgainst(decision)}`;
  }
  if (why === 'nothing' || rows.length === 0)
    return `${first}No variant has both a known energy and a known quality yet.`;
  const start = first ? 'Of the models, none' : 'None of these';
  if (why === 'none' || atChance(decision))
    return `${first}${start} does the job: ${lacking(decision) || 'all miss the floor'}.`;
  return `${first}${start} is shown to do the job yet: ${lacking(decision)}.`;
}

/** What to do where there is no answer, or nothing where there is. */
export function whatWould(decision: Decision): string | null {
  if (decision.answer) return null;
  if (decision.why === 'none' || atChance(decision))
    return 'More tickets will not mend this: take a larger model, one that was trained for this work, or fewer and clearer causes.';
  return null;
}

/** What disturbed slices mean and what to do; null where there were none, or hardly any. */
export function disturbedSentence({ slices, of }: Decision['disturbed']): string | null {
  if (of === 0 || slices / of < 0.05) return null;
  return `${percent(slices / of)} of the slices were disturbed by other work on this device, also when measured again: its energies may be off. Close other programs and run again.`;
}

/** Words of a row for people: what they mean stands in `ANSWER.about`. */
export const qualityWords = (word: QualityWord | null) => (word === null ? 'reference' : QUALITY[word]);
export const energyWords = (word: EnergyWord | null, sameWork: boolean) =>
  word === null ? 'answer' : sameWork ? 'same work' : word;

/** Names of variants in a list. */
export const namesOf = (rows: readonly DecidedRow[]) => listed(rows.map(({ result }) => plainName(result.variant)));

export const ANSWER = {
  roughly:
    'This result was made before comparisons were kept with it, so its variants compare only roughly: by whether their intervals overlap.',
  words: {
    quality: 'Quality',
    qualityAbout: (reference: string, margin: number) =>
      `Against ${reference}, on the same tickets. Same: shown to differ by less than ${fixed(margin, 2)}. The words hold for all rows at once (95 %).`,
    energy: 'Joules',
    energyAbout: (answer: string) =>
      `Against ${answer}. Same: shown to differ by less than 10 %. The words hold for all rows at once (95 %).`,
    share: 'Is the answer in',
    shareAbout:
      'Share of 2,000 draws of tickets and of timing noise that name this variant, each decided anew. Where the answer’s is low, other tickets may well name another.',
    /** Where there is no answer: the variant whose joules the others' are compared with. */
    basis: 'basis',
    floor: 'Does the job',
    floorAbout: (margin: number) =>
      `Shown: on every task at least the reference's quality less ${fixed(margin, 2)} (one-sided 95 %), above chance, and above always giving the most frequent answer.`,
    met: { shown: 'shown', missed: 'no', open: 'not shown' },
  },
} as const;

/** The verdict card. */
export const VERDICT = {
  energy: (tier: string) => (isEstimated(tier) ? 'a ticket, estimated' : 'a ticket, measured'),
  percent: (share: number) => `${Math.round(100 * share)} %`,
  saved: (reference: string) => `less than ${reference}`,
  signed: (x: number) => `${x < 0 ? '\u2212' : '+'}${fixed(Math.abs(x), 2)}`,
  difference: (low: string, high: string) => `quality, ${low}…${high}`,
  quality: 'quality, from 0 to 1',
} as const;

/** What would tell more, in one line. */
export const NEXT = {
  line(step: NextStep, decision: Decision): string | null {
    const { kind } = step;
    if (kind === 'tickets')
      return `${whole0(step.tickets)} tickets a task would show whether ${plainName(step.variant)} ${decision.answer ? 'does it on less' : 'does the job'}${costs(step.cost)}.`;
    if (kind === 'slices')
      return `${step.slices} slices would tell the joules of ${plainName(step.variant)} from those of ${plainName(step.against)}${costs(step.cost)}.`;
    return decision.answer ? 'More tickets will not change this answer.' : null;
  },
  run: (step: NextStep) =>
    step.kind === 'tickets'
      ? `Run with ${whole0(step.tickets)} tickets`
      : step.kind === 'slices'
        ? `Run ${step.slices} slices`
        : '',
  fewer: (n: number, has: number) => `These tickets have ${has} for testing: import more than ${whole0(n)} to tell.`,
} as const;

const whole0 = (n: number) => whole100(n).toLocaleString('en');
/** Two digits of a number of tickets say all; rounded up. */
const whole100 = (n: number) => {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(n)) - 1);
  return Math.ceil(n / step) * step;
};
export const ticketsAsked = whole100;

const costs = ({ seconds, joules }: Cost) =>
  seconds === null && joules === null
    ? ''
    : ` (about ${[seconds === null ? '' : duration(seconds), joules === null ? '' : formatJoules(joules)].filter(Boolean).join(', ')} more)`;

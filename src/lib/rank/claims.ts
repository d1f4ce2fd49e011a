import type { VariantResult } from '../schema/result';
import { splitBaseline, rankVariants, type RankedVariant } from './rank';

/** How a claim of the paper fares here. */
export type Verdict = 'confirmed' | 'refuted' | 'undecided';

export interface Claim {
  /** What arXiv 2503.17783 says. */
  claim: string;
  verdict: Verdict;
  /** Why, with the numbers of variants, tickets and repeats that it rests on. */
  why: string;
}

interface Paper {
  claim: string;
  /** Variants that the claim compares with each other. */
  compares: (variant: string) => boolean;
  /** The one that the paper puts first. */
  first: string;
}

/** The variant that the paper puts first of all. */
export const PAPERS_BEST = 'fp16+2:4';

const PAPER: readonly Paper[] = [
  {
    claim: 'Stage one: of 32, 16, 8 and 4 bits, 16 bits is the best precision.',
    compares: (variant) => !variant.includes('+') && !variant.includes('.') && !variant.includes('@'),
    first: 'fp16',
  },
  {
    claim: 'Stage two: 16 bits with 2:4 pruning is the best of all.',
    compares: () => true,
    first: PAPERS_BEST,
  },
];

const counted = ({ tickets, repeats }: VariantResult) =>
  `n = ${tickets} ${tickets === 1 ? 'ticket' : 'tickets'}, ${repeats} ${repeats === 1 ? 'repeat' : 'repeats'}`;

function judge({ claim, compares, first }: Paper, results: readonly VariantResult[], w: number): Claim {
  const { ranked } = rankVariants(
    results.filter(({ variant }) => compares(variant)),
    w,
  );
  const [leader] = ranked;
  const own = ranked.find(({ result }) => result.variant === first);
  const undecided = (why: string): Claim => ({ claim, verdict: 'undecided', why });
  if (!leader || !own)
    return undecided(`${first} has not been run here. To decide this, add it under "Variants" and run again.`);
  if (ranked.length < 2) return undecided(`${first} stands alone here: there is nothing to compare it with.`);
  const others = ranked.filter((row) => row !== own);
  const names = (rows: readonly RankedVariant[]) => rows.map(({ result }) => result.variant).join(', ');
  const n = counted(own.result);
  if (own === leader) {
    const unsure = others.filter(({ standing }) => standing !== 'behind');
    return unsure.length === 0
      ? { claim, verdict: 'confirmed', why: `${first} leads ${names(others)} beyond their intervals (${n}).` }
      : undecided(`${first} leads, but not beyond the interval of ${names(unsure)} (${n}).`);
  }
  return own.standing === 'behind'
    ? {
        claim,
        verdict: 'refuted',
        why: `${leader.result.variant} leads, and ${first} is behind it beyond their intervals (${n}).`,
      }
    : undecided(`${leader.result.variant} leads, but ${first} is within its interval (${n}).`);
}

/** The claims of arXiv 2503.17783 beside what was measured here, at weight `w` of energy. */
export function claimsHere(results: readonly VariantResult[], w: number): Claim[] {
  const { models } = splitBaseline(results);
  return PAPER.map((paper) => judge(paper, models, w));
}

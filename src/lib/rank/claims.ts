import type { VariantResult } from '../schema/result';
import { splitBaseline, rankVariants, type RankedVariant } from './rank';

/** How a claim of the paper fares here. */
export type Verdict = 'confirmed' | 'refuted' | 'undecided';

/** What arXiv 2503.17783 says of its two stages: which precision, and which variant of all, is the best. */
export type ClaimName = 'precision' | 'pruning';

/** Where the variant that the paper puts first stands here. */
export type Finding =
  /** It was not run, or nothing beside it. */
  | { kind: 'missing' | 'alone' }
  /** It leads; `others` are those that it leads beyond their intervals, or those within it. */
  | { kind: 'leads' | 'leads within'; others: string[] }
  /** Another one leads, beyond its interval or within it. */
  | { kind: 'behind' | 'within'; leader: string };

export interface Claim {
  claim: ClaimName;
  verdict: Verdict;
  /** The variant that the paper puts first. */
  first: string;
  finding: Finding;
  /** Tickets and slices of `first` that this rests on; null where it was not run. */
  tickets: number | null;
  slices: number | null;
}

interface Paper {
  claim: ClaimName;
  /** Variants that the claim compares with each other. */
  compares: (variant: string) => boolean;
  first: string;
}

/** The variant that the paper puts first of all. */
export const PAPERS_BEST = 'fp16+2:4';

const PAPER: readonly Paper[] = [
  {
    claim: 'precision',
    compares: (variant) => !variant.includes('+') && !variant.includes('.') && !variant.includes('@'),
    first: 'fp16',
  },
  { claim: 'pruning', compares: () => true, first: PAPERS_BEST },
];

const VERDICTS: Readonly<Record<Finding['kind'], Verdict>> = {
  missing: 'undecided',
  alone: 'undecided',
  leads: 'confirmed',
  'leads within': 'undecided',
  behind: 'refuted',
  within: 'undecided',
};

const names = (rows: readonly RankedVariant[]) => rows.map(({ result }) => result.variant);

function find(own: RankedVariant | undefined, ranked: readonly RankedVariant[]): Finding {
  const [leader] = ranked;
  if (!leader || !own) return { kind: 'missing' };
  if (ranked.length < 2) return { kind: 'alone' };
  if (own !== leader) return { kind: own.standing === 'behind' ? 'behind' : 'within', leader: leader.result.variant };
  const others = ranked.filter((row) => row !== own);
  const unsure = others.filter(({ standing }) => standing !== 'behind');
  return unsure.length === 0
    ? { kind: 'leads', others: names(others) }
    : { kind: 'leads within', others: names(unsure) };
}

function judge({ claim, compares, first }: Paper, results: readonly VariantResult[], w: number): Claim {
  const { ranked } = rankVariants(
    results.filter(({ variant }) => compares(variant)),
    w,
  );
  const own = ranked.find(({ result }) => result.variant === first);
  const finding = find(own, ranked);
  return {
    claim,
    verdict: VERDICTS[finding.kind],
    first,
    finding,
    tickets: own?.result.tickets ?? null,
    slices: own?.result.slices ?? null,
  };
}

/** The claims of arXiv 2503.17783 beside what was measured here, at weight `w` of energy. */
export function claimsHere(results: readonly VariantResult[], w: number): Claim[] {
  const { models } = splitBaseline(results);
  return PAPER.map((paper) => judge(paper, models, w));
}

import { pairsFromText } from '../core/log-bytes';
import type { Evidence, VariantResult } from '../schema/result';
import { LEAST_SLICES } from '../schema/defaults';
import { splitBaseline, rankVariants, type RankedVariant } from './rank';

/** How a claim of the paper fares here. */
export type Verdict = 'confirmed' | 'refuted' | 'undecided';

/** What arXiv 2503.17783 says of its two stages: which precision, and which variant of all, is the best. */
export type ClaimName = 'precision' | 'pruning';

/** Where the variant that the paper puts first stands here. */
export type Finding =
  /** It was not run, or nothing beside it; or these runs cannot judge it: not the paper's own plan, disturbed, too few slices. */
  | { kind: 'missing' | 'alone' | 'partial' | 'disturbed' | 'few' }
  /** It leads; `others` are those that it leads for sure, or those that it does not. */
  | { kind: 'leads' | 'leads within'; others: string[] }
  /** Another one leads, for sure or not. */
  | { kind: 'behind' | 'within'; leader: string };

export interface Claim {
  claim: ClaimName;
  verdict: Verdict;
  /** Whether fine-tuned variants are compared, as the paper does; else those that answer as they came. */
  tuned: boolean;
  /** The variant that the paper puts first, without the part that fine-tunes it. */
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

/** The part of a recipe that fine-tunes. */
const TUNING = /\+lora[\da-z.-]*$/;
/** A variant without it. */
const base = (variant: string) => variant.replace(TUNING, '');

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
  partial: 'undecided',
  disturbed: 'undecided',
  few: 'undecided',
  leads: 'confirmed',
  'leads within': 'undecided',
  behind: 'refuted',
  within: 'undecided',
};

/** Normal quantile of a one-sided 97.5 % end. */
const Z = 1.959964;

/** Precisions of the paper's own plan: a verdict needs them all. */
const precisions = ['fp32', 'fp16', 'int8', 'int4'];
/** Disturbed slices beyond this share leave a claim undecided. */
const MOST_DISTURBED = 0.05;

/**
 * Whether R of `a` exceeds that of `b` for sure, by the SDs of their paired differences: R = w E_min / E + (1 - w) rho, so
 * SD of the difference = hypot(w phi SD of log E, (1 - w) SD of rho), timing and tickets being independent.
 */
function surely(a: RankedVariant, b: RankedVariant, w: number, sds: Sds): boolean {
  const [energy, quality] = [sds.energy(a, b), sds.quality(a, b)];
  if (energy === null || quality === null) return false;
  const phi = Math.sqrt(a.phi.mid * b.phi.mid);
  return a.score.mid - b.score.mid > Z * Math.hypot(w * phi * energy, (1 - w) * quality);
}

interface Sds {
  energy: (a: RankedVariant, b: RankedVariant) => number | null;
  quality: (a: RankedVariant, b: RankedVariant) => number | null;
}

function find(
  own: RankedVariant | undefined,
  ranked: readonly RankedVariant[],
  w: number,
  sds: Sds,
  evidence: Evidence,
  all: readonly VariantResult[],
): Finding {
  const [leader] = ranked;
  if (!leader || !own) return { kind: 'missing' };
  if (ranked.length < 2) return { kind: 'alone' };
  if (!precisions.every((name) => all.some(({ variant }) => base(variant) === name))) return { kind: 'partial' };
  const { slices, of } = evidence.disturbed;
  if (of > 0 && slices / of > MOST_DISTURBED) return { kind: 'disturbed' };
  if (evidence.slices < LEAST_SLICES) return { kind: 'few' };
  if (own !== leader) return { kind: surely(leader, own, w, sds) ? 'behind' : 'within', leader: leader.result.variant };
  const others = ranked.filter((row) => row !== own);
  const unsure = others.filter((row) => !surely(own, row, w, sds));
  const names = (rows: readonly RankedVariant[]) => rows.map(({ result }) => result.variant);
  return unsure.length === 0
    ? { kind: 'leads', others: names(others) }
    : { kind: 'leads within', others: names(unsure) };
}

/**
 * The claims of arXiv 2503.17783 beside what was measured here, at weight `w` of energy. Only an undisturbed run of enough
 * slices gives a verdict. The paper's models are fine-tuned: where all its precisions are here, those variants alone are
 * compared with each other, else those that are not.
 */
export function claimsHere(results: readonly VariantResult[], evidence: Evidence, w: number): Claim[] {
  const split = splitBaseline(results).models;
  const isTuned = ({ variant }: VariantResult) => TUNING.test(variant);
  const tuned = precisions.every((name) => split.some((r) => isTuned(r) && base(r.variant) === name));
  const models = split.filter((r) => isTuned(r) === tuned);
  const at = new Map(results.map((result, i) => [result, i]));
  const place = (row: RankedVariant) => at.get(row.result) ?? -1;
  const [energy, quality] = [evidence.energySd, evidence.qualitySd].map((text) =>
    pairsFromText(results.length, text),
  ) as [ReturnType<typeof pairsFromText>, ReturnType<typeof pairsFromText>];
  const sds: Sds = {
    energy: (a, b) => energy(place(a), place(b)),
    quality: (a, b) => quality(place(a), place(b)),
  };
  return PAPER.map(({ claim, compares, first }) => {
    const { ranked } = rankVariants(
      models.filter(({ variant }) => compares(base(variant))),
      w,
    );
    const own = ranked.find(({ result }) => base(result.variant) === first);
    const finding = find(own, ranked, w, sds, evidence, models);
    return {
      claim,
      tuned,
      verdict: VERDICTS[finding.kind],
      first,
      finding,
      tickets: own?.result.tickets ?? null,
      slices: own?.result.slices ?? null,
    };
  });
}

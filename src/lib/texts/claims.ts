import type { Claim, ClaimName, Verdict } from '../rank/claims';
import { plural, significant } from './format';

/** Why a claim is confirmed, refuted or neither here. */
function why({ first, finding, tickets, slices }: Claim): string {
  const n =
    tickets === null || slices === null ? '' : ` (n = ${plural(tickets, 'ticket')}, ${plural(slices, 'slice')})`;
  switch (finding.kind) {
    case 'missing':
      return `${first} has not been run here. To decide this, add it under "Variants" and run again.`;
    case 'alone':
      return `${first} stands alone here: there is nothing to compare it with.`;
    case 'leads':
      return `${first} leads ${finding.others.join(', ')} beyond their intervals${n}.`;
    case 'leads within':
      return `${first} leads, but not beyond the interval of ${finding.others.join(', ')}${n}.`;
    case 'behind':
      return `${finding.leader} leads, and ${first} is behind it beyond their intervals${n}.`;
    case 'within':
      return `${finding.leader} leads, but ${first} is within its interval${n}.`;
    default:
      return finding satisfies never;
  }
}

/** The paper's claims beside what was measured here. */
export const CLAIMS = {
  title: 'Beside the paper',
  about: (w: number) =>
    `What arXiv 2503.17783 found in a data centre, and what these runs say at a weight of energy of ${significant(w, 2)}. The paper's model and data are not public, so this is the same question, not the same experiment.`,
  claim: {
    precision: 'Stage one: of 32, 16, 8 and 4 bits, 16 bits is the best precision.',
    pruning: 'Stage two: 16 bits with 2:4 pruning is the best of all.',
  } satisfies Record<ClaimName, string>,
  verdict: { confirmed: 'Confirmed here', refuted: 'Refuted here', undecided: 'Undecided here' } satisfies Record<
    Verdict,
    string
  >,
  why,
} as const;

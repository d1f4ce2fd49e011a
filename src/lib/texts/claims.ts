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
    case 'partial':
      return `These runs are not the paper's own plan, which has 32, 16, 8 and 4 bits and the pruned ones: set it up on the page "Paper".`;
    case 'disturbed':
      return 'Too many slices were disturbed by other work on this device: close other programs and run again.';
    case 'few':
      return 'Too few slices tell energies apart: run at least six.';
    case 'leads':
      return `${first} leads ${finding.others.join(', ')} by more than their paired difference is uncertain${n}.`;
    case 'leads within':
      return `${first} leads, but not surely before ${finding.others.join(', ')}${n}.`;
    case 'behind':
      return `${finding.leader} leads, and ${first} is surely behind it${n}.`;
    case 'within':
      return `${finding.leader} leads, but not surely before ${first}${n}.`;
    default:
      return finding satisfies never;
  }
}

/** The paper's claims beside what was measured here. */
export const CLAIMS = {
  title: 'Beside the paper',
  about: (w: number, tuned: boolean) =>
    `What arXiv 2503.17783 found in a data centre, and what these runs say at a weight of energy of ${significant(w, 2)}. The paper's model and data are not public, so this is the same question, not the same experiment. ${tuned ? 'Fine-tuned variants alone are compared, as in the paper.' : "Inference only: the paper's models are fine-tuned first, and these runs did not fine-tune all four precisions."}`,
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

import { isEstimated } from '../schema/run';
import { interval, plural } from './format';
import type { VariantResult } from '../schema/result';

/** The page "Paper": its experiment, repeated here. */
export const PAPER = {
  title: 'The paper’s experiment',
  about:
    'arXiv 2503.17783 (Tran, Jaumard, Delgado 2025) asks which precision of a language model does fault tickets best for its energy, and whether pruning the best makes it better. Here the same two stages run on your device; its model and data are not public, so this is the same question, not the same experiment. Every precision is fine-tuned on your training tickets first (LoRA, rank 8), and answers once as it came and once fine-tuned.',
  setUp: 'Set up its two stages',
  setUpAbout:
    'Stage one: 32, 16, 8 and 4 bits, as they are and fine-tuned, ranked by R. Stage two: the best two, each with unstructured (half of the weights), structured (a quarter of the neurons) and 2:4 pruning; then 16 bits with 2:4, the paper’s winner, fine-tuned through its zeros, whichever two were best. Both tasks; the classical baseline beside them.',
  experiment: 'Experiment',
  choose: 'Choose',
  none: 'No experiment is stored here yet.',
  reading: 'Reading the experiment.',
  weight: 'Weight of energy',
  stage: [
    { title: 'Stage one: precision', missing: 'No variant of this stage has been run.' },
    { title: 'Stage two: pruning the best', missing: 'This experiment has no second stage yet.' },
  ],
  columns: (energy: string) => ['Variant', energy, 'Quality', 'R', 'n'],
  tier: ({ energy, tier }: VariantResult) => (energy ? (isEstimated(tier) ? 'estimated' : 'measured') : ''),
  quality: (r: VariantResult) => interval(r.quality, 2),
  n: (r: VariantResult) => `${plural(r.tickets, 'ticket')}, ${plural(r.slices, 'slice')}`,
} as const;

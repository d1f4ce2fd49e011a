import { isEstimated, type Range } from '../schema/run';
import { joules, plural } from './format';

/** What is said of a training. */
const ENDS = {
  steps: 'All steps are taken',
  patience: 'Stopped early, since validation tickets no longer became easier',
  seconds: 'The time is spent',
  joules: 'The joules are spent',
  stopped: 'Stopped',
  diverged: 'Stopped, since the loss was no number any more; what is kept is the last that was good. Try a lower --lr',
} as const;

const amount = (tier: string, mid: number) => `${isEstimated(tier) ? 'an estimated' : 'a measured'} ${joules(mid)}`;

export const TUNED = {
  tooLong: (answers: number) =>
    `${plural(answers, 'training answer')} did not fit into the model's context and took no part.`,
  spent: (seconds: number, { low, mid, high }: Range, tier: string, source: string) =>
    `Training took ${seconds.toFixed(0)} s and ${amount(tier, mid)} (${joules(low)} to ${joules(high)}), ${tier === 'profile' ? `by the profile ${source}` : `by ${source}`}.`,
  before: ({ seconds, joules: spent, tier }: { seconds: number; joules: Range | null; tier: string }) =>
    `It went on where an interrupted run ended, which had taken ${seconds.toFixed(0)} s and ${spent ? amount(tier, spent.mid) : 'unknown joules'} more. --fresh begins anew.`,
  computed: (engine: string, kernel: string) => `Computed by the engine ${engine}: ${kernel}.`,
  ended: (end: keyof typeof ENDS, steps: number) => `${ENDS[end]}, after ${plural(steps, 'step')}.`,
  gained: (before: number, after: number, tickets: number) =>
    `Loss of ${plural(tickets, 'validation answer')}: ${before.toFixed(3)} nats a token before, ${after.toFixed(3)} after.`,
};

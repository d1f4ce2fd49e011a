import { expect, it } from 'vitest';
import type { Claim } from '../rank/claims';
import { CLAIMS } from './claims';

const why = (finding: Claim['finding'], tickets: number | null = 1) =>
  CLAIMS.why({
    claim: 'precision',
    verdict: 'undecided',
    tuned: false,
    first: 'fp16',
    finding,
    tickets,
    slices: tickets && 5,
  });

it('says why each claim is confirmed, refuted or undecided, with its n', () => {
  const n = '(n = 1 ticket, 5 slices)';
  expect(why({ kind: 'leads', others: ['fp32'] })).toBe(
    `fp16 leads fp32 by more than their paired difference is uncertain ${n}.`,
  );
  expect(why({ kind: 'leads within', others: ['int8', 'int4'] })).toBe(
    `fp16 leads, but not surely before int8, int4 ${n}.`,
  );
  expect(why({ kind: 'behind', leader: 'int8' })).toBe(`int8 leads, and fp16 is surely behind it ${n}.`);
  expect(why({ kind: 'within', leader: 'int8' })).toBe(`int8 leads, but not surely before fp16 ${n}.`);
  for (const kind of ['missing', 'alone', 'partial', 'disturbed', 'few'] as const)
    expect(why({ kind }, null)).toMatch(/\.$/);
});

import { expect, it } from 'vitest';
import { exampleResult } from '../rank/example';
import { UNBOUND } from '../schema/result';
import { boundNote, boundSentence } from './bound';

const met = { asked: 0.03, reached: 0.021, slices: 14, met: true, why: null };
const result = (
  variant: string,
  bound = met as NonNullable<ReturnType<typeof exampleResult>['bound']>,
  counted = true,
) => exampleResult({ variant, bound, ...(counted ? { tier: 'counter' as const } : {}) });

it('says nothing where nothing was asked', () => {
  expect(boundSentence([exampleResult()])).toBeNull();
});

it('says what was reached, and where it was not, why', () => {
  expect(boundSentence([result('fp32'), result('int8')])).toBe(
    'Asked for: joules a ticket, net and gross, within ±3.0 % (95 %). All variants are, the widest ±2.1 %.',
  );
  const missed = { asked: 0.03, reached: 0.06, slices: 100, met: false, why: 'steps' as const };
  expect(boundSentence([result('fp32'), result('int8', missed)])).toMatch(
    /1 of 2 variants are, .*8-bit is not \(±6\.0 %\): the counter’s steps are too coarse/,
  );
  for (const why of UNBOUND)
    expect(boundNote({ ...missed, reached: null, why })).toMatch(
      /^Joules are not known within any bound after 100 slices: .+\.$/,
    );
});

it('says of estimates that repeats narrow nothing of what is not known of the device', () => {
  expect(boundSentence([result('fp32', met, false)])).toMatch(
    /estimates: .*nothing of what is not known of the device/,
  );
  expect(boundSentence([result('fp32')])).not.toMatch(/estimates/);
});

it('names a few of many', () => {
  const missed = { asked: 0.03, reached: 0.06, slices: 100, met: false, why: 'spread' as const };
  const said = boundSentence(Array.from({ length: 60 }, (_, i) => result(`int${i}`, missed))) ?? '';
  expect(said).toMatch(/57 others neither/);
  expect(said.length).toBeLessThan(900);
});

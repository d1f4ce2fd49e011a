import { describe, expect, it } from 'vitest';
import { JOULES, perTicket } from '../../src/lib/texts/energy';
import { bytes, duration, joules, plural, seconds, whole } from '../../src/lib/texts/format';
import { ANY, begins, entry, exactly, like, SOME } from '../e2e/words';

describe('texts as patterns', () => {
  it('take any number where a text was made with SOME, however it is written', () => {
    const written: [make: (n: number) => string, numbers: number[]][] = [
      [String, [7, 0.25, 12345]],
      [whole, [0, 7, 12_345]],
      [bytes, [512, 3e6, 2 ** 31]],
      [joules, [2e-9, 3e-4, 0.5, 12, 4e5]],
      [duration, [3, 50, 400, 7200, 9000]],
      [seconds, [2e-5, 0.35, 1.25, 300]],
      [(n) => plural(n, 'run'), [2, 18]],
      [(n) => perTicket(n, JOULES), [0.5, 12]],
    ];
    for (const [make, numbers] of written) for (const n of numbers) expect(make(n)).toMatch(exactly(make(SOME)));
  });

  it('take nothing else', () => {
    const said = `Run ${SOME} of 18, ${ANY}.`;
    expect('Run 3 of 18, about 50 s left.').toMatch(exactly(said));
    for (const other of ['Run of 18, about 50 s left.', 'Run 3 of 19, about 50 s left.', 'Run 3 of 18, .', 'Runs: 3'])
      expect(other).not.toMatch(like(said));
    expect('a+b (c)').toMatch(exactly('a+b (c)'));
    expect('aab c').not.toMatch(like('a+b (c)'));
    expect('So it is').not.toMatch(begins('it is'));
    expect('it is so').not.toMatch(exactly('it is'));
    expect('one or two').toMatch(begins('two', 'one'));
  });

  it('refuse a text that is not there', () => {
    expect(entry({ load: 'loading' }, 'load')).toBe('loading');
    expect(() => entry({ load: 'loading' }, 'lode')).toThrow(/lode/);
  });
});

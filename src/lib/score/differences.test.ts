import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confusion } from './confusion';
import { differences, type Piece } from './differences';

const text = (pieces: readonly Piece[]) => pieces.map((p) => p.text).join(' ');
const shared = (pieces: readonly Piece[]) =>
  pieces
    .filter((p) => p.shared)
    .map((p) => p.text)
    .join(' ');

describe('differences', () => {
  it('marks what only one text has', () => {
    expect(differences('restart the router now', 'restart router and wait').a).toEqual([
      { text: 'restart', shared: true },
      { text: 'the', shared: false },
      { text: 'router', shared: true },
      { text: 'now', shared: false },
    ]);
  });

  it('loses no word, and what is shared is the same on both sides', () => {
    const sentence = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 }).map((w) => w.join(' '));
    fc.assert(
      fc.property(sentence, sentence, (a, b) => {
        const d = differences(a, b);
        expect([text(d.a), text(d.b)]).toEqual([a, b]);
        expect(shared(d.a)).toBe(shared(d.b));
        if (a === b) expect(d.a.every((p) => p.shared)).toBe(true);
      }),
    );
  });

  it('keeps the end of very long texts', () => {
    const long = Array.from({ length: 900 }, (_, i) => `w${i}`).join(' ');
    expect(text(differences(long, 'w0').a)).toBe(long);
  });
});

describe('confusion', () => {
  it('counts true against chosen causes, known ones first, and only those that occur', () => {
    const pairs = [
      { reference: 'power', output: 'power' },
      { reference: 'power', output: 'fibre' },
      { reference: 'fibre', output: 'other' },
    ];
    expect(confusion(pairs, ['fibre', 'power', 'unused'])).toEqual({
      labels: ['fibre', 'power', 'other'],
      counts: [
        [0, 0, 1],
        [1, 1, 0],
        [0, 0, 0],
      ],
    });
  });
});

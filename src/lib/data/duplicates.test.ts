import { describe, expect, it } from 'vitest';
import { findDuplicates, jaccard, normalise, shingles } from './duplicates';
import { generateTickets } from './generator';

const sentence = (n: number) => Array.from({ length: 40 }, (_, i) => `w${(n * 7919 + i * 104729) % 5000}`).join(' ');

describe('findDuplicates', () => {
  it('drops texts that differ in case and signs only', () => {
    const { kept, original, exact } = findDuplicates(['Link down!', 'other text', 'link  DOWN', 'LINK: down.']);
    expect(kept).toEqual([0, 1]);
    expect([...original]).toEqual([-1, -1, 0, 0]);
    expect(exact).toBe(2);
  });

  it('groups texts that differ in a word, and keeps them', () => {
    const text = sentence(1);
    const { kept, group, near } = findDuplicates([
      sentence(2),
      text,
      sentence(3),
      `${text} today`,
      text.replace(/\w+$/, 'later'),
    ]);
    expect(kept).toHaveLength(5);
    expect([...group]).toEqual([0, 1, 2, 1, 1]);
    expect(near).toBe(2);
  });

  it('does not join texts that share half their words', () => {
    const half = sentence(1).split(' ').slice(0, 20).join(' ');
    const { near } = findDuplicates([`${half} ${sentence(4)}`, `${half} ${sentence(5)}`]);
    expect(near).toBe(0);
  });

  it('handles empty and one-word texts', () => {
    expect(findDuplicates([]).kept).toEqual([]);
    expect(findDuplicates(['', ' ', 'a', 'b']).kept).toEqual([0, 2, 3]);
  });

  it('stays linear where thousands share their boilerplate', () => {
    const texts = Array.from({ length: 5000 }, (_, i) => `${sentence(1)} number ${i}`);
    const { group } = findDuplicates(texts);
    expect(new Set(group).size).toBe(1);
  });

  // A file of 100,000 rows is another test's matter (import.test.ts).
  it('handles 20,000 tickets', () => {
    const texts = generateTickets({ count: 20_000, seed: 11 }).map(({ text }) => text);
    expect(findDuplicates(texts).kept.length).toBeGreaterThan(19_900);
  });
});

describe('jaccard', () => {
  it('is the share of common shingles', () => {
    expect(jaccard(shingles('a b c d'), shingles('a b c d'))).toBe(1);
    expect(jaccard(shingles('a b c d'), shingles('a b c e'))).toBeCloseTo(1 / 3);
    expect(jaccard(shingles('a b c'), shingles('d e f'))).toBe(0);
  });
});

describe('normalise', () => {
  it('keeps letters of every script and numbers', () =>
    expect(normalise(' Störung: ÜBER 5 % -> 光缆! ')).toBe('störung über 5 光缆'));
});

import { describe, expect, it } from 'vitest';
import { measureHalf, precision, recall } from './measure';

/** Fewer rounds than the bench, and floors as far below its figures as chance takes them. */
const LEAST: Readonly<Record<string, number>> = { person: 0.9, uncased: 0.9 };
const OTHERS = 0.95;

describe('redaction of labelled sentences', () => {
  it('hides what it should of the half that no rule was made by, and little else', () => {
    for (const row of measureHalf('unseen', 1)) {
      const least = LEAST[row.label] ?? OTHERS;
      expect(recall(row), `${row.label}, hidden`).toBeGreaterThanOrEqual(least);
      expect(precision(row) ?? 1, `${row.label}, right`).toBeGreaterThanOrEqual(least);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { searchExperiments } from './search';
import { experimentRow } from './testing';

const rows = Array.from({ length: 10_000 }, (_, i) => experimentRow(i));

describe('search', () => {
  it('finds rows that hold every word, wherever it stands, in their order', () => {
    expect(searchExperiments(rows, '  ')).toBe(rows);
    expect(searchExperiments(rows, 'BATTERY smollm2 2026-08').map((r) => r.hash)).toEqual(
      rows.filter((_, i) => i % 100 === 7 && i % 9 === 7).map((r) => r.hash),
    );
    expect(searchExperiments(rows, 'experiment 9999').map((r) => r.hash)).toEqual(['9999']);
    expect(searchExperiments(rows, 'nothing of the kind')).toEqual([]);
  });
});

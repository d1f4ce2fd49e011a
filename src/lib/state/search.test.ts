import { describe, expect, it } from 'vitest';
import type { StoredExperiment } from './stored-experiment';
import { searchExperiments } from './search';

const row = (i: number): StoredExperiment => ({
  hash: String(i),
  name: `Experiment ${i}`,
  note: i % 100 === 7 ? 'Cold morning, on battery' : '',
  createdAt: `2026-0${(i % 9) + 1}-01T00:00:00Z`,
  checkpoint: i % 2 ? 'SmolLM2-135M' : 'built-in',
  dataset: 'tickets of the northern region',
  runs: 12,
  summary: null,
});
const rows = Array.from({ length: 10_000 }, (_, i) => row(i));

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

import type { StoredExperiment } from './stored-experiment';

/** One of many stored experiments, for tests and benches of lists. */
export const experimentRow = (i: number): StoredExperiment => ({
  hash: String(i),
  name: `Experiment ${i}`,
  note: i % 100 === 7 ? 'Cold morning, on battery' : '',
  createdAt: `2026-0${(i % 9) + 1}-01T00:00:00Z`,
  checkpoint: i % 2 ? 'SmolLM2-135M' : 'built-in',
  dataset: 'tickets of the northern region',
  runs: 12,
  summary: null,
});

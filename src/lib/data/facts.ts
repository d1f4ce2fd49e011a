import type { DatasetRecord } from '../schema/dataset';

/** What pages say of a dataset, counted in one pass. */
export interface DatasetFacts {
  /** Tickets of each part. */
  splits: Record<DatasetRecord['split'][number], number>;
  /** Tickets of each cause, most frequent first. */
  classes: readonly (readonly [cause: string, count: number])[];
  /** Test tickets that have a cause, and those that have a response. */
  testable: { cause: number; response: number };
}

/** A dataset never changes, and several parts of a page ask the same of it. */
const known = new WeakMap<DatasetRecord, DatasetFacts>();

export function factsOf(dataset: DatasetRecord): DatasetFacts {
  const before = known.get(dataset);
  if (before) return before;
  const splits = { train: 0, validation: 0, test: 0 };
  const counts = new Map<string, number>();
  const testable = { cause: 0, response: 0 };
  for (const [i, { cause, response }] of dataset.tickets.entries()) {
    const part = dataset.split[i];
    if (part) splits[part]++;
    if (cause !== null) counts.set(cause, (counts.get(cause) ?? 0) + 1);
    if (part !== 'test') continue;
    if (cause !== null) testable.cause++;
    if (response !== null) testable.response++;
  }
  const facts = { splits, classes: [...counts].sort((a, b) => b[1] - a[1]), testable };
  known.set(dataset, facts);
  return facts;
}

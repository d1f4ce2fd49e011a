import type { DatasetRecord, DatasetSummaryRecord } from '../schema/dataset';
import { TEXT_BUDGET } from './tasks';

/** Classes that a summary names; a set with more is of another kind. */
const NAMED = 30;

/** What pages say of a dataset, counted in one pass. */
export function summaryOf({ hash, name, tickets, split, causes, counts }: DatasetRecord): DatasetSummaryRecord {
  const splits = { train: 0, validation: 0, test: 0 };
  const classes = new Map<string, number>();
  const testable = { cause: 0, response: 0 };
  let [labelled, textCharacters] = [0, 0];
  for (const [i, { text, cause, response }] of tickets.entries()) {
    const part = split[i];
    if (part) splits[part]++;
    textCharacters += Math.min(TEXT_BUDGET, text.length);
    if (cause !== null) {
      labelled++;
      classes.set(cause, (classes.get(cause) ?? 0) + 1);
    }
    if (part !== 'test') continue;
    if (cause !== null) testable.cause++;
    if (response !== null) testable.response++;
  }
  return {
    v: 1,
    hash,
    name,
    tickets: tickets.length,
    splits,
    testable,
    causes: causes.length,
    causeCharacters: causes.join('; ').length,
    classes: [...classes].sort((a, b) => b[1] - a[1]).slice(0, NAMED),
    classCount: classes.size,
    labelled,
    textCharacters,
    counts,
  };
}

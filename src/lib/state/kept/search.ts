import type { StoredExperiment } from './stored-experiment';

/** What is searched of each row, made once: typing a letter then costs a substring search a row. */
const texts = new WeakMap<StoredExperiment, string>();

function textOf(row: StoredExperiment): string {
  let text = texts.get(row);
  if (text === undefined) {
    const { name, note, checkpoint, dataset, createdAt, summary } = row;
    text = [name, note, checkpoint, dataset, createdAt, summary?.winner?.variant ?? ''].join('\n').toLowerCase();
    texts.set(row, text);
  }
  return text;
}

/** Rows that hold every word of the query, in their order. Dates match as written in ISO 8601 (`2026-03`). */
export function searchExperiments(rows: readonly StoredExperiment[], query: string): readonly StoredExperiment[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? rows : rows.filter((row) => words.every((word) => textOf(row).includes(word)));
}

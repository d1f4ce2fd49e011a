/** Counts of true against chosen causes: `counts[t][p]` tickets of cause `labels[t]` were answered `labels[p]`. */
export interface Confusion {
  labels: string[];
  counts: number[][];
}

/** @param order causes that come first, in this order; others that occur follow in order of appearance */
export function confusion(
  pairs: readonly { reference: string; output: string }[],
  order: readonly string[] = [],
): Confusion {
  const occurring = new Set(pairs.flatMap(({ reference, output }) => [reference, output]));
  const labels = [...new Set([...order.filter((label) => occurring.has(label)), ...occurring])];
  const indexOf = new Map(labels.map((label, i) => [label, i]));
  const counts = labels.map(() => labels.map(() => 0));
  for (const { reference, output } of pairs) {
    const row = counts[indexOf.get(reference) as number] as number[];
    const column = indexOf.get(output) as number;
    row[column] = (row[column] as number) + 1;
  }
  return { labels, counts };
}

/** What may have spoiled a measurement; these sentences stand in the record of a run. */
export const CONDITIONS = {
  hidden: 'The tab was hidden during the run; browsers slow hidden tabs down.',
  battery: 'The device ran on battery, where it may clock lower.',
  pressure: 'The processor was under pressure: other work or heat may have slowed the run.',
  slowing: (times: number) =>
    `A later repeat took ${Math.round((times - 1) * 100)} % longer than the first: the device slowed down, by heat or by other work.`,
} as const;

/** Times that a sentence of `slowing` tells, in percent; null where it is another sentence. */
function slowedBy(sentence: string): number | null {
  const [, percent] = /^A later repeat took (\d+) % longer/.exec(sentence) ?? [];
  return percent === undefined ? null : Number(percent);
}

/** Sentences of several runs, each once; of repeats that slowed down the worst speaks for all. */
export function withoutRepetition(sentences: readonly string[]): string[] {
  const worst = Math.max(...sentences.map((s) => slowedBy(s) ?? -Infinity));
  return [...new Set(sentences)].filter((s) => slowedBy(s) === null || slowedBy(s) === worst);
}

/** From here on nobody thinks in percent. */
const MANY_TIMES = 3;

/** What may have spoiled a measurement; these sentences stand in the record of a run. */
export const CONDITIONS = {
  hidden: 'The tab was hidden during the run; browsers slow hidden tabs down.',
  battery: 'The device ran on battery, where it may clock lower.',
  pressure: 'The processor was under pressure: other work or heat may have slowed the run.',
  otherTab: 'Another tab ran an experiment at the same time, so both had less of the processor.',
  slowing: (times: number) =>
    times > MANY_TIMES
      ? `A later slice took ${Math.round(times)} times as long as the first: the device slept, or other work held it up.`
      : `A later slice took ${Math.round((times - 1) * 100)} % longer than the first: the device slowed down, by heat or by other work.`,
} as const;

/** Times that a sentence of `slowing` tells; null where it is another sentence. */
function slowedBy(sentence: string): number | null {
  const [, figure, unit] = /^A later slice took (\d+) (%|times)/.exec(sentence) ?? [];
  if (figure === undefined) return null;
  return unit === '%' ? 1 + Number(figure) / 100 : Number(figure);
}

/** Sentences of several runs, each once; of slices that slowed down the worst speaks for all. */
export function withoutRepetition(sentences: readonly string[]): string[] {
  const worst = Math.max(...sentences.map((s) => slowedBy(s) ?? -Infinity));
  return [...new Set(sentences)].filter((s) => slowedBy(s) === null || slowedBy(s) === worst);
}

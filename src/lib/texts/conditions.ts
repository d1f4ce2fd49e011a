/** What may have spoiled a measurement; these sentences stand in the record of a run. */
export const CONDITIONS = {
  hidden: 'The tab was hidden during the run; browsers slow hidden tabs down.',
  battery: 'The device ran on battery, where it may clock lower.',
  pressure: 'The processor was under pressure: other work or heat may have slowed the run.',
  otherTab: 'Another tab ran an experiment at the same time, so both had less of the processor.',
  slowing: (times: number) =>
    `A later repeat took ${Math.round((times - 1) * 100)} % longer than the first: the device slowed down, by heat or by other work.`,
} as const;

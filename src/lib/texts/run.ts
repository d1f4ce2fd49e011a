/** How a run ended, and what is said of it. */
export const RUN = {
  finished: (runs: number, failed: number) => `Finished: ${runs} runs${failed > 0 ? `, ${failed} failed` : ''}.`,
  stopped: 'Stopped. Finished runs are kept; Resume goes on where it stopped.',
  failed: (variant: string, task: string, repeat: number) => `${variant}, ${task}, repeat ${repeat}`,
  chosenProfile: 'Chosen by you.',
  noPlan: 'This experiment is no longer stored here.',
  noTickets: (name: string) =>
    `The tickets ${name} are no longer stored here. Import them again and run a new experiment.`,
  noDevice: 'The device could not be looked at.',
} as const;

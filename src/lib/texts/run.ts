/** How a run ended, and what is said of it. */
export const RUN = {
  finished: (runs: number, failed: number) => `Finished: ${runs} runs${failed > 0 ? `, ${failed} failed` : ''}.`,
  stopped: 'Stopped. Finished runs are kept; Resume goes on where it stopped.',
  failed: (variant: string, task: string, repeat: number) => `${variant}, ${task}, repeat ${repeat}`,
  chosenProfile: 'Chosen by you.',
} as const;

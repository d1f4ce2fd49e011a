import { quote } from '../core/errors';
import type { TaskName } from '../schema/run';

/** How a run ended, and what keeps it from beginning. */
export const RUN = {
  finished: (runs: number, failed: number) => `Finished: ${runs} runs${failed > 0 ? `, ${failed} failed` : ''}.`,
  stopped: 'Stopped. Finished runs are kept; Resume goes on where it stopped.',
  failed: (variant: string, task: string, slice: number) => `${variant}, ${task}, slice ${slice}`,
  chosenProfile: 'Chosen by you.',
  noPlan: 'This experiment is no longer stored here.',
  noTickets: (name: string) =>
    `The tickets ${quote(name)} are no longer stored here. Import them again and run a new experiment.`,
  noDevice: 'The device could not be looked at.',
  noModel: 'The model could not be downloaded.',
  noAnswers: (name: string, task: TaskName) =>
    `No test ticket of ${quote(name)} has an answer for the task ${task}. Open "Tickets" and drop it.`,
  noColumn: (name: string, task: TaskName) =>
    `No test ticket of ${quote(name)} has ${task === 'rca' ? 'a cause' : 'a response'}; map a column to it, or drop the task ${task}.`,
  noCalibration: (name: string) =>
    `This experiment calibrates on the text ${quote(name)}, which is not kept here. Run it again from the command line with --calib.`,
  elsewhere: 'Another tab is running this very plan. Watch it there, or stop it there first.',
  oneThreadFree: (cores: number) =>
    `It ran on ${cores - 1} of ${cores} threads: with all of them equal pieces of work took longer or swung more, because something else needs a thread.`,
  skipped: 'Skipped by you. Finished slices are kept; Resume tries it again.',
  needed:
    'An experiment is running in another tab and needs what is stored here, so nothing was deleted. Stop it there, or wait for its end.',
} as const;

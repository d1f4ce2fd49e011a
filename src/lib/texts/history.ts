import { isEstimated } from '../schema/run';
import type { PlanSummary } from '../plan/summary';
import { perTicket, type EnergyUnit } from './energy';
import { plural, whole } from './format';

/** Experiments kept in this browser: the short list of the first page and the whole one of the history. */
export const HISTORY = {
  title: 'History',
  about: 'Every experiment that this browser keeps, newest first. Tickets, results and notes stay on this device.',
  none: 'None yet. What you run on the first page is kept here.',
  reading: 'Reading what is kept.',
  search: 'Search names, notes, models, tickets, winners and dates (2026-03)',
  found: (n: number, of: number) =>
    n === of ? `${whole(of)} ${of === 1 ? 'experiment' : 'experiments'}` : `${whole(n)} of ${whole(of)} experiments`,
  nothing: 'No experiment holds all these words.',
  list: 'Experiments',
  show: 'Show',
  shown: 'Shown',
  resume: 'Resume',
  edit: 'Name and notes',
  remove: 'Delete',
  /** Buttons of a row say to a screen reader which row they are of. */
  of: (what: string, name: string) => `${what}: ${name}`,
  removed: (name: string, runs: number) =>
    `Deleted ${name} with ${plural(runs, 'run')}. Leaving this page makes it final.`,
  undo: 'Undo',
  name: 'Name',
  note: 'Notes',
  save: 'Save',
  cancel: 'Cancel',
  needsName: 'Give it a name.',
  standing: (runs: number, summary: PlanSummary | null) =>
    summary === null
      ? plural(runs, 'run')
      : summary.missing === 0
        ? `${plural(runs, 'run')}, complete`
        : `${plural(runs, 'run')}, ${summary.atLeast ? 'at least ' : ''}${plural(summary.missing, 'run')} missing (stopped or failed)`,
  winner: ({ variant, joules, tier }: NonNullable<PlanSummary['winner']>, unit: EnergyUnit) =>
    [`Best: ${variant}, ${isEstimated(tier) ? 'estimated' : 'measured'} `, perTicket(joules, unit)] as const,
  noWinner: 'No ranking yet.',
} as const;

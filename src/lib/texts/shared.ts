import type { CheckpointRef } from '../schema/plan';
import { listed, plural } from './format';

/** What a link opens: results or a recipe from elsewhere. */
export const SHARED = {
  title: 'Joulewise: shared',
  open: 'Open a result file (JSON)',
  reading: 'Reading the link.',
  broken: { link: 'This link cannot be shown', file: 'This file cannot be shown' },
  own: 'Run your own experiment',
  emptyTitle: 'Shared results and recipes open here',
  empty: 'Such a link ends in "#" and a long text that holds everything; nothing is asked of a server.',
  unchecked: (source: 'link' | 'file') =>
    `These results come from a ${source}, measured or estimated on another device. Nobody has checked them.`,
  csv: 'Save as CSV',
  json: 'Save as JSON',
  recipe: 'A recipe: run this on your device',
  checkpoint: (ref: CheckpointRef) => {
    switch (ref.kind) {
      case 'builtin':
        return 'Model: the built-in model.';
      case 'hub':
        return `Model: ${ref.repo} from the Hugging Face Hub.`;
      case 'stored':
        return `Model: the local checkpoint ${ref.name}.`;
      default:
        return ref satisfies never;
    }
  },
  best: (k: number, prunings: readonly string[]) => `the best ${k} with ${listed(prunings)}`,
  variants: (stages: readonly string[], baseline: boolean) =>
    `Variants: ${stages.join('; then ')}${baseline ? '; and a classical baseline' : ''}.`,
  tickets: (name: string, tasks: readonly string[]) => `Tickets: ${name} (not in the link); tasks: ${listed(tasks)}.`,
  budget: (limit: number, slices: number, engine: string, runs: number | null) =>
    `Budget: ${plural(limit, 'ticket')} per task, ${plural(slices, 'slice')}, engine ${engine}${runs === null ? '' : `; up to ${plural(runs, 'run')}`}.`,
  prompt: (task: string, title: string) => `Its own prompt for ${task}: ${title}`,
  withheld: (tasks: readonly string[]) => `Its own prompts for ${listed(tasks)} were left out of the link.`,
  download: 'When you press Run, the model comes from huggingface.co.',
  cost: {
    counting: 'Counting what it would take here.',
    here: 'On this device:',
    otherTickets: 'Its tickets are not here, so this is for tickets of the usual length.',
    unknown: 'What it takes on this device is known once the model is downloaded.',
    notHere:
      'Its model is not in this browser, so nobody can say what it takes here. Add the model under "Model" first.',
  },
  load: 'Load it',
  loadHint: 'It fills the cards of the first page; nothing runs before you press Run there.',
} as const;

import { listed, plural, whole } from './format';

/** The first page: four steps, and Run. */
export const SETUP = {
  title: 'Joulewise: which variant does your tickets on the fewest joules?',
  question:
    'Which variant of a language model does your fault tickets well enough on the fewest joules, on this device?',
  change: 'Change',
  close: 'Close',
  opening: 'Opening.',
  tickets: {
    title: 'Tickets',
    imported: (n: number, name: string) => `${plural(n, 'ticket')} from ${name}.`,
    generated: (n: number | null) => `${n === null ? 'Some' : n} generated telecom tickets.`,
    tasks: (tasks: readonly ('rca' | 'response')[]) =>
      tasks.length === 0
        ? 'No task chosen.'
        : `Tasks: ${listed(tasks.map((task) => ({ rca: 'find the root cause', response: 'write the response' })[task]))}.`,
    cost: 'They never leave this device.',
    fewer: (n: number) => `These tickets have ${n} for testing, so each run answers ${n}.`,
  },
  model: {
    title: 'Model',
    builtin: 'The built-in model.',
    builtinCost: 'Small, trained on generated tickets; about 7 MB from this site.',
    stored: (name: string) => `${name}, from this device.`,
    storedCost: 'Nothing to download.',
    hub: (repo: string) => `${repo} from the Hugging Face Hub.`,
    hubCost: 'Run downloads it from huggingface.co; tickets are not sent.',
  },
  variants: {
    title: 'Variants',
    none: 'No precision chosen',
    plain: (base: string) => `${base}.`,
    staged: (base: string, k: number, prunings: string) => `${base}; then the best ${k} with ${prunings}.`,
    crossed: (base: string, prunings: string) => `${base}; each precision also with ${prunings}.`,
    cost: (n: number, atMost: boolean, baseline: boolean) =>
      `${atMost ? 'Up to ' : ''}${plural(n, 'variant')}${baseline ? ', with a classical baseline' : ''}.`,
  },
  budget: {
    title: 'Budget',
    sentence: (limit: number, repeats: number, gpu: boolean) =>
      `${plural(limit, 'ticket')} per task, ${plural(repeats, 'repeat')}, on ${gpu ? 'the GPU' : 'the processor'}.`,
    profile: (label: string, chosen: boolean) =>
      `Energy estimated as for: ${label} (${chosen ? 'chosen' : 'guessed'}).`,
  },
  run: 'Run',
  runs: (n: number, atMost: boolean) => `${atMost ? 'up to ' : ''}${whole(n)} ${n === 1 ? 'run' : 'runs'}`,
  runHint: 'The time left is known after the first run. You can pause, stop and go on later.',
  reading: 'Reading the stored experiment.',
  preliminary: 'Still running: these results are preliminary and will change.',
  later: 'Results appear here after the first run.',
  kept: 'Experiments on this device',
  keptHint: 'The newest are here. All of them, with names, notes and search:',
} as const;

import type { TaskName } from '../schema/run';
import { bytes, duration, listed, plural, whole } from './format';

/** The first page: four steps, and Run. */
export const SETUP = {
  title: 'Joulewise: which variant does your tickets on the fewest joules?',
  headline: 'The leanest model that does your tickets',
  question:
    'Which variant of a language model does your fault tickets well enough on the fewest joules, on this device? Run finds out in this browser; tickets never leave it.',
  picture: {
    label: 'What one gets: variants by joules and quality, and the one to take',
    energy: 'joules a ticket',
    quality: 'quality',
    answer: 'take this one',
    floor: 'good enough',
  },
  /** In place of the question, below a run or its results. */
  again: {
    title: 'Change something and run again',
    open: 'Change the setup',
    close: 'Fold the setup away',
  },
  here: {
    region: 'On this device',
    looking: 'Looking at this device.',
    cores: (n: number) => plural(n, 'core'),
    engine: (gpu: boolean, threads: number) =>
      gpu
        ? 'Models run on the GPU (WebGPU).'
        : `Models run on the processor (WebAssembly, ${plural(threads, 'thread')}).`,
    oneThread: 'Threads cannot share memory on this host: one core works.',
    power: 'A browser tells no watts. Energy is estimated: counted bytes and operations times the power profile of',
    guessed: 'guessed; correct it under "Budget"',
    chosen: 'chosen by you',
  },
  processor: {
    label: 'Which processor?',
    placeholder: 'e.g. Ryzen, M3, Jetson',
    unknown: 'No profile or several have that name: choose from the list, or leave it to the guess.',
  },
  own: { tickets: 'Use my tickets', model: 'Use my model' },
  cost: {
    label: (seconds: number, energy: string, download: number | null) =>
      `about ${duration(seconds)}, ${energy}, ${download === null ? 'plus the' : download ? `${bytes(download)} to` : 'nothing to'} download`,
    between: (s: { low: number; high: number }, e: { low: string; high: string }) =>
      `Estimated: ${duration(s.low)} to ${duration(s.high)}, and ${e.low} to ${e.high} of the whole device, since its power is not known better.`,
    later: 'Time, energy and memory are known once the model is downloaded.',
    show: 'Cost of each variant',
    counting: 'Counting.',
  },
  change: 'Change',
  close: 'Close',
  opening: 'Opening.',
  tickets: {
    title: 'Tickets',
    imported: (n: number, name: string) => `${plural(n, 'ticket')} from ${name}.`,
    generated: (n: number | null) => `${n === null ? 'Some' : n} generated telecom tickets.`,
    tasks: (tasks: readonly TaskName[], own: Partial<Record<TaskName, { title: string } | undefined>> = {}) =>
      tasks.length === 0
        ? 'No task chosen.'
        : `Tasks: ${listed(tasks.map((task) => own[task]?.title ?? { rca: 'find the root cause', response: 'write the response', summary: 'summarise' }[task]))}.`,
    cost: 'They never leave this device.',
    fewer: (n: number) => `These tickets have ${n} for testing, so each run answers ${n}.`,
  },
  model: {
    title: 'Model',
    builtin: 'The built-in model.',
    builtinCost: 'Small, trained on generated tickets; comes with this site.',
    stored: (name: string) => `${name}, from this device.`,
    storedCost: 'Nothing to download.',
    hub: (repo: string) => `${repo} from the Hugging Face Hub.`,
    hubCost: 'Run downloads it from huggingface.co; tickets are not sent.',
  },
  variants: {
    title: 'Variants',
    none: 'No precision chosen',
    plain: (base: string) => `${base}.`,
    staged: (base: string, k: number, prunings: string, last: string) =>
      `${base}; then the best ${k} with ${prunings}${last ? `; then ${last}` : ''}.`,
    crossed: (base: string, prunings: string) => `${base}; each precision also with ${prunings}.`,
    cost: (n: number, atMost: boolean, baseline: boolean) =>
      `${atMost ? 'Up to ' : ''}${plural(n, 'variant')}${baseline ? ', with a classical baseline' : ''}.`,
  },
  budget: {
    title: 'Budget',
    sentence: (limit: number, slices: number, gpu: boolean) =>
      `${plural(limit, 'ticket')} per task, ${plural(slices, 'slice')}, on ${gpu ? 'the GPU' : 'the processor'}.`,
    profile: (label: string, chosen: boolean) =>
      `Energy estimated as for: ${label} (${chosen ? 'chosen' : 'guessed'}).`,
  },
  run: 'Run',
  runs: (n: number, atMost: boolean) => `${atMost ? 'up to ' : ''}${whole(n)} ${n === 1 ? 'run' : 'runs'}`,
  runsHint: (n: number, atMost: boolean) => `${atMost ? 'Up to ' : ''}${plural(n, 'run')}.`,
  runHint: 'You can pause, stop and go on later.',
  reading: 'Reading the stored experiment.',
  kept: 'Experiments on this device',
  keptHint: 'The newest are here. All of them, with names, notes and search:',
} as const;

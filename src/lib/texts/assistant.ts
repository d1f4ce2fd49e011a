import type { VariantResult } from '../schema/result';
import { type Boundary, type Range, type TaskName, isEstimated, type Tier } from '../schema/run';
import { energyRange, perTicket, type EnergyUnit } from './energy';
import { bytes, percent, plural, seconds } from './format';

/** The page "Assistant": a chosen variant at work, and its export. */
export const ASSISTANT = {
  title: 'Assistant',
  about:
    'Paste a ticket; the variant that won your experiment finds the cause and drafts the response on this device, and says what that takes.',
  none: 'The assistant uses the variants of an experiment. Run one first:',
  experiment: 'Experiment',
  reading: 'Reading the experiment.',
  variant: 'Variant',
  other: 'Compare with',
  option: ({ variant, energy, tier, quality }: VariantResult, unit: EnergyUnit) =>
    `${variant}${energy ? `, ${isEstimated(tier) ? 'estimated' : 'measured'} ${perTicket(energy.mid, unit)}` : ''}${quality ? `, quality ${quality.mid.toFixed(2)}` : ''}`,
  ticket: 'Ticket',
  example: 'Take a test ticket',
  answer: 'Answer',
  compare: 'Compare both',
  stop: 'Stop',
  privacy: 'The ticket stays on this device and is not stored.',
  opening: (share: number | null) => `Loading and compressing${share === null ? '' : `: ${percent(share)}`}.`,
  working: 'Working.',
  empty: 'Its answer appears here.',
  task: { rca: 'Cause', response: 'Drafted response', summary: 'Summary' } as Readonly<Record<TaskName, string>>,
  share: (share: number) => percent(share),
  sharesAbout: 'share of the probability, were these all the causes there are',
  took: (range: Range | null, tier: Tier, boundary: Boundary, unit: EnergyUnit) =>
    [
      range ? energyRange(range, unit) : 'energy unknown',
      `${isEstimated(tier) ? 'estimated' : 'measured'}, ${boundary}`,
    ] as const,
  time: (ms: number, prompt: number, fresh: number) =>
    `${seconds(ms / 1000)}; ${plural(prompt, 'token')} read${fresh > 0 ? `, ${fresh} written` : ''}`,
  total: (ms: number) => `Together: ${seconds(ms / 1000)}`,
  noExperiment: 'This experiment is no longer stored here.',
  noRun: (name: string) => `${name} has no finished run of a model yet. Run it first.`,
  noTickets: 'The tickets of this experiment are no longer stored here.',
  noDevice: 'The device could not be looked at.',
  stopped: 'Stopped.',
  noneOfThese:
    'None of these, as far as it can tell: its first guess is below the share at which it was right 95 % of the time.',
  noInterval: 'The range is what is not known about the device; one ticket has no slices.',
  export: {
    title: 'Take it with you',
    about: (variant: string) =>
      `${variant} as one file, without this page: nothing in it asks another host, so it runs in a closed network.`,
    formats: [
      {
        format: 'onnx',
        start: 'Save as ONNX',
        about:
          'A zip with the ONNX folder, the runtime library, a page that does the tasks of this experiment, a README, and a model card with the figures measured here.',
      },
      { format: 'gguf', start: 'Save as GGUF', about: 'One file for llama.cpp and what is built on it.' },
      {
        format: 'peft',
        start: 'Save the adapter',
        about: 'A zip with the adapter as PEFT saves it, to be used beside the checkpoint (also here: --adapter).',
      },
    ],
    sized: (start: string, size: number | null) => (size === null ? start : `${start}, ${bytes(size)}`),
    unsized: 'Its size is known once the model is here.',
    writing: (share: number | null) => `Writing${share === null ? '' : `: ${percent(share)}`}.`,
    saved: (name: string) => `Saved ${name}.`,
    noResult: 'This variant has no result.',
    readyMade: 'This variant is a ready-made export already: take its files from the Hub.',
    noRuntime: (name: string) => `${name} could not be fetched from this site. Check the connection and try again.`,
  },
} as const;

import type { Fit, SizedPrecision } from '../checkpoint/catalogue';
import type { DownloadProgress } from '../store/download';
import { bytes, percent, significant } from './format';

const FITS: Readonly<Record<Fit, string>> = {
  fits: 'fits here',
  tight: 'tight here',
  'too large': 'too large here',
  unknown: 'this browser does not tell its memory',
};

/** The panel of the step "Model". */
export const MODEL = {
  about:
    'The built-in model is small and was trained on tickets of the same generator (with other seeds), so that you can try everything at once. It says nothing about your own model.',
  useBuiltin: 'Use the built-in model',
  files:
    'Files from this device: one .gguf, or safetensors with config.json and tokenizer.json. They stay on this device.',
  drop: 'Or drop them here, or their folder.',
  sources: 'Where the model comes from',
  noFiles:
    'None of these files is part of a model. Take one .gguf, or a folder with .safetensors, config.json and tokenizer.json.',
  folder: 'Or a folder with such files',
  storing: (done: number, of: number) => `Storing: ${bytes(done)} of ${bytes(of)}`,
  use: 'Use it',
  chosen: 'Chosen',
  here: 'In this browser',
  remove: 'Delete',
  catalogue: 'From the Hugging Face Hub',
  catalogueAbout:
    'Memory is that of weights and cache for a ticket; the browser needs some more. Licences are those of the repositories: read them there.',
  size: (parameters: number, download: number) =>
    `${significant(parameters / 1e6)} M parameters, ${bytes(download)} to download`,
  memory: (precision: SizedPrecision, size: number) => `${precision} ${bytes(size)}`,
  fit: (best: { precision: SizedPrecision; fit: Fit }) =>
    best.fit === 'unknown' ? `Memory: ${FITS.unknown}.` : `Up to ${best.precision}: ${FITS[best.fit]}.`,
  fitsNone: 'Too large for this device at every precision.',
  exports: 'Use its ready-made exports',
  download: (size: number | null) => `Download it now${size === null ? '' : ` (${bytes(size)})`}`,
  stop: 'Stop',
  progress: ({ phase, bytes: done, of, bytesPerSecond }: DownloadProgress) =>
    `${phase === 'check' ? 'Checking size and SHA-256' : 'Downloading'}: ${bytes(done)}${of === null ? '' : ` of ${bytes(of)} (${percent(done / of)})`}${bytesPerSecond === null ? '' : `, ${bytes(bytesPerSecond)}/s`}`,
  isHere: 'Its files are in this browser.',
  repository: 'Another repository on the Hub',
  repositoryForm: 'owner/name',
  revision: 'Revision',
  privacy:
    'Only a Hub model talks to another server: its files come from huggingface.co when you press Download or Run, and go on where they stopped. Tickets are never sent.',
} as const;

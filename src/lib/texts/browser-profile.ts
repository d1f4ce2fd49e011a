import { plural } from './format';

/** Joules of a profile that Firefox recorded, beside those of stored runs. */
export const BROWSER_PROFILE = {
  title: 'Add a browser profile',
  about:
    'Firefox records the power of the processor where the system tells it: on Windows 11, on Macs, and on Linux where perf may read energy. Nothing is installed.',
  steps: [
    'Open profiler.firefox.com in Firefox, switch its button on, and choose the preset Power; a sampling interval of 1 ms makes joules of short phases surer.',
    'Start recording, then run an experiment in the same Firefox, and wait for its end.',
    'Capture the profile, save it as a file, and add it here. It stays on this device, and nothing but joules is kept of it.',
  ],
  file: 'A saved profile (.json or .json.gz)',
  reading: 'Reading the profile.',
  busy: 'An experiment is running. Add the profile when it has ended.',
  /** Runs that were told in all of their phases, and in some. */
  told: ({ whole, partly, source }: { whole: number; partly: number; source: string }) =>
    `${plural(whole + partly, 'run')} got counted joules (${source}).${
      partly > 0
        ? ` ${plural(partly, 'run')} of them only for some phases: what decides there is still the estimate. Start recording before the run.`
        : ''
    }`,
  none: 'No run got joules of this profile; all is as it was.',
  untold: {
    gone: (n: number) =>
      `${plural(n, 'run')} in the profile ${n === 1 ? 'is' : 'are'} not stored here, or ${n === 1 ? 'was' : 'were'} measured again later.`,
    graphics: (n: number) =>
      `${plural(n, 'run')} computed on graphics that this profile does not count, so what it counts would be too little.`,
    uncovered: (n: number) =>
      `${plural(n, 'run')} ${n === 1 ? 'has' : 'have'} marks in the profile, but it does not hold power over all of them: it began too late, or its buffer was full.`,
  },
} as const;

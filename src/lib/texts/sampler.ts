import { fixed } from './format';

/** Port that a sampler listens at where nothing else is said; `sampler/serve/server.ts` has the same. */
const PORT = '41943';

/** The part of the page "Device" about hardware counters. */
export const SAMPLER = {
  title: 'Measured energy',
  what: 'A page cannot read power. A small program beside the browser can: it reads the counters of this machine and answers this page alone. With it, joules are measured and not estimated.',
  how: 'In a terminal, in the folder of Joulewise:',
  command: 'npm run sampler -- serve',
  then: 'It shows a code. The browser may ask whether this page may reach devices on the local network: that is this program.',
  address: 'Address',
  addressValue: `http://127.0.0.1:${PORT}`,
  code: 'Code',
  pair: 'Pair',
  pairing: 'Pairing',
  forget: 'End the pairing',
  paired: (url: string) => `Paired with the sampler at ${url}. Runs take their joules from it.`,
  looking: 'Asking the sampler.',
  nothing: 'It found no counter that it can read, so runs are estimated.',
  columns: ['Counter', 'What it covers', 'Watts now'],
  scopes: {
    core: 'processor cores',
    uncore: 'graphics beside the cores',
    dram: 'memory',
    package: 'processor package',
    gpu: 'whole graphics card',
    soc: 'chip',
    board: 'board without its supply',
    psys: 'platform',
    battery: 'all that the battery feeds',
    wall: 'at the wall',
  } as Readonly<Record<string, string>>,
  watts: (w: number | null) => (w === null ? 'not known' : `${fixed(w, w < 10 ? 2 : 1)} W`),
  missing: 'Not read:',
  allow: 'allow it:',
  boundary: 'Count',
  boundaries: {
    auto: 'what suits the engine',
    gpu: 'the graphics card',
    package: 'the processor package',
    device: 'the whole device',
    system: 'all at the wall',
  },
  card: 'Graphics card that the browser uses',
  anyCard: 'the only one',
  badAddress: 'An address of this machine is wanted, as http://127.0.0.1:41943.',
} as const;

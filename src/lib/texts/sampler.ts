import type { SamplerDomain } from '../meter/sampler';
import type { Range } from '../schema/run';
import { fixed, listed } from './format';

/** Port that a sampler listens at where nothing else is said; `sampler/serve/server.ts` has the same. */
const PORT = '41943';

/** A reading that is older than this is late: a paired page has counters read every 100 ms, or every second where each starts a program. */
const LATE_MS = 5000;
const duration = (ms: number) => (ms < 1000 ? `${fixed(ms, ms < 10 ? 1 : 0)} ms` : `${fixed(ms / 1000, 1)} s`);

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
  columns: ['Counter', 'What it covers', 'Watts now', 'At rest', 'State'],
  /** What a counter's readings are like at the moment. */
  state({ watts, age, flags, period }: SamplerDomain): string {
    const said = flags.flatMap((flag) => SAMPLER.flags[flag] ?? []);
    if (age !== null && age > LATE_MS) said.unshift(`not read for ${fixed(age / 1000, 0)} s`);
    else if (watts === null) said.unshift('says nothing now');
    if (said.length > 0) return said.join('; ');
    return period === null ? 'fine' : `fine, new value every ${duration(period)}`;
  },
  flags: {
    wrap: 'began anew at its end, counted through',
    gap: 'not read for a moment',
    reset: 'was reset: what lies before is not known',
    implausible: 'said what no machine draws, left out',
    standstill: 'stands still',
  } as Readonly<Record<string, string>>,
  /** Where counters come from, and where none was found. */
  sources(all: readonly { title: string; counters: number }[]): string {
    const [some, none] = [all.filter(({ counters }) => counters > 0), all.filter(({ counters }) => counters === 0)];
    const from = some.map(({ title, counters }) => `${title} (${counters})`);
    return [
      from.length > 0 ? `Read: ${listed(from)}.` : '',
      none.length > 0 ? `Nothing to read by: ${listed(none.map(({ title }) => title))}.` : '',
    ]
      .filter(Boolean)
      .join(' ');
  },
  rest: (watts: Range | undefined) =>
    watts ? `${fixed(watts.mid, 2)} W (${fixed(watts.low, 2)}–${fixed(watts.high, 2)})` : 'not measured',
  measureRest: 'Measure at rest (10 s)',
  resting: 'Resting. Leave the device alone for 10 s.',
  restAbout: (at: string | null) =>
    `${at === null ? '' : `Measured at ${at}, over 10 s in which Joulewise did nothing; brackets are what the counter’s steps leave open. `}Runs measure rest themselves, before they begin and between slices, and take it off as net joules.`,
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

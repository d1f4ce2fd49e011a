import { TOOL_EVERY_MS, type Domain, type Found, type Missing, type Sample, type SourceRow } from '../domain';
import type { NvmlLibrary } from '../native';
import { numberIn, orNull, SystemFault, type System } from '../system';

const MOST_WATTS = 2000;
/** Milliseconds between updates that NVIDIA documents for neither; about 100 were measured (arXiv 2312.02741). */
const PERIOD = null;

const pci = (bus: string) =>
  bus
    .trim()
    .toLowerCase()
    .replace(/^0{4}(?=[\da-f]{4}:)/, '');

const MIG_NOTE = 'the whole card: several slices of it (MIG) share this counter';
const card = (index: number, name: string, bus: string, kind: Domain['kind'], mig: boolean): Domain => ({
  id: `nvidia:${index}`,
  source: 'nvidia',
  name: `${name.trim()} (${index})`,
  scope: 'gpu',
  within: null,
  kind,
  wrapsAt: null,
  mostWatts: MOST_WATTS,
  period: PERIOD,
  pci: pci(bus),
  notes: [
    ...(mig ? [MIG_NOTE] : []),
    ...(/\bG[HB]200\b/.test(name) ? ['whether the module beside the card is counted depends on the driver'] : []),
  ],
});

/** Seconds after which a card's counter and its power must agree, and by how much. */
const CHECK_S = 5;
const MOST_APART = 0.2;

/** Holds a card's energy counter against its power, and says so where they disagree: some laptops' counters do. */
class CrossCheck {
  #first: { at: number; joules: number } | null = null;
  #last: { at: number; watts: number } | null = null;
  #integrated = 0;
  #done = false;

  constructor(private readonly domain: Domain) {}

  note(at: number, joules: number, power: () => number | null): void {
    if (this.#done) return;
    const milliwatts = power();
    if (milliwatts === null) {
      this.#done = true;
      return;
    }
    const watts = milliwatts / 1000;
    if (this.#last) this.#integrated += ((this.#last.watts + watts) / 2) * ((at - this.#last.at) / 1000);
    this.#last = { at, watts };
    this.#first ??= { at, joules };
    if (at - this.#first.at < CHECK_S * 1000) return;
    this.#done = true;
    const counted = joules - this.#first.joules;
    if (Math.abs(counted - this.#integrated) > MOST_APART * Math.max(counted, this.#integrated))
      this.domain.notes.push(
        `its power and its energy counter disagree: ${this.#integrated.toFixed(0)} J and ${counted.toFixed(0)} J in ${CHECK_S} s; the counter is used`,
      );
  }
}

/** By the driver's library: total energy where the card has it, else power. */
function byLibrary(library: NvmlLibrary, system: System): Found {
  const cards = library.cards();
  const missing: Missing[] = [];
  const domains = cards.flatMap((c, i) => {
    const [energy, power] = [library.energy(i), library.power(i)];
    // A card that answers neither is unknown, never 0.
    if (energy === null && power === null) {
      missing.push({ what: `${c.name}: this card tells neither energy nor power`, command: null });
      return [];
    }
    return [card(i, c.name, c.pci, energy === null ? 'power' : 'counter', c.mig)];
  });
  const checks = new Map(domains.filter((d) => d.kind === 'counter').map((d) => [d.id, new CrossCheck(d)]));
  return {
    domains,
    missing,
    read: () => {
      const samples = new Map<string, Sample>();
      for (const d of domains) {
        const i = Number(d.id.split(':')[1]);
        const [energy, power] = d.kind === 'counter' ? [library.energy(i), null] : [null, library.power(i)];
        const at = system.now();
        if (energy !== null) checks.get(d.id)?.note(at, energy / 1000, () => library.power(i));
        samples.set(d.id, {
          at,
          joules: energy === null ? null : energy / 1000,
          watts: power === null ? null : power / 1000,
        });
      }
      return Promise.resolve(samples);
    },
    close: () => Promise.resolve(library.close()),
  };
}

const QUERY = [
  '--query-gpu=index,name,pci.bus_id,power.draw.instant,power.draw,mig.mode.current',
  '--format=csv,noheader,nounits',
];
/** Drivers before 530 do not know instant power. */
const OLD_QUERY = [
  '--query-gpu=index,name,pci.bus_id,power.draw,power.draw,mig.mode.current',
  '--format=csv,noheader,nounits',
];

interface Row {
  index: number;
  name: string;
  bus: string;
  watts: number | null;
  mig: boolean;
}

/** Lines of `nvidia-smi --query-gpu`; names hold commas on no card that is known. */
export const rowsOf = (text: string): Row[] =>
  text.split('\n').flatMap((line) => {
    const [index, name, bus, instant, mean, mig] = line.split(',').map((s) => s.trim());
    const at = numberIn(index);
    if (at === null || name === undefined || bus === undefined) return [];
    return [{ index: at, name, bus, watts: numberIn(instant) ?? numberIn(mean), mig: mig === 'Enabled' }];
  });

async function byTool(system: System): Promise<Found | null> {
  const ask = async (query: readonly string[]) => rowsOf(await system.run('nvidia-smi', query));
  let query = QUERY;
  let rows = await orNull(ask(query));
  if (!rows?.length) rows = await orNull(ask((query = OLD_QUERY)));
  if (!rows?.length) return null;
  const known = rows.filter((r) => r.watts !== null);
  const domains = known.map((r) => ({
    ...card(r.index, r.name, r.bus, 'power', r.mig),
    notes: [...card(r.index, r.name, r.bus, 'power', r.mig).notes, 'power is integrated: the tool tells no energy'],
  }));
  return {
    domains,
    missing: [
      ...rows
        .filter((r) => r.watts === null)
        .map((r) => ({ what: `${r.name}: this card does not tell its power`, command: null })),
      {
        what: "the driver's own energy counter needs a library to be called (koffi)",
        command: 'npm install --prefix sampler',
      },
    ],
    every: TOOL_EVERY_MS,
    async read() {
      const samples = new Map<string, Sample>();
      for (const r of (await orNull(ask(query))) ?? [])
        samples.set(`nvidia:${r.index}`, { at: system.now(), joules: null, watts: r.watts });
      return samples;
    },
  };
}

/** Cards of NVIDIA: total energy since the driver was loaded (Volta and later), else power. */
export const nvidia: SourceRow = {
  title: 'NVIDIA graphics cards',
  platforms: ['linux', 'win32'],
  async find(system): Promise<Found> {
    let library: NvmlLibrary | null = null;
    try {
      library = (await system.library('nvml')) as NvmlLibrary | null;
    } catch (error) {
      if (!(error instanceof SystemFault)) throw error;
    }
    if (library) return byLibrary(library, system);
    return (await byTool(system)) ?? { domains: [], missing: [], read: () => Promise.resolve(new Map()) };
  },
};

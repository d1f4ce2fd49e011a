import type { Domain, Found, Missing, Sample, SourceRow } from '../domain';
import { numberIn, orNull, SystemFault, type System } from '../system';

/**
 * Sensors of the kernel's hardware monitors (Documentation/hwmon/sysfs-interface in the Linux sources): energy in uJ, power in
 * uW, and where a chip has neither, mV times mA.
 */

/** Folders whose children are monitors; boards hang theirs on the bus too. */
const ROOTS = ['/sys/class/hwmon'] as const;
/** Older kernels of Jetson boards show their rails so, in mW. */
const JETSON = '/sys/bus/i2c/drivers/ina3221x';
const MICRO = 1e-6;
const MILLI = 1e-3;
const MOST_WATTS = 2000;

interface Sensor {
  domain: Domain;
  read: (system: System) => Promise<Pick<Sample, 'joules' | 'watts'>>;
}

const scaled = async (system: System, path: string, by: number) => {
  const value = numberIn(await orNull(system.read(path)));
  return value === null ? null : value * by;
};

const pciOf = (path: string | null) => /([\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d)(?:\/hwmon)?/i.exec(path ?? '')?.[1];

/** What to know of a graphics chip beside a processor: its sensor counts both, or, on some, nothing near the truth. */
const APU_NOTE =
  'a chip that holds the processor too: its sensor may count both, or far too little; a processor counter is better';
/** Graphics chips with less memory of their own than this share the processor's. */
const APU_BYTES = 4 * 2 ** 30;

async function graphics(system: System, at: string, name: string, missing: Missing[]): Promise<Sensor[]> {
  const real = await system.resolve(`${at}/device`);
  const pci = pciOf(real) ?? pciOf(await system.resolve(at));
  const memory = numberIn(await orNull(system.read(`${at}/device/mem_info_vram_total`)));
  const integrated = memory !== null && memory < APU_BYTES;
  const base = {
    source: 'hwmon',
    name: `${name}${pci ? ` ${pci}` : ''}`,
    scope: integrated ? ('soc' as const) : ('gpu' as const),
    within: null,
    wrapsAt: null,
    mostWatts: MOST_WATTS,
    period: null,
    ...(pci ? { pci } : {}),
    notes: integrated ? [APU_NOTE] : [],
  };
  const own = `hwmon:${name}${pci ? `-${pci}` : ''}`;
  const files = await system.list(at);
  const energy = files.find((f) => /^energy\d+_input$/.test(f));
  if (energy)
    return [
      {
        domain: { ...base, id: own, kind: 'counter' },
        read: async (s) => ({ joules: await scaled(s, `${at}/${energy}`, MICRO), watts: null }),
      },
    ];
  const power = ['power1_average', 'power1_input'].find((f) => files.includes(f));
  if (!power) {
    missing.push({ what: `${base.name}: has no sensor of power`, command: null });
    return [];
  }
  return [
    {
      domain: { ...base, id: own, kind: 'power' },
      read: async (s) => ({ joules: null, watts: await scaled(s, `${at}/${power}`, MICRO) }),
    },
  ];
}

/** Rails whose current is that of the whole board. */
const INPUT_RAIL = /^(?:VDD_IN|VIN_SYS_5V0|POM_5V_IN|VDD_SYS_IN|SYS5V)$/;
const RAIL_SCOPE = (label: string) => (INPUT_RAIL.test(label) ? ('board' as const) : ('soc' as const));

async function rails(system: System, at: string, chip: string): Promise<Sensor[]> {
  const files = await system.list(at);
  const channels = files.flatMap((f) => /^in(\d+)_input$/.exec(f)?.[1] ?? []);
  const out: Sensor[] = [];
  for (const n of channels) {
    if (!files.includes(`curr${n}_input`)) continue;
    const label = (await orNull(system.read(`${at}/in${n}_label`)))?.trim() ?? `channel ${n}`;
    out.push({
      domain: rail(chip, label),
      read: async (s) => {
        const [volts, amperes] = [
          await scaled(s, `${at}/in${n}_input`, MILLI),
          await scaled(s, `${at}/curr${n}_input`, MILLI),
        ];
        return { joules: null, watts: volts === null || amperes === null ? null : volts * amperes };
      },
    });
  }
  return out;
}

const rail = (chip: string, label: string): Domain => ({
  id: `hwmon:${chip}/${label}`,
  source: 'hwmon',
  name: label,
  scope: RAIL_SCOPE(label),
  within: null,
  kind: 'power',
  wrapsAt: null,
  mostWatts: 200,
  period: null,
  notes: ['a rail of the board: what its supply loses is not in it'],
});

async function jetsonRails(system: System): Promise<Sensor[]> {
  const out: Sensor[] = [];
  for (const chip of await system.list(JETSON))
    for (const device of (await system.list(`${JETSON}/${chip}`)).filter((d) => d.startsWith('iio:device'))) {
      const at = `${JETSON}/${chip}/${device}`;
      for (const file of await system.list(at)) {
        const n = /^in_power(\d+)_input$/.exec(file)?.[1];
        if (n === undefined) continue;
        const label = (await orNull(system.read(`${at}/rail_name_${n}`)))?.trim() ?? `channel ${n}`;
        out.push({
          domain: rail(chip, label),
          read: async (s) => ({ joules: null, watts: await scaled(s, `${at}/${file}`, MILLI) }),
        });
      }
    }
  return out;
}

const GRAPHICS = new Set(['amdgpu', 'xe', 'i915', 'nouveau']);
const RAILS = new Set(['ina3221', 'ina226', 'ina219', 'ina238']);

export const hwmon: SourceRow = {
  title: 'Sensors of graphics cards and boards',
  platforms: ['linux'],
  async find(system): Promise<Found> {
    const sensors: Sensor[] = [];
    const missing: Missing[] = [];
    for (const root of ROOTS)
      for (const entry of await system.list(root)) {
        const at = `${root}/${entry}`;
        const name = (await orNull(system.read(`${at}/name`)))?.trim() ?? '';
        if (GRAPHICS.has(name)) sensors.push(...(await graphics(system, at, name, missing)));
        else if (RAILS.has(name)) sensors.push(...(await rails(system, at, `${name}-${entry}`)));
      }
    sensors.push(...(await jetsonRails(system)));
    contain(sensors.map((s) => s.domain));
    return {
      domains: sensors.map((s) => s.domain),
      missing,
      async read() {
        const samples = new Map<string, Sample>();
        for (const { domain, read } of sensors)
          try {
            samples.set(domain.id, { at: system.now(), ...(await read(system)) });
          } catch (error) {
            // A card that is asleep says so with an error: a gap.
            if (!(error instanceof SystemFault)) throw error;
          }
        return samples;
      },
    };
  },
};

/** The board's input feeds all of its rails. */
function contain(domains: Domain[]): void {
  const input = domains.find((d) => d.scope === 'board');
  if (input) for (const d of domains) if (d.scope === 'soc' && d.id.startsWith('hwmon:ina')) d.within = input.id;
}

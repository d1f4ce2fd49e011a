import type { Domain, Found, Missing, Sample, SourceRow } from '../domain';
import { numberIn, orNull, type System } from '../system';

const ROOT = '/sys/class/power_supply';
const MICRO = 1e-6;
const MOST_WATTS = 400;

/** uW, else uA times uV; some drivers give a sign. Null while it is not discharging: then the mains feed the machine too. */
async function watts(system: System, at: string): Promise<number | null> {
  if ((await orNull(system.read(`${at}/status`)))?.trim() !== 'Discharging') return null;
  const power = numberIn(await orNull(system.read(`${at}/power_now`)));
  if (power !== null) return Math.abs(power) * MICRO;
  const [current, voltage] = [
    numberIn(await orNull(system.read(`${at}/current_now`))),
    numberIn(await orNull(system.read(`${at}/voltage_now`))),
  ];
  return current === null || voltage === null ? null : Math.abs(current) * MICRO * voltage * MICRO;
}

/** What a laptop's battery gives (Documentation/power/power_supply_class in the Linux sources). */
export const battery: SourceRow = {
  title: 'Battery',
  platforms: ['linux'],
  async find(system): Promise<Found> {
    const domains: Domain[] = [];
    const missing: Missing[] = [];
    const paths = new Map<string, string>();
    for (const name of await system.list(ROOT)) {
      const at = `${ROOT}/${name}`;
      if ((await orNull(system.read(`${at}/type`)))?.trim() !== 'Battery') continue;
      // Batteries of mice and keyboards are not this machine's.
      if ((await orNull(system.read(`${at}/scope`)))?.trim() === 'Device') continue;
      const id = `battery:${name}`;
      const says = await Promise.all(
        ['power_now', 'current_now'].map(async (f) => numberIn(await orNull(system.read(`${at}/${f}`)))),
      );
      if (says.every((v) => v === null)) {
        missing.push({ what: `${name}: tells its charge and not its power`, command: null });
        continue;
      }
      if ((await watts(system, at)) === null)
        missing.push({ what: `${name}: on mains; unplug the charger to measure by it`, command: null });
      paths.set(id, at);
      domains.push({
        id,
        source: 'battery',
        name,
        scope: 'battery',
        within: null,
        kind: 'power',
        wrapsAt: null,
        mostWatts: MOST_WATTS,
        period: null,
        notes: ['all that the battery feeds, screen and all'],
      });
    }
    // Two batteries feed one machine: both must be read for either to mean anything.
    if (domains.length > 1) for (const d of domains) d.notes.push('one of several batteries: their sum is the machine');
    return {
      domains,
      missing,
      async read() {
        const samples = new Map<string, Sample>();
        for (const [id, at] of paths)
          samples.set(id, { at: system.now(), joules: null, watts: await watts(system, at) });
        return samples;
      },
    };
  },
};

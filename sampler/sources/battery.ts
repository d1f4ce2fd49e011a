import { nothing, type Found, type Missing, type SourceRow } from '../domain';
import { numberIn, orNull, type System } from '../system';

const ROOT = '/sys/class/power_supply';
const MICRO = 1e-6;
const MOST_WATTS = 400;

/** uW, else uA times uV; some drivers give a sign. Null where neither can be read. */
async function powerOf(system: System, at: string): Promise<number | null> {
  const of = async (file: string) => numberIn(await orNull(system.read(`${at}/${file}`)));
  const power = await of('power_now');
  if (power !== null) return Math.abs(power) * MICRO;
  const [current, voltage] = [await of('current_now'), await of('voltage_now')];
  return current === null || voltage === null ? null : Math.abs(current) * MICRO * voltage * MICRO;
}

/**
 * Watts of all batteries together, since they feed one machine and take turns; null while none discharges or one charges:
 * then the mains feed it too.
 */
async function wattsOf(system: System, paths: readonly string[]): Promise<number | null> {
  let [sum, discharging] = [0, false];
  for (const at of paths) {
    const status = (await orNull(system.read(`${at}/status`)))?.trim();
    if (status === 'Charging') return null;
    if (status !== 'Discharging') continue;
    const watts = await powerOf(system, at);
    if (watts === null) return null;
    discharging = true;
    sum += watts;
  }
  return discharging ? sum : null;
}

/** What a laptop's batteries give (Documentation/power/power_supply_class in the Linux sources). */
export const battery: SourceRow = {
  title: 'Battery',
  platforms: ['linux'],
  async find(system): Promise<Found> {
    const missing: Missing[] = [];
    const paths: string[] = [];
    const names: string[] = [];
    for (const name of await system.list(ROOT)) {
      const at = `${ROOT}/${name}`;
      if ((await orNull(system.read(`${at}/type`)))?.trim() !== 'Battery') continue;
      // Batteries of mice and keyboards are not this machine's.
      if ((await orNull(system.read(`${at}/scope`)))?.trim() === 'Device') continue;
      if ((await powerOf(system, at)) === null)
        missing.push({ what: `${name}: tells its charge and not its power`, command: null });
      paths.push(at);
      names.push(name);
    }
    // One that does not tell its power may be the one that discharges.
    if (paths.length === 0 || missing.length > 0) return nothing(missing);
    if ((await wattsOf(system, paths)) === null)
      missing.push({ what: `${names.join(', ')}: on mains; unplug the charger to measure by it`, command: null });
    const id = `battery:${names.join('+')}`;
    return {
      domains: [
        {
          id,
          source: 'battery',
          name: names.join(' + '),
          scope: 'battery',
          within: null,
          kind: 'power',
          wrapsAt: null,
          mostWatts: MOST_WATTS,
          period: null,
          notes: ['all that the battery feeds, screen and all'],
        },
      ],
      missing,
      read: async () => new Map([[id, { at: system.now(), joules: null, watts: await wattsOf(system, paths) }]]),
    };
  },
};

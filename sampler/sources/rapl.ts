import type { Domain, Found, Missing, Scope, SourceRow } from '../domain';
import { numberIn, orNull, SystemFault, type System } from '../system';
import { virtualMachine } from './machine';

const ROOT = '/sys/class/powercap';
/** A zone, `:` for each level; the same domains again through memory-mapped registers. */
const ZONE = /^intel-rapl(-mmio)?:\d+(?::\d+)?$/;
const MICRO = 1e-6;
/** No socket takes more; the platform may. */
const MOST_WATTS: Readonly<Partial<Record<Scope, number>>> = { package: 1000, core: 1000, psys: 2000 };
const ELSE_WATTS = 500;
/** Milliseconds between updates: about 1 (Intel SDM, volume 3, "RAPL interfaces"). */
const PERIOD = 1;

/** What a zone's name says. AMD's zones have Intel's names. */
function scopeOf(name: string): Scope | null {
  if (/^package-\d+(?:-die-\d+)?$/.test(name)) return 'package';
  return (['psys', 'core', 'uncore', 'dram'] as const).find((s) => s === name) ?? null;
}

/** `sudo` once, until the next start of the machine. */
export const ALLOW_POWERCAP = 'sudo chmod a+r /sys/class/powercap/*/energy_uj';

/** Energy of processors by the kernel's powercap zones (Documentation/power/powercap in the Linux sources). */
export const rapl: SourceRow = {
  title: 'Processor counters (RAPL) by powercap',
  platforms: ['linux'],
  async find(system): Promise<Found> {
    const zones = (await system.list(ROOT)).filter((name) => ZONE.test(name));
    const domains: Domain[] = [];
    const paths = new Map<string, string>();
    const missing: Missing[] = [];
    const ids = new Map<string, string>();
    for (const zone of zones) {
      const name = (await orNull(system.read(`${ROOT}/${zone}/name`)))?.trim();
      const scope = name ? scopeOf(name) : null;
      if (!name || !scope) continue;
      const parent = zone.split(':').length > 2 ? (ids.get(zone.slice(0, zone.lastIndexOf(':'))) ?? null) : null;
      const id = parent ? `${parent}/${name}` : `rapl:${name}`;
      ids.set(zone, id);
      // The same domain through other registers.
      if (paths.has(id)) continue;
      try {
        await system.read(`${ROOT}/${zone}/energy_uj`);
      } catch (error) {
        if (!(error instanceof SystemFault)) throw error;
        missing.push(
          error.code === 'denied'
            ? { what: `${name}: only root may read this counter`, command: ALLOW_POWERCAP }
            : { what: `${name}: the kernel lists this counter and does not read it (${error.message})`, command: null },
        );
        continue;
      }
      const range = numberIn(await orNull(system.read(`${ROOT}/${zone}/max_energy_range_uj`)));
      paths.set(id, `${ROOT}/${zone}/energy_uj`);
      domains.push({
        id,
        source: 'rapl',
        name,
        scope,
        within: parent,
        kind: 'counter',
        wrapsAt: range === null ? null : range * MICRO,
        mostWatts: MOST_WATTS[scope] ?? ELSE_WATTS,
        period: PERIOD,
        notes: scope === 'package' ? ['counts the processor alone: a wall meter shows more'] : [],
      });
    }
    contain(domains);
    if (domains.length === 0 && missing.length === 0) missing.push(await nothingHere(system));
    return {
      domains,
      missing,
      async read() {
        const samples = new Map();
        for (const { id } of domains) {
          const value = numberIn(await orNull(system.read(paths.get(id) as string)));
          // A failed read is a gap: a 0 would look like a wrap and invent energy.
          if (value !== null) samples.set(id, { at: system.now(), joules: value * MICRO, watts: null });
        }
        return samples;
      },
    };
  },
};

/** The platform holds packages, and these the memory that stands beside them on small machines. */
function contain(domains: Domain[]): void {
  const psys = domains.find((d) => d.scope === 'psys');
  if (psys) for (const d of domains) if (d !== psys && d.within === null) d.within = psys.id;
}

async function nothingHere(system: System): Promise<Missing> {
  if (await virtualMachine(system)) return { what: 'no counter: this is a virtual machine', command: null };
  const cpu = (await orNull(system.read('/proc/cpuinfo'))) ?? '';
  const vendor = /vendor_id\s*:\s*(\S+)/.exec(cpu)?.[1];
  const family = numberIn(/cpu family\s*:\s*(\d+)/.exec(cpu)?.[1]);
  if (vendor === 'AuthenticAMD' && (family ?? 0) >= 0x17)
    return {
      what: `the kernel has no powercap zone for this processor (AMD family ${(family ?? 0).toString(16).toUpperCase()}h), though it counts`,
      command: 'sudo modprobe intel_rapl_msr',
    };
  if (vendor === 'GenuineIntel')
    return { what: 'the kernel has no powercap zone for this processor', command: 'sudo modprobe intel_rapl_common' };
  return { what: 'this processor has no energy counter that the kernel knows', command: null };
}

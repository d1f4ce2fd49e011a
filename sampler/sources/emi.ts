import { nothing, TOOL_EVERY_MS, type Domain, type Found, type Sample, type Scope, type SourceRow } from '../domain';
import { numberIn, orNull, type System } from '../system';

/** Joules of a picowatt-hour, the unit of Windows' energy meters (EMI_MEASUREMENT_DATA, Windows driver documentation). */
const PICOWATT_HOUR = 3600e-12;
const MOST_WATTS = 1000;

/** Channels by their names; meters of single cores are left to the package that holds them. */
function scopeOf(channel: string): Scope | null {
  if (/^rapl_package\d+_pkg$/i.test(channel)) return 'package';
  if (/^rapl_package\d+_pp0$/i.test(channel)) return 'core';
  if (/^rapl_package\d+_pp1$/i.test(channel)) return 'uncore';
  if (/^rapl_package\d+_dram$/i.test(channel)) return 'dram';
  return /^(?:psys|rapl_psys)$/i.test(channel) ? 'psys' : null;
}

const COUNTER = '\\Energy Meter(*)\\Energy';

/** Name and value of each instance in the two lines that typeperf prints as CSV. */
export function metersOf(csv: string): Map<string, number> {
  const lines = csv.split(/\r?\n/).filter((l) => l.startsWith('"'));
  const cells = (line: string) => [...line.matchAll(/"([^"]*)"/g)].map(([, cell]) => cell as string);
  const [names, values] = [cells(lines[0] ?? ''), cells(lines[1] ?? '')];
  return new Map(
    names.flatMap((name, i) => {
      const meter = /\\Energy Meter\(([^)]*)\)\\Energy$/i.exec(name)?.[1];
      const value = numberIn(values[i]);
      return meter !== undefined && meter !== '_Total' && value !== null ? [[meter, value] as const] : [];
    }),
  );
}

/** Windows' energy meters, by the performance counter of their name: no administrator is needed. */
export const emi: SourceRow = {
  title: "Windows' energy meters",
  platforms: ['win32'],
  async find(system: System): Promise<Found> {
    const ask = async () => metersOf(await system.run('typeperf', [COUNTER, '-sc', '1']));
    const meters = await orNull(ask());
    const channels = [...(meters?.keys() ?? [])].flatMap((name) => {
      const scope = scopeOf(name);
      return scope ? [{ name, scope }] : [];
    });
    if (channels.length === 0)
      return nothing([
        { what: 'Windows lists no energy meter: a virtual machine, or hardware without one', command: null },
      ]);
    const packageOf = (name: string) => /package(\d+)/i.exec(name)?.[1] ?? '0';
    const domains = channels.map(({ name, scope }): Domain => ({
      id: `emi:${name}`,
      source: 'emi',
      name,
      scope,
      within:
        scope === 'core' || scope === 'uncore'
          ? (channels.flatMap((c) =>
              c.scope === 'package' && packageOf(c.name) === packageOf(name) ? [`emi:${c.name}`] : [],
            )[0] ?? null)
          : null,
      kind: 'counter',
      wrapsAt: null,
      mostWatts: MOST_WATTS,
      period: null,
      notes: scope === 'package' ? ['counts the processor alone: a wall meter shows more'] : [],
    }));
    const psys = domains.find((d) => d.scope === 'psys');
    if (psys) for (const d of domains) if (d !== psys && d.within === null) d.within = psys.id;
    return {
      domains,
      missing: [],
      every: TOOL_EVERY_MS,
      async read() {
        const values = await orNull(ask());
        const at = system.now();
        const samples = new Map<string, Sample>();
        for (const { id, name } of domains) {
          const value = values?.get(name);
          if (value !== undefined) samples.set(id, { at, joules: value * PICOWATT_HOUR, watts: null });
        }
        return samples;
      },
    };
  },
};

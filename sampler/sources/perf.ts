import type { Domain, Found, Missing, Scope, SourceRow } from '../domain';
import type { PerfLibrary } from '../native';
import { numberIn, orNull, SystemFault } from '../system';

const ROOT = '/sys/bus/event_source/devices/power';
const SCOPES: Readonly<Record<string, Scope>> = {
  'energy-pkg': 'package',
  'energy-cores': 'core',
  'energy-gpu': 'uncore',
  'energy-ram': 'dram',
  'energy-psys': 'psys',
};
/** Least restrictive setting of the kernel that lets everybody count over the whole machine. */
const MOST_PARANOID = 0;
const ALLOW_PERF = 'sudo sysctl kernel.perf_event_paranoid=0';
const MOST_WATTS = 1000;

/** Processors of a list as `0,8-9`. */
export function cpusOf(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [from, to = from] = part.split('-').map((n) => numberIn(n));
      if (from === null || from === undefined || to === null || to === undefined) return [];
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
}

/** Energy of processors by the kernel's performance events; 64 bits wide, so they do not wrap (perf_event_open, man 2). */
export const perf: SourceRow = {
  title: 'Processor counters (RAPL) by performance events',
  platforms: ['linux'],
  async find(system): Promise<Found> {
    const type = numberIn(await orNull(system.read(`${ROOT}/type`)));
    const none = (missing: Missing[] = []): Found => ({ domains: [], missing, read: () => Promise.resolve(new Map()) });
    if (type === null) return none();
    const events = (await system.list(`${ROOT}/events`)).filter((e) => Object.hasOwn(SCOPES, e));
    const library = (await system.library('perf')) as PerfLibrary | null;
    if (!library)
      return none([
        { what: 'performance events need a library to be opened (koffi)', command: 'npm install --prefix sampler' },
      ]);
    const paranoid = numberIn(await orNull(system.read('/proc/sys/kernel/perf_event_paranoid'))) ?? MOST_PARANOID;
    const cpus = cpusOf((await orNull(system.read(`${ROOT}/cpumask`))) ?? '0');
    const domains: Domain[] = [];
    const missing: Missing[] = [];
    const open: { id: string; scale: number; read: () => bigint | null; close: () => void }[] = [];
    for (const event of events) {
      const config = numberIn(/event=(0x[\da-f]+)/i.exec(await system.read(`${ROOT}/events/${event}`))?.[1]);
      const scale = numberIn(await orNull(system.read(`${ROOT}/events/${event}.scale`)));
      const unit = (await orNull(system.read(`${ROOT}/events/${event}.unit`)))?.trim();
      if (config === null || scale === null || unit !== 'Joules') continue;
      for (const [socket, cpu] of cpus.entries()) {
        const scope = SCOPES[event] as Scope;
        const id = `perf:${event}-${socket}`;
        try {
          open.push({ id, scale, ...library.open(type, config, cpu) });
        } catch (error) {
          if (!(error instanceof SystemFault)) throw error;
          const denied = error.code === 'denied' || paranoid > MOST_PARANOID;
          missing.push({
            what: denied ? `${event}: the kernel lets only root count it` : `${event}: ${error.message}`,
            command: denied ? ALLOW_PERF : null,
          });
          continue;
        }
        domains.push({
          id,
          source: 'perf',
          name: cpus.length > 1 ? `${event} of socket ${socket}` : event,
          scope,
          within: scope === 'core' || scope === 'uncore' ? `perf:energy-pkg-${socket}` : null,
          kind: 'counter',
          wrapsAt: null,
          mostWatts: MOST_WATTS,
          period: 1,
          notes: scope === 'package' ? ['counts the processor alone: a wall meter shows more'] : [],
        });
      }
    }
    const psys = domains.find((d) => d.scope === 'psys');
    if (psys) for (const d of domains) if (d !== psys && d.within === null) d.within = psys.id;
    return {
      domains,
      missing,
      read: () => {
        const samples = new Map();
        for (const { id, scale, read } of open) {
          const value = read();
          if (value !== null) samples.set(id, { at: system.now(), joules: Number(value) * scale, watts: null });
        }
        return Promise.resolve(samples);
      },
      close: () => {
        for (const { close } of open) close();
        return Promise.resolve();
      },
    };
  },
};

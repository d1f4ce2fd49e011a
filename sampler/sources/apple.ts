import { nothing, TOOL_EVERY_MS, type Domain, type Found, type Missing, type Sample, type SourceRow } from '../domain';
import { numberIn, orNull, type System } from '../system';

const MOST_WATTS = 1000;
const PLATFORM_NOTE = 'powered parts by the system controller';

const domain = (name: string, scope: Domain['scope'], kind: Domain['kind'], notes: string[]): Domain => ({
  id: `apple:${name}`,
  source: 'apple',
  name,
  scope,
  within: scope === 'psys' ? null : 'apple:sys_power',
  kind,
  wrapsAt: null,
  mostWatts: MOST_WATTS,
  period: null,
  notes,
});

/** Fields of `macmon pipe`, by their exact names: others hold parts of these. */
const MACMON: Readonly<Record<string, Domain['scope']>> = {
  sys_power: 'psys',
  cpu_power: 'core',
  gpu_power: 'gpu',
  ane_power: 'uncore',
};

/** Watts of a line of `macmon pipe`; null where it is none. */
export function macmonOf(line: string): Map<string, number> | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const all = parsed as Record<string, unknown>;
  return new Map(
    Object.keys(MACMON).flatMap((key) => (typeof all[key] === 'number' ? [[`apple:${key}`, all[key]] as const] : [])),
  );
}

async function byMacmon(system: System): Promise<Found | null> {
  const ask = async () =>
    macmonOf((await system.run('macmon', ['pipe', '-s', '1', '-i', '100'])).trim().split('\n').at(-1) ?? '');
  const first = await orNull(ask());
  if (!first?.size) return null;
  const domains = [...first.keys()].map((id) => {
    const name = id.slice('apple:'.length);
    const scope = MACMON[name] as Domain['scope'];
    return domain(name, scope, 'power', [scope === 'psys' ? PLATFORM_NOTE : 'power is integrated']);
  });
  return {
    domains: first.has('apple:sys_power') ? domains : domains.map((d) => ({ ...d, within: null })),
    missing: [],
    every: TOOL_EVERY_MS,
    async read() {
      const watts = (await orNull(ask())) ?? new Map<string, number>();
      const at = system.now();
      return new Map([...watts].map(([id, w]): [string, Sample] => [id, { at, joules: null, watts: w }]));
    },
  };
}

/** Milliwatts of one report of powermetrics, with the time that it spans; keys by their exact names. */
export function powermetricsOf(plist: string): { ms: number; watts: Map<string, number> } | null {
  const of = (key: string) => numberIn(new RegExp(`<key>${key}</key>\\s*<(?:integer|real)>([^<]*)<`).exec(plist)?.[1]);
  const ns = of('elapsed_ns');
  if (ns === null) return null;
  const watts = new Map<string, number>();
  for (const [key, id] of [
    ['cpu_power', 'cpu_power'],
    ['gpu_power', 'gpu_power'],
    ['ane_power', 'ane_power'],
  ] as const) {
    const milliwatts = of(key);
    if (milliwatts !== null) watts.set(`apple:${id}`, milliwatts / 1000);
  }
  return { ms: ns / 1e6, watts };
}

/** Mac processors: macmon where it is installed (no password), else powermetrics (root). */
export const apple: SourceRow = {
  title: 'Apple processors',
  platforms: ['darwin'],
  async find(system): Promise<Found> {
    const found = await byMacmon(system);
    if (found) return found;
    const args = ['-n', '1', '-i', '100', '--samplers', 'cpu_power,gpu_power', '-f', 'plist'];
    const ask = async () => powermetricsOf(await system.run('powermetrics', args));
    const first = await orNull(ask());
    const allow: Missing = {
      what: 'powermetrics wants root; macmon reads the same without, and the whole system too',
      command: 'brew install macmon',
    };
    if (!first?.watts.size) return nothing([allow]);
    return {
      // Each report is a mean over its own time, no moment taken for an average.
      domains: [...first.watts.keys()].map((id) => {
        const name = id.slice('apple:'.length);
        return { ...domain(name, MACMON[name] as Domain['scope'], 'power', ['the processor alone']), within: null };
      }),
      missing: [allow],
      every: TOOL_EVERY_MS,
      async read() {
        const report = await orNull(ask());
        const at = system.now();
        const samples = new Map<string, Sample>();
        for (const [id, w] of report?.watts ?? []) {
          samples.set(id, { at, joules: null, watts: w });
        }
        return samples;
      },
    };
  },
};

import { nothing, TOOL_EVERY_MS, type Found, type Sample, type SourceRow } from '../domain';
import { numberIn, orNull, SystemFault, type System } from '../system';

/** Units that a wall meter may declare: what each is, and how many joules or watts. */
const UNITS = {
  W: { kind: 'power', factor: 1 },
  mW: { kind: 'power', factor: 1e-3 },
  Wh: { kind: 'counter', factor: 3600 },
  kWh: { kind: 'counter', factor: 3.6e6 },
  Wmin: { kind: 'counter', factor: 60 },
  J: { kind: 'counter', factor: 1 },
} as const;
export type WallUnit = keyof typeof UNITS;

/** What known meters answer: the path to the number in their JSON, and its unit. */
const METERS = {
  shelly1: { at: '/status', path: 'meters.0.power', unit: 'W' },
  shelly2: { at: '/rpc/Switch.GetStatus?id=0', path: 'apower', unit: 'W' },
  tasmota: { at: '/cm?cmnd=Status%208', path: 'StatusSNS.ENERGY.Power', unit: 'W' },
} as const satisfies Record<string, { at: string; path: string; unit: WallUnit }>;

export interface WallMeter {
  /** An http address, or a CSV file that grows: its last line is read. */
  from: string;
  /** Path in the JSON, as `a.0.b`, or the CSV's column. */
  path: string;
  unit: WallUnit;
}

/**
 * A meter as the command line writes it: `shelly1@ADDRESS`, `shelly2@ADDRESS`, `tasmota@ADDRESS`, or `UNIT:PATH@ADDRESS-OR-FILE`.
 * Throws `SystemFault` with what is wrong.
 */
export function parseWall(text: string): WallMeter {
  const at = text.indexOf('@');
  const [what, where] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || where === '')
    throw new SystemFault(
      'failed',
      `A wall meter is written as tasmota@192.168.1.7 or Wh:total@FILE.csv, not as "${text}".`,
    );
  const known = Object.hasOwn(METERS, what) ? METERS[what as keyof typeof METERS] : null;
  if (known)
    return {
      from: `${/^https?:/.test(where) ? '' : 'http://'}${where}${known.at}`,
      path: known.path,
      unit: known.unit,
    };
  const [unit = '', ...path] = what.split(':');
  if (!Object.hasOwn(UNITS, unit) || path.length === 0)
    throw new SystemFault(
      'failed',
      `"${what}" is no meter and no unit. Meters: ${Object.keys(METERS).join(', ')}; units: ${Object.keys(UNITS).join(', ')}.`,
    );
  return { from: where, path: path.join(':'), unit: unit as WallUnit };
}

/** The number at a path of a JSON text; null where there is none. */
export function numberAt(json: string, path: string): number | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The last line's number in a column of a CSV text; a line that is still being written has no end and is left for later. */
export function lastIn(csv: string, column: string): number | null {
  const lines = csv
    .slice(0, csv.lastIndexOf('\n') + 1)
    .split(/\r?\n/)
    .filter(Boolean);
  const at = (lines[0] ?? '')
    .split(',')
    .map((c) => c.trim())
    .indexOf(column);
  return at < 0 || lines.length < 2 ? null : numberIn(lines.at(-1)?.split(',')[at]);
}

async function ask(system: System, meter: WallMeter): Promise<number | null> {
  const web = /^https?:/.test(meter.from);
  const text = await orNull(web ? system.fetch(meter.from) : system.read(meter.from));
  const value = text === null ? null : web ? numberAt(text, meter.path) : lastIn(text, meter.path);
  return value === null ? null : value * UNITS[meter.unit].factor;
}

/** Meters in the plug, as they were named on the command line. */
export const wallMeters = (meters: readonly WallMeter[]): SourceRow => ({
  title: 'Wall meters',
  platforms: ['linux', 'darwin', 'win32', 'freebsd'],
  async find(system): Promise<Found> {
    if (meters.length === 0) return nothing();
    const first = await Promise.all(meters.map((m) => ask(system, m)));
    const domains = meters.map((m, i) => ({
      id: `wall:${i}`,
      source: 'wall',
      name: m.from,
      scope: 'wall' as const,
      within: null,
      kind: UNITS[m.unit].kind,
      wrapsAt: null,
      mostWatts: 10_000,
      period: null,
      notes: ['all that hangs on the plug, supply and screen too'],
    }));
    return {
      domains: domains.filter((_, i) => first[i] !== null),
      missing: meters.flatMap((m, i) =>
        first[i] === null ? [{ what: `${m.from}: no number at "${m.path}"`, command: null }] : [],
      ),
      every: TOOL_EVERY_MS,
      async read() {
        const samples = new Map<string, Sample>();
        for (const [i, m] of meters.entries()) {
          const value = first[i] === null ? null : await ask(system, m);
          const counter = UNITS[m.unit].kind === 'counter';
          samples.set(`wall:${i}`, { at: system.now(), joules: counter ? value : null, watts: counter ? null : value });
        }
        return samples;
      },
    };
  },
});

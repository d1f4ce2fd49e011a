import { JoulewiseError, quote } from '../../core/errors';
import type { Phase } from '../../schema/run';
import type { PowerCounter } from './counters';
import { readMark, type MarkedName } from './marks';

/**
 * A profile as profiler.firefox.com saves it ("processed", JSON, gzip or not), read for power counters and our marks alone.
 * Format: firefox-devtools/profiler, src/types/profile.ts and docs-developer/CHANGELOG-formats.md.
 */

/** A run in a profile, with its windows. */
export interface MarkedRun extends MarkedName {
  /** Process that its marks were written in. */
  pid: string;
  /** Start and end pairs by phase, in milliseconds of the profile's clock. */
  spans: Map<Phase, number[]>;
}

export interface BrowserProfile {
  /** Milliseconds since 1970 at 0 of the profile's clock; null where it is not told. */
  startedAt: number | null;
  counters: PowerCounter[];
  runs: MarkedRun[];
}

/** A file to read. */
export interface ProfileFile {
  name: string;
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Versions of the processed format that are read: from 48 on counters lie as they do now, with times or, from 50, their
 * differences; from 56 all threads share their strings. Later ones may mean something else by the same names.
 */
export const FORMAT_VERSIONS = { first: 48, last: 70 } as const;
const SHARED_STRINGS = 56;

/** Bytes of JSON: browsers hold no longer text. */
const MOST_BYTES = 500e6;

const SAVE = 'Open the profile at profiler.firefox.com and save it there again, then add that file.';
const fault = (name: string, what: string, advice: string = SAVE) =>
  new JoulewiseError('input.format', `${quote(name)} ${what} ${advice}`);

/** The file's text, unpacked where it is packed. */
async function textOf(file: ProfileFile, most: number): Promise<string> {
  const [packed, whole] = file.stream().tee();
  const head = packed.getReader();
  const start = (await head.read()).value ?? new Uint8Array();
  // Not awaited: it ends once the other branch has ended too.
  void head.cancel();
  const gzipped = start[0] === 0x1f && start[1] === 0x8b;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const parts: string[] = [];
  let bytes = 0;
  try {
    const reader = (gzipped ? whole.pipeThrough(new DecompressionStream('gzip')) : whole).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      bytes += next.value.length;
      if (bytes > most) {
        void reader.cancel();
        throw new JoulewiseError(
          'input.too-large',
          `${quote(file.name)} holds more than ${most / 1e6} MB. Record a shorter run, or save only the part of it that you selected in the profiler.`,
        );
      }
      parts.push(decoder.decode(next.value, { stream: true }));
    }
    parts.push(decoder.decode());
  } catch (cause) {
    if (cause instanceof JoulewiseError) throw cause;
    throw fault(file.name, gzipped ? 'is damaged: it does not unpack.' : 'is no text, so it is no profile as JSON.');
  }
  return parts.join('');
}

type Json = Record<string, unknown>;
const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);
const objects = (x: unknown): Json[] => (Array.isArray(x) ? x.filter(isObject) : []);
const listIn = (x: unknown, key: string): readonly unknown[] => {
  const list = isObject(x) ? x[key] : null;
  return Array.isArray(list) ? list : [];
};
const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);

/** The profile itself, once its version is known to be one that is read. */
function versioned(name: string, json: unknown): { profile: Json; version: number } {
  const meta = isObject(json) ? json['meta'] : null;
  if (!isObject(json) || !isObject(meta)) throw fault(name, 'is no profile of Firefox.');
  const version = meta['preprocessedProfileVersion'];
  if (!isNumber(version)) throw fault(name, 'is a profile as Firefox hands it out, or of another program.');
  const { first, last } = FORMAT_VERSIONS;
  if (version < first)
    throw fault(name, `has version ${version} of the format; versions ${first} to ${last} are read.`);
  if (version > last)
    throw fault(
      name,
      `has version ${version} of the format, and this Joulewise reads versions ${first} to ${last}.`,
      'Use a newer Joulewise.',
    );
  const units = meta['sampleUnits'];
  if (isObject(units) && units['time'] !== undefined && units['time'] !== 'ms')
    throw fault(name, 'is no profile over time.', 'Record one with the preset Power.');
  return { profile: json, version };
}

/** Times of samples: as they are, or added up from differences. */
function timesOf(samples: unknown): readonly unknown[] {
  const times = listIn(samples, 'time');
  if (times.length > 0) return times;
  let at = 0;
  return listIn(samples, 'timeDeltas').map((delta) => (isNumber(delta) ? (at += delta) : null));
}

/** Power counters of all processes; those of other things are left where they are. */
function countersOf(name: string, profile: Json): PowerCounter[] {
  return objects(profile['counters'])
    .filter((counter) => counter['category'] === 'power')
    .map((counter) => {
      const times = timesOf(counter['samples']);
      const counts = listIn(counter['samples'], 'count');
      const isFine =
        times.length === counts.length &&
        times.every((t, i) => isNumber(t) && (i === 0 || t >= (times[i - 1] as number))) &&
        counts.every(isNumber);
      if (!isFine || typeof counter['name'] !== 'string')
        throw fault(name, 'is damaged: a power counter in it cannot be read.');
      return {
        name: counter['name'],
        pid: String(counter['pid']),
        times: times as readonly number[],
        counts: counts,
      };
    });
}

/** Phase of the marker table that has both a start and an end. */
const INTERVAL = 1;

/** Our marks, of all threads of all processes. */
function runsOf(profile: Json, version: number): MarkedRun[] {
  const runs = new Map<string, MarkedRun>();
  const shared = listIn(profile['shared'], 'stringArray');
  for (const thread of objects(profile['threads'])) {
    const strings = version >= SHARED_STRINGS ? shared : listIn(thread, 'stringArray');
    const markers = thread['markers'];
    const [starts, ends, kinds] = [listIn(markers, 'startTime'), listIn(markers, 'endTime'), listIn(markers, 'phase')];
    for (const [i, data] of listIn(markers, 'data').entries()) {
      if (kinds[i] !== INTERVAL || !isObject(data) || data['type'] !== 'UserTiming') continue;
      // A schema may say that a text is an index of the strings.
      const said = isNumber(data['name']) ? strings[data['name']] : data['name'];
      const mark = typeof said === 'string' ? readMark(said) : null;
      const [start, end] = [starts[i], ends[i]];
      if (!mark || !isNumber(start) || !isNumber(end)) continue;
      const { phase, ...run } = mark;
      const key = `${run.plan}/${run.unit} ${run.startedAt}`;
      const own = runs.get(key) ?? { ...run, pid: String(thread['pid']), spans: new Map<Phase, number[]>() };
      runs.set(key, own);
      const spans = own.spans.get(phase) ?? [];
      own.spans.set(phase, spans);
      spans.push(start, Math.max(start, end));
    }
  }
  return [...runs.values()];
}

/** Power counters and marked runs of a saved profile. Throws `input.format` with what to do where it is none. */
export async function readProfile(file: ProfileFile, most = MOST_BYTES): Promise<BrowserProfile> {
  const text = await textOf(file, most);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw fault(file.name, 'is no JSON, or was cut off.');
  }
  const { profile, version } = versioned(file.name, json);
  const { startTime } = profile['meta'] as Json;
  return {
    startedAt: isNumber(startTime) && startTime > 0 ? startTime : null,
    counters: countersOf(file.name, profile),
    runs: runsOf(profile, version),
  };
}

import type { Phase } from '../../schema/run';
import { countedPower } from './counters';
import { markOf, type MarkedName } from './marks';

/** Profiles for tests, in the format that profiler.firefox.com writes: firefox-devtools/profiler, src/types/profile.ts. */

export interface FakeCounter {
  name: string;
  category?: string;
  pid?: string;
  times: readonly number[];
  counts: readonly number[];
}

export interface FakeMark {
  run: MarkedName;
  phase: Phase;
  pid?: string;
  span: readonly [number, number];
}

const PARENT = '100';
export const CONTENT = '200';

/** Joules of a picowatt-hour. */
export const PWH = 3.6e-9;

/** A counter of constant watts, a sample every `every` ms from `from` to `to`; the first is since boot. */
export function steady(
  name: string,
  watts: number,
  o: Partial<FakeCounter> & { from?: number; to?: number; every?: number } = {},
): FakeCounter {
  const { from = 0, to = 1000, every = 10, ...rest } = o;
  const times = Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => from + i * every);
  const counts = times.map((_, i) => (i === 0 ? 9e12 : Math.round((watts * every) / 1000 / PWH)));
  return { name, times, counts, ...rest };
}

/** What of these counters is added. */
export function counted(...counters: FakeCounter[]) {
  const power = countedPower(counters.map(({ name, pid = PARENT, times, counts }) => ({ name, pid, times, counts })));
  if (!power) throw new Error('nothing is counted');
  return power;
}

/** A saved profile with these power counters, and marks in worker threads of their processes. */
export function fakeProfile(counters: readonly FakeCounter[], marks: readonly FakeMark[], version = 70) {
  const deltas = (times: readonly number[]) => times.map((t, i) => t - (times[i - 1] ?? 0));
  const pids = [...new Set([PARENT, CONTENT, ...marks.map(({ pid = CONTENT }) => pid)])];
  return {
    meta: { preprocessedProfileVersion: version, version: 36, product: 'Firefox', sampleUnits: { time: 'ms' } },
    shared: { stringArray: ['UserTiming'] },
    counters: counters.map(({ name, category = 'power', pid = PARENT, times, counts }) => ({
      name,
      category,
      description: 'Power utilization',
      pid,
      mainThreadIndex: 0,
      samples: { timeDeltas: deltas(times), count: counts, length: counts.length },
    })),
    threads: pids.map((pid) => {
      const own = marks.filter((mark) => (mark.pid ?? CONTENT) === pid);
      return {
        name: pid === PARENT ? 'GeckoMain' : 'DOM Worker',
        pid,
        markers: {
          data: own.map(({ run, phase }) => ({
            type: 'UserTiming',
            name: markOf(run, phase),
            entryType: 'measure',
          })),
          name: own.map(() => 0),
          startTime: own.map(({ span }) => span[0]),
          endTime: own.map(({ span }) => span[1]),
          phase: own.map(() => 1),
          category: own.map(() => 0),
          length: own.length,
        },
      };
    }),
  };
}

/** A file as a picker hands it over. */
export function fakeFile(content: string | Uint8Array<ArrayBuffer> | object, name = 'profile.json') {
  const part = typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
  return { name, stream: () => new Blob([part]).stream() };
}

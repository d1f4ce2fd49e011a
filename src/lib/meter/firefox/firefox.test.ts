import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, operations, seconds } from '../../core/units';
import type { Phase } from '../../schema/run';
import { createMeter } from '../meter';
import { countedPower } from './counters';
import { readProfile } from './file';
import { markedName, markOf, profilesPower, readMark, writeMarks } from './marks';
import { joulesOver } from './over';
import { CONTENT, counted, fakeFile, fakeProfile, PWH, steady, type FakeCounter, type FakeMark } from './testing';

const PLAN = '0123456789abcdef0123';
const STARTED = '2026-11-29T18:00:00.000Z';
const run = markedName({ id: `${PLAN}/0/rca/w4 sparse2:4/3`, plan: PLAN, startedAt: STARTED });

describe('marks', () => {
  it('name run and phase, whatever a variant is called', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~é/]+$/), (variant) => {
        const name = markedName({ id: `${PLAN}/0/rca/${variant}/3`, plan: PLAN, startedAt: STARTED });
        expect(readMark(markOf(name, 'warm-up'))).toEqual({ ...name, phase: 'warm-up' });
        expect(name.plan).toBe(PLAN.slice(0, 16));
      }),
    );
    for (const other of ['joulewise', 'joulewise sleep x y/z', 'mark', 'joulewise decode x y', ''])
      expect(readMark(other)).toBeNull();
  });

  it('are written in Firefox alone, whose profiler records power', () => {
    expect(profilesPower('Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0')).toBe(true);
    expect(profilesPower('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36')).toBe(
      false,
    );
  });

  it('tell every span of every window, and leave nothing in memory', async () => {
    const seen: [string, number, number][] = [];
    const observer = new PerformanceObserver((list) => {
      for (const e of list.getEntries()) seen.push([e.name, e.startTime, e.startTime + e.duration]);
    });
    observer.observe({ entryTypes: ['measure'] });
    let now = 5;
    const meter = createMeter({ clock: () => now, fence: () => undefined, sources: [] });
    const work = { bytes: bytes(0), operations: operations(0), tokens: null };
    for (const phase of ['prefill', 'decode', 'prefill'] as const)
      await meter.window(phase, work, () => void (now += 3));
    writeMarks(performance, run, meter.windows());
    expect(performance.getEntriesByType('measure').filter(({ name }) => readMark(name))).toEqual([]);
    await new Promise((done) => setTimeout(done, 50));
    observer.disconnect();
    expect(seen.map(([name, from, to]) => [readMark(name)?.phase, from, to]).sort()).toEqual([
      ['decode', 8, 11],
      ['prefill', 11, 14],
      ['prefill', 5, 8],
    ]);
  });

  it('cost no metered time, and less than a hundredth of it where windows last a millisecond', () => {
    const spans = Array.from({ length: 2000 }, (_, i) => i);
    const window = {
      phase: 'decode',
      seconds: seconds(1),
      bytes: null,
      operations: null,
      tokens: null,
      spans,
    } as const;
    const cost = Array.from({ length: 9 }, () => {
      const start = performance.now();
      writeMarks(performance, run, [window]);
      return performance.now() - start;
    }).sort((a, b) => a - b);
    // 1,000 windows of 1 ms each.
    expect(cost[0]).toBeLessThan(10);
  });
});

/** Even over its range, as doubles of fast-check are not: most of those are all but 0. */
const evenly = (min: number, max: number) => fc.integer({ min: min * 1000, max: max * 1000 }).map((n) => n / 1000);

describe('joules of spans', () => {
  it('add up over phases to the whole, and hold the truth in their interval', () => {
    const scenario = fc.record({
      watts: fc.array(evenly(1, 200), { minLength: 40, maxLength: 120 }),
      gaps: fc.array(evenly(2, 40), { minLength: 60, maxLength: 200 }),
      lags: fc.array(fc.constantFrom(-0.9, -0.4, 0, 0.4, 0.9), { minLength: 7, maxLength: 31 }),
      // Near the time of a sample, where its lag decides, or anywhere.
      cuts: fc.array(
        fc.record({
          sample: fc.nat(),
          by: fc.oneof(evenly(-1.2, 1.2), evenly(0, 40)),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    });
    fc.assert(
      fc.property(scenario, ({ watts, gaps, lags, cuts }) => {
        /** Joules since 0, of power that changes every 7 ms. */
        const used = (ms: number) => {
          let sum = 0;
          for (let i = 0; i * 7 < ms; i++)
            sum += ((watts[i % watts.length] as number) * Math.min(7, ms - i * 7)) / 1000;
          return sum;
        };
        let at = 20;
        const times = [at, ...gaps.map((gap) => (at += gap))];
        // What a sample holds was read up to a millisecond before or after the time that it carries.
        const totals = times.map((t, i) => Math.round(used(t + (lags[i % lags.length] as number)) / PWH));
        const counts = totals.map((n, i) => (i === 0 ? 1e13 : Math.max(0, n - (totals[i - 1] as number))));
        const power = counted({ name: 'Power: CPU package', times, counts });
        const [first, last] = [21.5, (times.at(-1) as number) - 1.5];
        fc.pre(last - first > 10);
        const inside = cuts.map(({ sample, by }) => (times[sample % times.length] as number) + by);
        const edges = [first, ...inside.filter((t) => t > first && t < last).sort((a, b) => a - b), last];
        const phases: number[][] = [[], [], []];
        for (let i = 0; i + 1 < edges.length; i++) phases[i % 3]?.push(edges[i] as number, edges[i + 1] as number);
        const whole = joulesOver(power, [first, last], '1');
        let sum = 0;
        for (const spans of phases) {
          let truth = 0;
          for (let i = 0; i < spans.length; i += 2) truth += used(spans[i + 1] as number) - used(spans[i] as number);
          const found = joulesOver(power, spans, '1');
          if (!found) continue;
          expect(found.low).toBeLessThanOrEqual(truth + 1e-6);
          expect(found.high).toBeGreaterThanOrEqual(truth - 1e-6);
          expect(found.low <= found.mid && found.mid <= found.high).toBe(true);
          sum += found.mid;
        }
        expect(sum).toBeCloseTo(whole?.mid ?? NaN, 6);
      }),
      { numRuns: 200 },
    );
  });

  it('are exact in picowatt-hours', () => {
    const power = counted({ name: 'Power: CPU package', times: [0, 10, 20, 30, 40], counts: [7, 1e9, 2e9, 1e9, 1e9] });
    expect(joulesOver(power, [10, 30], '1')).toEqual({ low: 0, mid: 3e9 * PWH, high: 5e9 * PWH });
    expect(joulesOver(power, [8, 32], '1')?.low).toBe(3e9 * PWH);
  });

  it('are unknown, never 0, where the counter does not reach or stands still', () => {
    const power = counted(steady('Power: CPU package', 20, { from: 100, to: 500 }));
    expect(joulesOver(power, [90, 200], '1')).toBeNull();
    expect(joulesOver(power, [400, 510], '1')).toBeNull();
    expect(joulesOver(power, [], '1')).toBeNull();
    expect(joulesOver(power, [200, 300], '1')?.mid).toBeCloseTo(2, 6);
    const still = counted({ name: 'Power: CPU package', times: [0, 10, 20, 30, 40], counts: [5, 1, 0, 0, 0] });
    expect(joulesOver(still, [22, 28], '1')).toBeNull();
    const reset = counted({ name: 'Power: CPU package', times: [0, 10, 20, 30, 40], counts: [5, 9, -8, 9, 9] });
    expect(joulesOver(reset, [11, 29], '1')).toBeNull();
  });

  it('add processes that count themselves, and are unknown where one came or went meanwhile', () => {
    const of = (pid: string, watts: number, from = 0, to = 1000) => steady('Process Power', watts, { pid, from, to });
    const two = counted(of('100', 1), of(CONTENT, 5), of('300', 9, 0, 400));
    expect(two.source).toBe('firefox-profile: processor by process');
    expect(joulesOver(two, [500, 700], CONTENT)?.mid).toBeCloseTo(1.2, 6);
    expect(joulesOver(two, [100, 300], CONTENT)?.mid).toBeCloseTo(3, 6);
    expect(joulesOver(two, [300, 500], CONTENT)).toBeNull();
    // Without the process that ran, nothing is known.
    expect(joulesOver(two, [500, 700], '400')).toBeNull();
  });
});

describe('case 30, browsertime 2220: power tracks summed though they contain each other', () => {
  const tracks = [
    steady('Power: CPU package', 20, {}),
    steady('Power: CPU cores', 12, {}),
    steady('Power: CPU core 0', 6, {}),
    steady('Power: iGPU', 3, {}),
    steady('Power: DRAM', 2, {}),
    steady('Power: System', 60, {}),
  ];

  it('adds no counter to one that contains it, and memory beside the package', () => {
    const power = counted(...tracks);
    expect(power.source).toBe('firefox-profile: CPU package + DRAM');
    expect(power.leftOut).toEqual(['Power: CPU cores', 'Power: CPU core 0', 'Power: iGPU', 'Power: System']);
    expect(joulesOver(power, [100, 600], '1')?.mid).toBeCloseTo(11, 6);
    // The same counter in another process, and memory that is not counted, add nothing.
    const again = counted(...tracks.slice(0, 4), { ...tracks[0], pid: '101' } as FakeCounter, {
      ...(tracks[4] as FakeCounter),
      counts: (tracks[4] as FakeCounter).counts.map(() => 0),
    });
    expect(again.source).toBe('firefox-profile: CPU package');
    expect(joulesOver(again, [100, 600], '1')?.mid).toBeCloseTo(10, 6);
    // Of two packages, both.
    const both = counted(
      tracks[0] as FakeCounter,
      steady('RAPL_Package1_PKG', 5, {}),
      steady('RAPL_Package1_PP0', 4, {}),
    );
    expect(joulesOver(both, [100, 600], '1')?.mid).toBeCloseTo(12.5, 6);
  });

  it('reads marks of child processes, and drops the first sample, which is since boot', async () => {
    const marks: FakeMark[] = [
      { run, phase: 'decode', span: [100, 600] },
      { run, phase: 'decode', span: [700, 900], pid: '300' },
    ];
    const { counters, runs } = await readProfile(fakeFile(fakeProfile(tracks, marks)));
    expect(runs).toHaveLength(1);
    expect(runs[0]?.spans.get('decode')).toEqual([100, 600, 700, 900]);
    const power = counted(...counters);
    // 9e12 pWh since boot are 32,400 J; the first sample that counts ends 10 ms after it.
    expect(joulesOver(power, [2, 12], '1')?.high).toBeLessThan(1);
  });

  it('ignores counters of anything but power', async () => {
    const others = ['Memory', 'CPU', 'Bandwidth'].map((category) => ({
      ...steady('Power: CPU package', 900, {}),
      category,
    }));
    const { counters } = await readProfile(fakeFile(fakeProfile([...others, ...tracks], [])));
    expect(counters.map(({ name }) => name)).toEqual(tracks.map(({ name }) => name));
    expect(countedPower([])).toBeNull();
  });
});

describe('a saved profile', () => {
  const profile = fakeProfile([steady('Power: CPU package', 20, {})], [{ run, phase: 'decode', span: [100, 600] }]);
  const json = JSON.stringify(profile);

  it('is read packed or not, with times or their differences, with strings or their indices', async () => {
    const plain = await readProfile(fakeFile(profile));
    expect(await readProfile(fakeFile(new Uint8Array(gzipSync(json)), 'p.json.gz'))).toEqual(plain);
    const other = structuredClone(profile) as unknown as {
      counters: { samples: { time?: number[]; timeDeltas?: number[] } }[];
      shared: { stringArray: string[] };
      threads: { markers: { data: { name: unknown }[] } }[];
    };
    for (const { samples } of other.counters) {
      samples.time = [...(plain.counters[0]?.times ?? [])];
      delete samples.timeDeltas;
    }
    other.shared.stringArray.push(markOf(run, 'decode'));
    for (const { markers } of other.threads) for (const data of markers.data) data.name = 1;
    expect(await readProfile(fakeFile(other))).toEqual(plain);
  });

  it('is read as the documented format has it', async () => {
    // Made after docs-developer/CHANGELOG-formats.md (version 70) and src/types/profile.ts of firefox-devtools/profiler.
    const text = readFileSync(new URL('../../../../tests/fixtures/firefox-profile.json', import.meta.url), 'utf8');
    const { counters, runs } = await readProfile(fakeFile(text));
    expect(counters.map(({ name }) => name)).toEqual([
      'Power: CPU package',
      'Power: CPU cores',
      'Power: iGPU',
      'Power: DRAM',
    ]);
    expect(runs).toEqual([
      {
        ...run,
        pid: '7320',
        spans: new Map<Phase, number[]>([
          ['prefill', [1021, 1061]],
          ['decode', [1061, 1089]],
        ]),
      },
    ]);
    const power = counted(...counters);
    // 25 W and, where it is counted, 0 W of memory.
    expect(power.source).toBe('firefox-profile: CPU package');
    expect(joulesOver(power, [1021, 1061], '7320')?.mid).toBeCloseTo(1, 6);
    expect(joulesOver(power, [1061, 1089], '7320')?.mid).toBeCloseTo(0.7, 6);
  });

  it('is refused with what to do where it is none, or of another version', async () => {
    const refused: [string, string | Uint8Array<ArrayBuffer> | object, RegExp][] = [
      ['cut off', json.slice(0, -5), /cut off.*save it there again/],
      ['packed and cut off', new Uint8Array(gzipSync(json)).slice(0, 60), /damaged.*save it there again/],
      ['an image', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff]), /no text/],
      ['empty', '', /no JSON/],
      ['a list', [], /no profile of Firefox/],
      ['null', 'null', /no profile of Firefox/],
      ['raw', { meta: { version: 36 }, threads: [] }, /as Firefox hands it out.*save it there/],
      ['older', fakeProfile([], [], 47), /version 47 of the format; versions 48 to 70 are read.*save it there again/],
      ['newer', fakeProfile([], [], 71), /version 71.*48 to 70.*newer Joulewise/],
      ['of sizes', { ...profile, meta: { ...profile.meta, sampleUnits: { time: 'bytes' } } }, /over time/],
      ['uneven', fakeProfile([{ name: 'Power: CPU package', times: [0, 1], counts: [1] }], []), /damaged/],
      ['backwards', fakeProfile([{ name: 'Power: CPU package', times: [1, 0], counts: [1, 1] }], []), /damaged/],
    ];
    for (const [name, content, says] of refused)
      await expect(readProfile(fakeFile(content, name)), name).rejects.toThrow(says);
    await expect(readProfile(fakeFile(profile), 100)).rejects.toThrow(/Record a shorter run/);
  });

  it('never fails otherwise, whatever it holds', async () => {
    const { meta } = profile;
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), async (counters, threads, shared) => {
        const read = await readProfile(fakeFile({ meta, counters, threads, shared })).catch((error: unknown) => error);
        if (read instanceof Error) expect(read.name).toBe('JoulewiseError');
        else expect(read).toMatchObject({ runs: [] });
      }),
    );
  });
});

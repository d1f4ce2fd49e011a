import { describe, expect, it } from 'vitest';
import { bytes, operations, seconds } from '../core/units';
import type { Boundary } from '../schema/run';
import type { MeterWindow } from './readings';
import { mainReadings, sumReadings } from './readings';
import { align, pairWith, SamplerClient, theirTime, totalsIn, type Fetch } from './sampler';
import { oneSampler, samplerSource, samplerWarnings } from './sources/sampler';

/** A sampler whose clock is ahead and fast, and which gives a total of 20 W between any two of its times. */
function fakeSampler(o: {
  ahead?: number;
  ppm?: number;
  totals?: Boundary[];
  status?: () => number;
  clock: () => number;
}) {
  const { ahead = 5000, ppm = 40, totals = ['package'], status = () => 200, clock } = o;
  const theirs = () => clock() * (1 + ppm / 1e6) + ahead;
  const asked: [number, number][] = [];
  const fetch: Fetch = (url, init) => {
    const own = status();
    if (own === 0) return Promise.reject(new TypeError('fetch failed'));
    if (own !== 200) return Promise.resolve(new Response('{"error":"no"}', { status: own }));
    const path = new URL(url).pathname;
    if (path.endsWith('/time')) return Promise.resolve(Response.json({ now: theirs() }));
    const { spans } = JSON.parse(init?.body as string) as { spans: [number, number][] };
    asked.push(...spans);
    const mid = spans.reduce((n, [a, b]) => n + ((b - a) / 1000) * 20, 0);
    return Promise.resolve(
      Response.json({
        domains: [],
        totals: totals.map((boundary) => ({
          boundary,
          tier: 'counter',
          domains: [`rapl:${boundary}`],
          joules: { low: mid * 0.9, mid, high: mid * 1.1 },
          flags: [],
          notes: [],
        })),
      }),
    );
  };
  return { fetch, theirs, asked };
}

const ACCESS = { url: 'http://127.0.0.1:41943', token: 't', gpu: null, boundary: null };
const window = (phase: MeterWindow['phase'], ...spans: number[]): MeterWindow => ({
  phase,
  seconds: seconds(spans.reduce((n, t, i) => n + (i % 2 ? t : -t), 0) / 1000),
  bytes: bytes(1),
  operations: operations(1),
  tokens: null,
  spans,
});

describe('joules by a sampler', () => {
  it('clocks are aligned within half of the quickest answer, drift included', async () => {
    let now = 1000;
    const { theirs, fetch } = fakeSampler({ clock: () => now });
    const client = new SamplerClient(ACCESS, fetch);
    let lag = 0;
    const time = async () => {
      now += lag = (lag + 3) % 11;
      const t = await client.time();
      now += 0.4;
      return t;
    };
    const first = await align(time, () => now);
    now += 3_600_000;
    const last = await align(time, () => now);
    for (const share of [0, 0.3, 0.7, 1]) {
      const at = first.at + share * (last.at - first.at);
      const real = at * (1 + 40 / 1e6) + 5000;
      expect(Math.abs(theirTime(first, last, at) - real)).toBeLessThan(1);
    }
    expect(theirs()).toBeGreaterThan(now);
  });

  it("every window is asked for in the sampler's time, at the boundary that suits the engine", async () => {
    let now = 0;
    const fake = fakeSampler({ clock: () => now, totals: ['device', 'package', 'gpu'] });
    const clock = () => (now += 0.01);
    const read = async (engine: 'cpu' | 'ort-gpu') => {
      const source = samplerSource({ access: ACCESS, fetch: fake.fetch, clock }, engine);
      await new Promise((done) => setTimeout(done, 5));
      now += 10_000;
      return source.read([window('prefill', 1000, 2000, 3000, 3500), window('decode', 4000, 9000)]);
    };
    const [prefill, decode] = await read('cpu');
    expect(prefill).toMatchObject({
      tier: 'counter',
      boundary: 'package',
      source: 'sampler: rapl:package',
      netJoules: null,
    });
    expect(prefill?.joules?.mid).toBeCloseTo(30, 2);
    expect(decode?.joules?.mid).toBeCloseTo(100, 2);
    expect(fake.asked[0]?.[0]).toBeCloseTo(6000, -1);
    expect((await read('ort-gpu'))[0]?.boundary).toBe('gpu');
    const system = samplerSource({ access: { ...ACCESS, boundary: 'device' }, fetch: fake.fetch, clock }, 'cpu');
    expect((await system.read([window('decode', 0, 1000)]))[0]?.boundary).toBe('device');
  });

  it('a sampler that is silent, refuses, forgot the page or answers nonsense gives unknown joules, and the run goes on', async () => {
    for (const status of [0, 401, 429, 500]) {
      const source = samplerSource(
        { access: ACCESS, ...fakeSampler({ clock: () => 0, status: () => status }), clock: () => 0 },
        'cpu',
      );
      expect((await source.read([window('decode', 0, 1000)]))[0]?.joules, String(status)).toBe(null);
    }
    const nonsense: Fetch = () => Promise.resolve(new Response('<html>'));
    const source = samplerSource({ access: ACCESS, fetch: nonsense, clock: () => 0 }, 'cpu');
    expect((await source.read([window('decode', 0, 1000)]))[0]?.joules).toBe(null);
    expect(() => totalsIn({ totals: 3 })).toThrow(/no sampler that this page knows/);
    for (const joules of [
      null,
      { low: 1, mid: 0, high: 2 },
      { low: -1, mid: 1, high: 2 },
      { low: '1', mid: 1, high: 2 },
      {},
    ])
      expect(totalsIn({ totals: [{ boundary: 'package', tier: 'counter', joules }] })[0]?.joules).toBe(null);
  });

  it('one that was started anew meanwhile does not know what was before', async () => {
    let [now, ahead] = [0, 5000];
    const fetch: Fetch = (url, init) => fakeSampler({ clock: () => now, ahead }).fetch(url, init);
    const source = samplerSource({ access: ACCESS, fetch, clock: () => (now += 0.01) }, 'cpu');
    await new Promise((done) => setTimeout(done, 5));
    now += 10_000;
    ahead = -9000;
    expect((await source.read([window('decode', 100, 1000)]))[0]?.joules).toBe(null);
  });

  it('a run that it told in part is priced by the next source, which the record says', async () => {
    let now = 0;
    const clock = () => (now += 0.01);
    const told = samplerSource({ access: ACCESS, ...fakeSampler({ clock: () => now }), clock }, 'cpu');
    const silent = samplerSource(
      { access: ACCESS, ...fakeSampler({ clock: () => now, status: () => 0 }), clock },
      'cpu',
    );
    await new Promise((done) => setTimeout(done, 5));
    now += 10_000;
    const estimate = (phase: MeterWindow['phase']) => ({
      ...({
        phase,
        seconds: seconds(1),
        joules: { low: 1, mid: 2, high: 3 },
        netJoules: null,
        bytes: null,
        flops: null,
        tokens: null,
      } as const),
      tier: 'profile' as const,
      boundary: 'package' as const,
      source: 'cpu-x86-any',
    });
    const [a] = await told.read([window('load', 0, 1000)]);
    const [b] = await silent.read([window('decode', 1000, 2000)]);
    const all = oneSampler([a, b, estimate('load'), estimate('decode')].flatMap((r) => r ?? []));
    expect(mainReadings(sumReadings(all)).map((r) => r.source)).toEqual(['cpu-x86-any', 'cpu-x86-any']);
    expect(samplerWarnings(all)).toEqual([expect.stringMatching(/did not tell the joules of this run \(decode\)/)]);
    const whole = oneSampler([a, estimate('load')].flatMap((r) => r ?? []));
    expect(mainReadings(sumReadings(whole)).map((r) => r.tier)).toEqual(['counter']);
    expect(samplerWarnings(whole)).toEqual([]);
  });

  it('tells watts of the moment with their state, and of a time with their interval; what is not known is absent', async () => {
    const span = { low: 9, mid: 10, high: 12, flags: [] };
    const fetch: Fetch = (url) =>
      Promise.resolve(
        Response.json(
          url.endsWith('/live')
            ? {
                domains: [
                  { id: 'a', name: 'package-0', scope: 'package', watts: 5, age: 90, period: 1, flags: ['wrap', 3] },
                  // One of before told neither.
                  { id: 'b', name: 'dram', scope: 'dram', watts: null },
                ],
              }
            : {
                domains: [
                  { id: 'a', span },
                  { id: 'b', span: null },
                ],
                totals: [],
              },
        ),
      );
    const client = new SamplerClient(ACCESS, fetch);
    expect(await client.live()).toMatchObject([
      { id: 'a', watts: 5, age: 90, period: 1, flags: ['wrap'] },
      { id: 'b', watts: null, age: null, period: null, flags: [] },
    ]);
    expect([...(await client.wattsBetween(1000, 3000))]).toEqual([['a', { low: 4.5, mid: 5, high: 6 }]]);
    await expect(client.wattsBetween(1, 1)).rejects.toThrow(/no sampler that this page knows/);
  });

  it('pairing says what went wrong', async () => {
    const answers =
      (status: number, body: unknown): Fetch =>
      () =>
        Promise.resolve(Response.json(body, { status }));
    expect(await pairWith('http://x', '1', answers(200, { token: 'abc' }))).toBe('abc');
    await expect(pairWith('http://x', '1', answers(403, { error: 'This code is wrong.' }))).rejects.toThrow(
      /This code is wrong/,
    );
    await expect(pairWith('http://x', '1', () => Promise.reject(new TypeError('no')))).rejects.toThrow(
      /Start it in a terminal/,
    );
  });
});

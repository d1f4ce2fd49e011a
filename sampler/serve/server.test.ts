import { request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Conditions } from '../meter/conditions';
import { Sampler } from '../meter/sampler';
import { sourcesWith } from '../sources/index';
import { FakeSystem, INTEL, zone } from '../testing';
import { Door, type Pairing, type PairingStore } from './door';
import { SamplerServer } from './server';

const memory = (): PairingStore & { kept: readonly Pairing[] } => ({
  kept: [],
  read() {
    return [...this.kept];
  },
  write(pairings) {
    this.kept = pairings;
  },
});

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}
type Ask = { method?: string; path?: string; headers?: Record<string, string>; body?: string };

const PAGE = 'https://joulewise.example';
const system = new FakeSystem('linux', { files: { ...INTEL, ...zone('intel-rapl:0', 'package-0', 20) } });
const store = memory();
let clock = 0;
const door = new Door(store, () => clock);
let sampler: Sampler;
let server: SamplerServer;
let port = 0;

beforeAll(async () => {
  sampler = await Sampler.open(system, sourcesWith([]), system.wait);
  const conditions = new Conditions(() => ({ busy: system.ms, all: 2 * system.ms }));
  server = new SamplerServer({ sampler, conditions, door, onAsked: () => undefined, app: null, version: 'test' });
  port = await server.listen(0);
});
afterAll(() => server.close());

const ask = ({ method = 'GET', path = '/v1/health', headers = {}, body }: Ask): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const own = request(
      { host: '127.0.0.1', port, method, path, headers: { host: `127.0.0.1:${port}`, ...headers } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece: string) => (text += piece));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
      },
    );
    own.on('error', reject);
    own.end(body);
  });
/** A second later, so that no test runs into another's rate. */
const later = () => (clock += 1000);
const json = (reply: Reply) => JSON.parse(reply.body) as Record<string, unknown>;

async function pairedAs(origin: string | null) {
  later();
  const reply = await ask({
    method: 'POST',
    path: '/v1/pair',
    headers: { ...(origin === null ? {} : { origin }), 'content-type': 'application/json' },
    body: JSON.stringify({ code: door.newCode() }),
  });
  return json(reply)['token'] as string;
}
const by = (token: string, origin: string | null = PAGE) => ({
  authorization: `Bearer ${token}`,
  ...(origin === null ? {} : { origin }),
});

describe("the sampler's door", () => {
  it('says to strangers only that it is there', async () => {
    later();
    const reply = await ask({ headers: { origin: 'https://evil.example' } });
    expect([reply.status, json(reply)]).toEqual([200, { sampler: 'joulewise' }]);
    for (const path of ['/v1/discover', '/v1/time', '/v1/live', '/metrics']) {
      later();
      const closed = await ask({ path, headers: { origin: PAGE } });
      expect(closed.status, path).toBe(401);
      expect(closed.body).not.toMatch(/package|joule.*total|watts/);
    }
  });

  it('pairs by a code that is good once, and then knows the page by its token and origin', async () => {
    const token = await pairedAs(PAGE);
    expect(Buffer.from(token, 'base64url').length).toBeGreaterThanOrEqual(16);
    expect(JSON.stringify(store.kept)).not.toContain(token);
    const good = await ask({ path: '/v1/discover', headers: by(token) });
    expect(good.status).toBe(200);
    expect(good.headers['access-control-allow-origin']).toBe(PAGE);
    expect(JSON.stringify(json(good)['sources'])).toContain('rapl:package-0');
    for (const origin of ['https://evil.example', 'null', `${PAGE}.evil.example`, PAGE.toUpperCase(), null])
      expect((await ask({ path: '/v1/time', headers: by(token, origin) })).status, String(origin)).toBe(401);
    const again = await ask({
      method: 'POST',
      path: '/v1/pair',
      headers: { origin: PAGE },
      body: JSON.stringify({ code: '00000000' }),
    });
    expect(again.status).toBe(403);
  });

  it('forgets a code after five minutes and after five guesses', async () => {
    let code = door.newCode();
    clock += 5 * 60_000 + 1;
    const pair = (text: string) =>
      ask({ method: 'POST', path: '/v1/pair', headers: { origin: PAGE }, body: JSON.stringify({ code: text }) });
    expect((await pair(code)).status).toBe(403);
    code = door.newCode();
    for (let i = 0; i < 5; i++) {
      later();
      expect((await pair('not it')).status).toBe(403);
    }
    later();
    expect((await pair(code)).status).toBe(403);
  });

  it('refuses names that were bent to this address', async () => {
    const token = await pairedAs(PAGE);
    for (const host of [
      'joulewise.evil.example',
      `evil.example:${port}`,
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:${port}.evil.example`,
    ]) {
      later();
      expect((await ask({ path: '/v1/discover', headers: { ...by(token), host } })).status, host).toBe(421);
    }
    expect((await ask({ path: '/v1/time', headers: { ...by(token), host: `localhost:${port}` } })).status).toBe(200);
  });

  it('a token is void once it is revoked, or all are', async () => {
    const [one, two] = [await pairedAs(PAGE), await pairedAs(PAGE)];
    expect((await ask({ method: 'DELETE', path: '/v1/pair', headers: by(one) })).status).toBe(200);
    expect((await ask({ path: '/v1/time', headers: by(one) })).status).toBe(401);
    expect((await ask({ path: '/v1/time', headers: by(two) })).status).toBe(200);
    door.revokeAll();
    later();
    expect((await ask({ path: '/v1/time', headers: by(two) })).status).toBe(401);
  });

  it('a program without an origin has a token of its own, that no page can use', async () => {
    const token = door.issue(null);
    later();
    expect((await ask({ path: '/v1/time', headers: by(token, null) })).status).toBe(200);
    expect((await ask({ path: '/v1/time', headers: by(token, PAGE) })).status).toBe(401);
  });

  it('a flood of strangers is not heard, and does not keep the paired page out', async () => {
    const token = await pairedAs(PAGE);
    later();
    const flood = await Promise.allSettled(
      Array.from({ length: 300 }, () => ask({ path: '/v1/discover', headers: { origin: 'https://evil.example' } })),
    );
    // Connections beyond the sixty-fourth are not taken at all.
    const heard = flood.filter((r) => r.status === 'fulfilled' && r.value.status !== 429);
    expect(heard.length).toBeLessThan(20);
    expect((await ask({ path: '/v1/time', headers: by(token) })).status).toBe(200);
  });

  it('a body that is too long, cut off or no JSON is refused in one sentence', async () => {
    const token = await pairedAs(PAGE);
    const post = (body: string) => ask({ method: 'POST', path: '/v1/windows', headers: by(token), body });
    later();
    expect((await post('x'.repeat(3 * 2 ** 20))).status).toBe(413);
    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '{"spans":[]}',
      '{"spans":[[2,1]]}',
      '{"spans":[[1,"2"]]}',
      '{"spans":[[0,null]]}',
      '{"close":"1"}',
    ]) {
      later();
      const reply = await post(body);
      expect(reply.status, body).toBe(400);
      expect(Object.keys(json(reply))).toEqual(['error']);
    }
    later();
    expect((await post('{"close":9999}')).status).toBe(404);
  });

  it('ten thousand odd requests: nothing answers that should not, nothing breaks, memory stays flat', async () => {
    const token = await pairedAs(PAGE);
    const raw = (text: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.end(text));
        let got = '';
        socket.setEncoding('utf8');
        socket.on('data', (piece: string) => (got += piece));
        socket.on('error', () => resolve(got));
        socket.on('close', () => resolve(got));
        socket.setTimeout(2000, () => socket.destroy());
      });
    const word = fc.oneof(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'),
      fc.string({ minLength: 1, maxLength: 8 }).map((s) => s.replace(/\s/g, '_')),
    );
    const path = fc.oneof(
      fc.constantFrom(
        '/',
        '/v1/windows',
        '/v1/pair',
        '/v1/discover',
        '/v1/../v1/time',
        '//v1/live',
        '/metrics',
        '/v1/time?x=1',
        '/%2e%2e/etc',
        '*',
      ),
      fc.webPath(),
    );
    const header = fc.constantFrom(
      `Host: 127.0.0.1:${port}`, 'Host: evil.example', 'Origin: null', 'Origin: https://evil.example', 'Authorization: Bearer x',
      'Authorization: Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'Content-Length: 5', 'Transfer-Encoding: chunked',
      'Content-Type: application/json', 'Cookie: a=b', 'X: y',
    ); // prettier-ignore
    const requests = fc
      .tuple(word, path, fc.array(header, { maxLength: 6 }), fc.string({ maxLength: 40 }))
      .map(
        ([method, at, headers, body]) =>
          `${method} ${at} HTTP/1.1\r\n${headers.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`,
      );
    const all = fc.sample(requests, { numRuns: 10_000, seed: 3 });
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < all.length; i += 25) {
      later();
      for (const answer of await Promise.all(all.slice(i, i + 25).map(raw))) {
        const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
        expect(body).not.toMatch(/rapl|package|"now"|"token"|_total/);
      }
    }
    globalThis.gc?.();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20);
    later();
    expect((await ask({ path: '/v1/time', headers: by(token) })).status).toBe(200);
  }, 120_000);
});

describe('windows', () => {
  it('open, close and say joules by domain and boundary, with what else went on', async () => {
    const token = await pairedAs(PAGE);
    const post = async (body: unknown) =>
      json(await ask({ method: 'POST', path: '/v1/windows', headers: by(token), body: JSON.stringify(body) }));
    const { id } = await post({ open: true });
    for (let i = 0; i < 50; i++) {
      system.ms += 100;
      await sampler.read();
    }
    const closed = (await post({ close: id })) as {
      totals: { boundary: string; joules: { mid: number } }[];
      conditions: { busy: number };
    };
    expect(closed.totals.map((t) => t.boundary)).toEqual(['package']);
    expect(closed.totals[0]?.joules.mid).toBeCloseTo(100, 1);
    const now = system.ms;
    const spans = (await post({ spans: [[now - 4000, now - 3000], [now - 2000, now - 1500]] })) as typeof closed; // prettier-ignore
    expect(spans.totals[0]?.joules.mid).toBeCloseTo(30, 1);
    expect((await post({ close: id }))['error']).toMatch(/No such window/);
  });

  it('cumulative joules stand behind the same door as OpenMetrics text', async () => {
    const token = await pairedAs(PAGE);
    const reply = await ask({ path: '/metrics', headers: by(token) });
    expect(reply.headers['content-type']).toMatch(/openmetrics-text/);
    expect(reply.body).toMatch(/^joulewise_energy_joules_total\{domain="rapl:package-0".*\} [\d.]+$/m);
    expect(reply.body.endsWith('# EOF\n')).toBe(true);
  });
});

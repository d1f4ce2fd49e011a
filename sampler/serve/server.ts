import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Conditions } from '../meter/conditions';
import type { Sampler } from '../meter/sampler';
import type { Door } from './door';
import { openMetrics } from './metrics';

/** Loopback alone: nobody else on the network reaches it. */
export const HOST = '127.0.0.1';
/** What `joulewise` looks for where nothing else is said. */
export const DEFAULT_PORT = 41_943;
const MOST_BODY = 256 * 1024;
/** Windows that may be open at once, and pairs of times in one question. */
const MOST_OPEN = 256;
const MOST_SPANS = 8192;
const BODY_MS = 5000;
/** How far back `/v1/live` tells what befell a counter's samples. */
const RECENT_MS = 10_000;

export interface Serving {
  sampler: Sampler;
  conditions: Conditions;
  door: Door;
  /** Told of whoever asks: sampling is fast while somebody does. */
  onAsked: () => void;
  /** Serves a file of the built app; null where there is none, or none is served. */
  app: ((path: string) => { body: Uint8Array; headers: Record<string, string> } | null) | null;
  version: string;
}

interface Answer {
  status: number;
  body: unknown;
  type?: string;
}
const answer = (body: unknown, status = 200): Answer => ({ status, body });
const refused = (status: number, error: string): Answer => ({ status, body: { error } });

/** Ends a request with an answer. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const bearer = (request: IncomingMessage): string | null =>
  /^Bearer ([\w-]{20,100})$/.exec(request.headers.authorization ?? '')?.[1] ?? null;

/** A request's body as JSON; throws a Refusal where it is too long, too slow or none. */
function bodyOf(request: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject: (why: Refusal) => void) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => reject(new Refusal(408, 'The body did not arrive.')), BODY_MS);
    const end = (why: Refusal) => {
      clearTimeout(timer);
      reject(why);
    };
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > MOST_BODY) {
        request.removeAllListeners('data');
        request.resume();
        end(new Refusal(413, `A body holds at most ${MOST_BODY} bytes.`));
      } else pieces.push(piece);
    });
    request.on('error', () => end(new Refusal(400, 'The body was cut off.')));
    request.on('end', () => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(Buffer.concat(pieces).toString('utf8')));
      } catch {
        reject(new Refusal(400, 'The body is not JSON.'));
      }
    });
  });
}

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);
const textOrNull = (x: unknown) => (typeof x === 'string' && x.length <= 100 ? x : null);

/** Pairs of times; null where they are none. */
function spansOf(x: unknown): [number, number][] | null {
  if (!Array.isArray(x) || x.length === 0 || x.length > MOST_SPANS) return null;
  const spans: [number, number][] = [];
  for (const pair of x as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) return null;
    const [from, to] = pair as unknown[];
    if (typeof from !== 'number' || typeof to !== 'number' || !(from <= to) || !Number.isFinite(to - from)) return null;
    spans.push([from, to]);
  }
  return spans;
}

/** Answers on loopback. Windows come out, never the trace: fast readings would tell what a processor computes (PLATYPUS). */
export class SamplerServer {
  readonly #open = new Map<number, number>();
  #next = 1;
  #server: Server | null = null;
  #port = 0;

  constructor(private readonly o: Serving) {}

  /** Begins to listen; resolves to the port. Throws where it is taken. */
  listen(port: number): Promise<number> {
    const server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5000, maxHeaderSize: 8192 },
      (request, response) => {
        void this.#serve(request, response).catch(() => {
          if (!response.headersSent) this.#send(request, response, refused(500, 'The sampler failed on this request.'));
        });
      },
    );
    server.maxConnections = 64;
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, () => {
        this.#port = (server.address() as { port: number }).port;
        resolve(this.#port);
      });
    });
  }

  close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    return new Promise((done) => (server ? server.close(() => done()) : done()));
  }

  /** Windows that somebody opened and did not close yet. */
  get waiting(): number {
    return this.#open.size;
  }

  #hosts(): string[] {
    return [`${HOST}:${this.#port}`, `localhost:${this.#port}`];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A name that was bent to this address (DNS rebinding) shows in the Host.
    if (!this.#hosts().includes(request.headers.host ?? '')) {
      this.#send(request, response, refused(421, 'This address is not served here.'));
      return;
    }
    const path = (request.url ?? '/').split('?')[0] as string;
    if (!path.startsWith('/v1/') && path !== '/metrics') {
      this.#file(request, response, path);
      return;
    }
    if (request.method === 'OPTIONS') {
      this.#send(request, response, { status: 204, body: null });
      return;
    }
    const answered = await this.#answer(request, path).catch((error: unknown) => {
      if (error instanceof Refusal) return refused(error.status, error.message);
      throw error;
    });
    this.#send(request, response, answered);
  }

  async #answer(request: IncomingMessage, path: string): Promise<Answer> {
    const { door } = this.o;
    const origin = request.headers.origin ?? null;
    const token = bearer(request);
    const paired = door.knows(token, origin);
    if (!door.hears(paired)) return refused(429, 'Too many requests; try again in a second.');
    const route = `${request.method} ${path}`;
    if (route === 'GET /v1/health') return answer({ sampler: 'joulewise' });
    if (route === 'POST /v1/pair') return this.#pair(request, origin);
    if (!paired) return refused(401, 'Pair this page with the sampler first: its terminal shows a code.');
    this.o.onAsked();
    switch (route) {
      case 'DELETE /v1/pair':
        door.revoke(token as string);
        return answer({ revoked: true });
      case 'GET /v1/discover':
        return answer(this.#discover());
      case 'GET /v1/time':
        return answer({ now: this.o.sampler.system.now() });
      case 'GET /v1/live':
        return answer(this.#live());
      case 'POST /v1/windows':
        return this.#windows(await bodyOf(request));
      case 'GET /metrics':
        return {
          status: 200,
          body: openMetrics(this.o.sampler),
          type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
        };
      default:
        return refused(404, 'There is no such question.');
    }
  }

  async #pair(request: IncomingMessage, origin: string | null): Promise<Answer> {
    const body = await bodyOf(request);
    const code = isRecord(body) ? textOrNull(body['code']) : null;
    const token = code === null ? null : this.o.door.pair(code, origin);
    return token === null
      ? refused(403, 'This code is wrong, used, or older than five minutes; the terminal shows a new one on Enter.')
      : answer({ token });
  }

  #discover() {
    const { sampler, version } = this.o;
    return { version, sources: sampler.discovered, keepAliveMs: sampler.keepAlive, readMs: sampler.cost };
  }

  #live() {
    const { sampler } = this.o;
    const now = sampler.system.now();
    return {
      now,
      domains: sampler.domains.map(({ id, source, name, scope }) => {
        const track = sampler.track(id);
        const at = track?.readAt ?? null;
        return {
          id,
          source,
          name,
          scope,
          watts: track?.watts ?? null,
          /** Milliseconds since it was read, and between two values that differ; null = not known. */
          age: at === null ? null : now - at,
          period: track?.period ?? null,
          flags: track?.since(now - RECENT_MS) ?? [],
        };
      }),
    };
  }

  async #windows(body: unknown): Promise<Answer> {
    const { sampler } = this.o;
    if (!isRecord(body)) return refused(400, 'A window is asked for by "open", "close" or "spans".');
    const gpu = textOrNull(body['gpu']);
    if (body['open'] === true) {
      if (this.#open.size >= MOST_OPEN) return refused(429, `At most ${MOST_OPEN} windows are open at once.`);
      await sampler.cover(sampler.system.now());
      const at = sampler.system.now();
      const id = this.#next++;
      this.#open.set(id, at);
      return answer({ id, at });
    }
    if (typeof body['close'] === 'number') {
      const from = this.#open.get(body['close']);
      if (from === undefined) return refused(404, 'No such window is open; the sampler may have been started anew.');
      this.#open.delete(body['close']);
      const to = sampler.system.now();
      await sampler.cover(to);
      return answer(this.#measured([[from, to]], gpu));
    }
    const spans = spansOf(body['spans']);
    if (!spans)
      return refused(
        400,
        `"spans" are 1 to ${MOST_SPANS} pairs of times, each [from, to] in milliseconds of /v1/time.`,
      );
    await sampler.cover(Math.min(sampler.system.now(), Math.max(...spans.map(([, to]) => to))));
    return answer(this.#measured(spans, gpu));
  }

  #measured(spans: [number, number][], gpu: string | null) {
    const { sampler, conditions } = this.o;
    const [from, to] = [Math.min(...spans.map((s) => s[0])), Math.max(...spans.map((s) => s[1]))];
    return { ...sampler.over(spans, gpu), conditions: conditions.between(from, to) };
  }

  #file(request: IncomingMessage, response: ServerResponse, path: string): void {
    const file = request.method === 'GET' || request.method === 'HEAD' ? this.o.app?.(path) : null;
    if (!file) {
      this.#send(request, response, refused(404, 'There is nothing here.'));
      return;
    }
    response.writeHead(200, file.headers);
    response.end(request.method === 'HEAD' ? undefined : file.body);
  }

  #send(request: IncomingMessage, response: ServerResponse, { status, body, type = 'application/json' }: Answer): void {
    const origin = request.headers.origin;
    const path = (request.url ?? '').split('?')[0] ?? '';
    const open = path === '/v1/health' || path === '/v1/pair';
    // Others' pages may ask, but are not shown what is answered.
    const shown = origin !== undefined && (open || this.o.door.hasPaired(origin));
    response.writeHead(status, {
      ...(body === null ? {} : { 'content-type': type }),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'Origin',
      ...(shown
        ? {
            'access-control-allow-origin': origin,
            'access-control-allow-methods': 'GET, POST, DELETE',
            'access-control-allow-headers': 'authorization, content-type',
            'access-control-max-age': '600',
            'access-control-allow-private-network': 'true',
          }
        : {}),
    });
    response.end(body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  }
}

import { createReadStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, extname, join, normalize, resolve, sep } from 'node:path';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { siteHeaders } from './headers';
import { handOn, type SamplerChoice } from './sampler';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** The built site on loopback, with the headers that threads need, and files of this run under /-/. */
export interface SiteServer {
  /** http://127.0.0.1:PORT */
  origin: string;
  port: number;
  /** Serves a local file, with ranges, under an address of its own. */
  serve(path: string): { name: string; url: string };
  /** Accepts uploads below a folder; returns the base address. */
  receive(folder: string): string;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** False serves without the site's headers, as a host that cannot set headers. */
  isolated?: boolean;
  /** Called with the path of every request. */
  onRequest?: (path: string) => void;
  /** Further folders served beside the site, by their address ("/bench/"). */
  mounts?: Readonly<Record<string, string>>;
  port?: number;
  /** A sampler that the page may ask through this server. */
  sampler?: SamplerChoice | null;
}

export async function startServer(site: string, o: SiteOptions = {}): Promise<SiteServer> {
  const shared = new Map<string, string>();
  const inboxes = new Map<string, string>();
  const headers = Object.entries(siteHeaders(join(site, '_headers')));
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });

  const findPath = (path: string) => {
    const mount = Object.entries(o.mounts ?? {}).find(([address]) => path.startsWith(address));
    return mount ? sitePath(mount[1], path.slice(mount[0].length - 1)) : sitePath(site, path);
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Only loopback names: a page elsewhere cannot reach this through DNS tricks.
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (host !== '127.0.0.1' && host !== 'localhost' && host !== 'joulewise.localhost') {
      response.writeHead(403).end();
      return;
    }
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    o.onRequest?.(path);
    if (o.isolated !== false) for (const [name, value] of headers) response.setHeader(name, value);
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    if (o.sampler && (await handOn(o.sampler, path, request, response))) return;
    const inbox = /^\/-\/in\/(\d+)\/(.+)$/.exec(path);
    if (inbox && request.method === 'PUT') {
      const folder = inboxes.get(inbox[1] as string);
      const target = folder && resolve(folder, inbox[2] as string);
      if (!folder || !target || !target.startsWith(resolve(folder) + sep)) {
        response.writeHead(404).end();
        return;
      }
      mkdirSync(dirname(target), { recursive: true });
      await pipeline(request, createWriteStream(target));
      response.writeHead(204).end();
      return;
    }
    const file = /^\/-\/out\/(\d+)\//.exec(path);
    const found = file ? (shared.get(file[1] as string) ?? null) : findPath(path);
    if (!found) {
      if (file || path.startsWith('/-/')) response.writeHead(404).end();
      else send(request, response, join(site, '404.html'), 404);
      return;
    }
    send(request, response, found, 200);
  }

  await new Promise<void>((ready, failed) => {
    server.once('error', failed);
    server.listen(o.port ?? 0, '127.0.0.1', ready);
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    port,
    serve(path) {
      const id = String(shared.size);
      shared.set(id, path);
      return { name: basename(path), url: `/-/out/${id}/${encodeURIComponent(basename(path))}` };
    },
    receive(folder) {
      const id = String(inboxes.size);
      inboxes.set(id, folder);
      return `/-/in/${id}/`;
    },
    close: () => closeServer(server),
  };
}

/** `/`, `/name` (prerendered `name.html`) or a file; null where there is none, or it lies outside the site. */
function sitePath(site: string, path: string): string | null {
  const base = resolve(site);
  const plain = normalize(join(base, path));
  if (plain !== base && !plain.startsWith(base + sep)) return null;
  for (const candidate of [plain, `${plain}.html`, join(plain, 'index.html')])
    if (existsSync(candidate) && statSync(candidate).isFile()) return candidate;
  return null;
}

function send(request: IncomingMessage, response: ServerResponse, path: string, status: number): void {
  const size = statSync(path).size;
  response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader(
    'Cache-Control',
    path.includes(`${sep}immutable${sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache',
  );
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (range && status === 200) {
    const start = Number(range[1]);
    const end = Math.min(range[2] ? Number(range[2]) : size - 1, size - 1);
    if (start > end) {
      response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
      return;
    }
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${end}/${size}`, 'Content-Length': end - start + 1 });
    if (request.method === 'HEAD') response.end();
    else createReadStream(path, { start, end }).pipe(response);
    return;
  }
  response.writeHead(status, { 'Content-Length': size });
  if (request.method === 'HEAD') response.end();
  else createReadStream(path).pipe(response);
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}

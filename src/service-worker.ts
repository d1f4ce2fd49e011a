import { version } from '$service-worker';

/**
 * Keeps one whole version of the site for offline use, and makes pages cross-origin isolated where the host sets no
 * headers. A new version is fetched completely beside the old one, and takes over only when the user reloads for it.
 */
const worker = self as unknown as ServiceWorkerGlobalScope;

const PREFIX = 'site-';
const CACHE = PREFIX + version;
const ROOT = new URL('./', worker.location.href);
/** Which content a kept response is, so that an update fetches only what changed. */
const HASH = 'X-Content-Hash';
/** What `static/_headers` sets for threads on shared memory. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** `precache.json`, which the build writes (cli/precache.mjs). */
interface Listed {
  /** Relative to the site's root; a page by its route. */
  path: string;
  /** SHA-256, hexadecimal. */
  hash: string;
}

const addressOf = (path: string) => new URL(path, ROOT).href;

/** The same response with further headers; one without a body that can be read stays as it is. */
function withHeaders(response: Response, more: Readonly<Record<string, string>>): Response {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

async function sha256(data: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Fetches one file of this version, or takes it from the version before. Throws where the host has another version. */
async function keep(cache: Cache, { path, hash }: Listed): Promise<void> {
  const address = addressOf(path);
  const known = await caches.match(address);
  if (known?.headers.get(HASH) === hash) return cache.put(address, known);
  const response = await fetch(address, { cache: 'no-cache' });
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  const body = await response.arrayBuffer();
  // Hosts may rewrite pages, but nothing else.
  const isPage = response.headers.get('Content-Type')?.startsWith('text/html');
  if (!isPage && (await sha256(body)) !== hash) throw new Error(`${path} is of another version`);
  const headers = { ...ISOLATION, [HASH]: hash, 'Content-Type': response.headers.get('Content-Type') ?? '' };
  return cache.put(address, new Response(body, { headers }));
}

async function install(): Promise<void> {
  const response = await fetch(addressOf('precache.json'), { cache: 'no-cache' });
  const list = (await response.json()) as { version: string; files: Listed[] };
  if (list.version !== version) throw new Error('The host is being updated.');
  const cache = await caches.open(CACHE);
  await Promise.all(list.files.map((file) => keep(cache, file)));
}

/** Tabs of the version before may still be open, so its files are kept until the next update. */
async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE).sort();
  await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** Names of files that carry their content's hash never mean anything else. */
const isImmutable = (path: string) => path.startsWith('_app/immutable/');

async function answer(request: Request, path: string): Promise<Response> {
  const address = addressOf(path);
  const cache = await caches.open(CACHE);
  const kept = (await cache.match(address)) ?? (isImmutable(path) ? await caches.match(address) : undefined);
  if (kept) return ranged(kept, request.headers.get('Range'));
  const response = withHeaders(await fetch(request), ISOLATION);
  // The runtimes of other engines are large, so they are kept when first used.
  if (isImmutable(path) && response.status === 200) await cache.put(address, response.clone());
  return response;
}

/** The part of a kept file that a reader of weights asks for. */
async function ranged(response: Response, range: string | null): Promise<Response> {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  if (!asked) return response;
  const blob = await response.blob();
  const start = Number(asked[1]);
  const end = Math.min(asked[2] ? Number(asked[2]) : Infinity, blob.size - 1);
  const headers = new Headers(response.headers);
  if (start > end) {
    headers.set('Content-Range', `bytes */${blob.size}`);
    return new Response(null, { status: 416, headers });
  }
  headers.set('Content-Range', `bytes ${start}-${end}/${blob.size}`);
  return new Response(blob.slice(start, end + 1), { status: 206, headers });
}

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('message', ({ data }) => {
  if (data === 'take over') void worker.skipWaiting();
});
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { href, pathname } = new URL(request.url);
  if (request.method !== 'GET' || !href.startsWith(ROOT.href)) return;
  const path = pathname.slice(ROOT.pathname.length);
  // Files that the command line serves for one run.
  if (path.startsWith('-/')) return;
  event.respondWith(answer(request, path));
});

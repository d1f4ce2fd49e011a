import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A Hub on loopback that holds one folder as every repository, and can be as bad as networks are. */
export interface Mirror {
  base: string;
  /** Requests for weights: the byte each began at. */
  starts: number[];
  behave: {
    /** Breaks the connection of the next request for weights after so many bytes; then null again. */
    cutAfter: number | null;
    /** Bytes a tenth of a second; null = as fast as it goes. */
    pace: number | null;
    /** Tells a wrong SHA-256. */
    lie: boolean;
  };
  close(): Promise<void>;
}

const PIECE = 64 * 1024;

export async function startMirror(folder: string): Promise<Mirror> {
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  const behave: Mirror['behave'] = { cutAfter: null, pace: null, lie: false };
  const starts: number[] = [];

  async function send(response: ServerResponse, data: Buffer): Promise<void> {
    const cut = behave.cutAfter;
    behave.cutAfter = null;
    const end = cut ?? data.length;
    const step = behave.pace ?? PIECE;
    for (let at = 0; at < end && !response.destroyed; at += step) {
      response.write(data.subarray(at, Math.min(at + step, end)));
      if (behave.pace !== null) await new Promise((done) => setTimeout(done, 100));
      else if (cut !== null) await new Promise((done) => setTimeout(done, 5));
    }
    if (cut === null) response.end();
    else response.destroy();
  }

  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Expose-Headers', 'Content-Range, Content-Length');
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname.startsWith('/api/models/')) {
      const siblings = [...files].map(([rfilename, data]) => ({
        rfilename,
        size: data.length,
        ...(rfilename.endsWith('.safetensors')
          ? {
              lfs: {
                sha256: createHash('sha256')
                  .update(behave.lie ? 'something else' : data)
                  .digest('hex'),
              },
            }
          : {}),
      }));
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ sha: 'c'.repeat(40), siblings }));
      return;
    }
    const name = /^\/[^/]+\/[^/]+\/resolve\/[^/]+\/(.+)$/.exec(pathname)?.[1];
    const data = name ? files.get(name) : undefined;
    if (!data) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const last = /-(\d+)$/.exec(request.headers.range ?? '')?.[1];
    const part = data.subarray(from, last ? Number(last) + 1 : data.length);
    if (name?.endsWith('.safetensors')) starts.push(from);
    if (request.headers.range)
      response.writeHead(206, {
        'Content-Range': `bytes ${from}-${from + part.length - 1}/${data.length}`,
        'Content-Length': part.length,
      });
    else response.writeHead(200, { 'Content-Length': data.length });
    void send(response, part);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    starts,
    behave,
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

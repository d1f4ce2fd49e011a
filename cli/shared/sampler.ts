import type { IncomingMessage, ServerResponse } from 'node:http';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import { BOUNDARIES } from '../../src/lib/schema/run';
import type { Parsed } from './args';

/** A sampler that a command takes its joules from: where it listens, and the token that it gave to this terminal. */
export interface SamplerChoice {
  url: string;
  token: string;
  boundary: (typeof BOUNDARIES)[number] | null;
}

/** Options of commands whose joules a sampler may count. */
export const SOURCE_FLAGS = { source: 'text', boundary: 'text' } as const;

const ADDRESS = 'http://127.0.0.1:41943';

/**
 * What joules come from: null = the power profile. Throws `option.unknown` for sources that are none, `option.invalid` where
 * no token is at hand.
 */
export function samplerOf(a: Parsed): SamplerChoice | null {
  const source = a.text('source') ?? 'profile';
  const boundary = a.text('boundary');
  const found = BOUNDARIES.find((b) => b === boundary) ?? null;
  if (boundary !== null && !found)
    throw new JoulewiseError(
      'option.unknown',
      `Boundary ${quote(boundary)} is not known. Boundaries: ${BOUNDARIES.join(', ')}.`,
    );
  if (source === 'profile') {
    if (boundary === null) return null;
    throw new JoulewiseError('option.invalid', '--boundary says what a sampler counts; give it with --source sampler.');
  }
  if (source !== 'sampler')
    throw new JoulewiseError('option.unknown', `Source ${quote(source)} is not known. Sources: profile, sampler.`);
  const token = process.env['JOULEWISE_SAMPLER_TOKEN'];
  if (!token)
    throw new JoulewiseError(
      'option.invalid',
      '--source sampler wants JOULEWISE_SAMPLER_TOKEN: "npm run -s sampler -- token" prints one, and "npm run sampler -- serve" must run.',
    );
  return { url: process.env['JOULEWISE_SAMPLER'] ?? ADDRESS, token, boundary: found };
}

/** Where the site's own server hands questions on to the sampler, so that no token reaches the page. */
export const SAMPLER_PATH = '/-/sampler';

/** Questions that are handed on. */
const ASKED = /^\/v1\/(?:time|discover|live|windows)$/;

/** Hands a question on to the sampler, and its answer back; false where it is none. */
export async function handOn(
  { url, token }: SamplerChoice,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const own = path.slice(SAMPLER_PATH.length);
  if (!path.startsWith(SAMPLER_PATH) || !ASKED.test(own)) return false;
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  try {
    const answer = await fetch(url + own, {
      method: request.method ?? 'GET',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(pieces.length ? { body: Buffer.concat(pieces) } : {}),
    });
    response.writeHead(answer.status, { 'Content-Type': 'application/json' });
    response.end(await answer.text());
  } catch {
    response.writeHead(502).end();
  }
  return true;
}

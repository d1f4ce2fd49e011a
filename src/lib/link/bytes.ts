import { JoulewiseError } from '../core/errors';

/** base64url without padding (RFC 4648, section 5), and raw deflate through the platform's streams. */

export const ALPHABET = /^[A-Za-z0-9_-]*$/;

export function toBase64Url(data: Uint8Array): string {
  let binary = '';
  for (const byte of data) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The text must match ALPHABET. @throws link.invalid where its length is impossible */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 4 === 1) throw new JoulewiseError('link.invalid', 'This link is cut off. Ask for it again.');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Reads a transformed stream up to `limit` bytes; null, and nothing further is computed, where there is more. */
async function through(
  data: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const writer = transform.writable.getWriter();
  // Errors of the input arrive at the reader too; unhandled here they would end the process.
  const written = writer.write(data).then(() => writer.close());
  written.catch(() => undefined);
  const reader = transform.readable.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel().catch(() => undefined);
      return null;
    }
    chunks.push(value);
  }
  await written;
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

export const deflate = async (data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> =>
  (await through(data, new CompressionStream('deflate-raw'), Infinity)) ?? new Uint8Array();

/** @returns null where the data unfold into more than `limit` bytes. @throws TypeError where they are not deflate data */
export const inflate = (data: Uint8Array<ArrayBuffer>, limit: number): Promise<Uint8Array<ArrayBuffer> | null> =>
  through(data, new DecompressionStream('deflate-raw'), limit);

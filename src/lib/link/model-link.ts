import { canonicalJson } from '../core/canonical';
import { JoulewiseError } from '../core/errors';
import { readModel } from '../fit/fit';
import type { EnergyModelRecord } from '../schema/energy-model';
import { ALPHABET, deflate, fromBase64Url, inflate, toBase64Url } from './bytes';

/** `m1.` + base64url(deflate-raw(canonical JSON of an energy model)), for the fragment of `/device#...`. */
const CODEC = 'm1';
const MAX_LINK = 16 * 1024;
const MAX_JSON = 64 * 1024;

/** The text after `#`. Equal models give equal links. */
export const encodeModel = async (model: EnergyModelRecord): Promise<string> =>
  `${CODEC}.${toBase64Url(await deflate(new TextEncoder().encode(canonicalJson(model))))}`;

/** Whether an address, or its fragment, says that it carries a model. */
export const carriesModel = (text: string) => text.includes(`#${CODEC}.`) || text.startsWith(`${CODEC}.`);

/**
 * The model that a link carries, from a whole address or from its fragment; anyone may have written it.
 *
 * @throws link.invalid, link.too-large, record.invalid, record.newer
 */
export async function decodeModel(text: string): Promise<EnergyModelRecord> {
  if (text.length > MAX_LINK)
    throw new JoulewiseError('link.too-large', `This link is longer than ${MAX_LINK} characters, so it is not read.`);
  const payload = text.slice(text.indexOf('#') + 1).trim();
  const damaged = (cause?: unknown) =>
    new JoulewiseError('link.invalid', 'This link is damaged or cut off. Ask for it again.', { cause });
  if (!payload.startsWith(`${CODEC}.`) || !ALPHABET.test(payload.slice(CODEC.length + 1))) throw damaged();
  let json: unknown;
  try {
    const bytes = await inflate(fromBase64Url(payload.slice(CODEC.length + 1)), MAX_JSON);
    if (!bytes) throw damaged();
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw cause instanceof JoulewiseError ? cause : damaged(cause);
  }
  return readModel(json);
}

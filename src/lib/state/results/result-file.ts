import { JoulewiseError } from '../../core/errors';
import { parseRecord } from '../../schema/record';
import { SharedResult, type SharedResultRecord } from '../../schema/result';
import { RESULT_FILE as T } from '../../texts/result-file';

/** A result file of ours is far smaller; more would only stall the page. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * The shared result in a saved file: the file of a run (which carries it under `shared`, beside plan and records) or
 * of an opened link. It comes from anyone, so it is validated as a link is. Throws a JoulewiseError.
 */
export async function readResultFile(file: Blob): Promise<SharedResultRecord> {
  if (file.size > MAX_BYTES) throw new JoulewiseError('input.format', T.tooLarge);
  let json: unknown;
  try {
    json = JSON.parse(await file.text());
  } catch (cause) {
    throw new JoulewiseError('input.format', T.notJson, { cause });
  }
  const holder = (typeof json === 'object' && json !== null ? json : {}) as { shared?: unknown; kind?: unknown };
  const record = holder.shared ?? holder;
  if ((record as { kind?: unknown }).kind !== 'result') throw new JoulewiseError('input.format', T.noResult);
  return parseRecord(SharedResult, record);
}

import type { SharedRecipeRecord } from '../../schema/result';
import { decodeLink, type SharedRecord } from '../../link/codec';
import { readResultFile } from './result-file';
import { sharedResults, type ResultSet } from './results';

/** What a link or a file carries; it comes from anyone. */
export type Received =
  { kind: 'result'; record: SharedRecord; set: ResultSet } | { kind: 'recipe'; record: SharedRecipeRecord };

/** @param text an address, or only what follows "#". Throws a JoulewiseError. */
export async function openLink(text: string): Promise<Received> {
  const record = await decodeLink(text);
  return record.kind === 'recipe' ? { kind: 'recipe', record } : { kind: 'result', record, set: sharedResults(record) };
}

/** A saved result. Throws a JoulewiseError. */
export async function openFile(file: Blob): Promise<Received & { kind: 'result' }> {
  const record = await readResultFile(file);
  return { kind: 'result', record, set: sharedResults(record) };
}

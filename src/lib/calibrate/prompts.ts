import { JoulewiseError } from '../core/errors';

/** How much text a calibration reads. */
export interface PromptSize {
  sequences: number;
  /** Tokens of each; a multiple of 4, as the kernels want. */
  length: number;
}

/** What the published pruners' figures were made with is 128 x 2048; this is what a phone affords, and SmolLM2 needs. */
export const DEFAULT_PROMPTS: PromptSize = { sequences: 48, length: 256 };

/** Fewer tokens than this say too little about hundreds of features. */
const LEAST_TOKENS = 64;

/**
 * Packs texts into sequences of equal length: token ids one after another, `separator` (end of turn) between texts. A
 * rest is kept where it is all there is, or long enough. Throws where there is too little text.
 */
export function fillSequences<T>(
  texts: readonly T[],
  encode: (text: T) => readonly number[],
  separator: number | null,
  size: PromptSize = DEFAULT_PROMPTS,
): number[][] {
  const want = size.sequences * size.length;
  const stream: number[] = [];
  for (const text of texts) {
    if (stream.length >= want) break;
    if (stream.length && separator !== null) stream.push(separator);
    for (const id of encode(text)) stream.push(id);
  }
  const out: number[][] = [];
  for (let at = 0; at < Math.min(stream.length, want); at += size.length) {
    const ids = stream.slice(at, Math.min(at + size.length, want));
    ids.length -= ids.length % 4;
    if (ids.length === size.length || ids.length >= LEAST_TOKENS) out.push(ids);
  }
  if (out.length === 0)
    throw new JoulewiseError(
      'input.empty',
      `The calibration text has ${stream.length} tokens; at least ${LEAST_TOKENS} are needed, and ${want} are read where there are as many. Give more text.`,
    );
  return out;
}

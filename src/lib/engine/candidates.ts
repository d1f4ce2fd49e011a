import { logProbability, type CandidateScore } from './session';

/**
 * Scores candidates one by one behind the same prompt.
 * @param first logits [vocabulary] after the prompt
 * @param behind runs tokens behind the prompt, which stays as it is; logits [n, vocabulary]
 */
export async function scoreEach(
  first: Float32Array,
  candidates: readonly (readonly number[])[],
  behind: (ids: readonly number[]) => Promise<Float32Array>,
): Promise<CandidateScore[]> {
  const vocabulary = first.length;
  const out: CandidateScore[] = [];
  for (const candidate of candidates) {
    // The last token is only predicted, never read.
    const read = candidate.slice(0, -1);
    const logits = read.length ? await behind(read) : first;
    const rows = [first, ...read.map((_, i) => logits.subarray(i * vocabulary, (i + 1) * vocabulary))];
    const logProb = candidate.reduce((sum, id, i) => sum + logProbability(rows[i] as Float32Array, id), 0);
    out.push({ logProb, tokens: candidate.length });
  }
  return out;
}

/**
 * Scoring K candidate answers in one run: the prompt, then all candidates side by side. Every candidate sees the
 * prompt and itself, none of the others (a block mask), and its positions count on from the prompt's end.
 */
export interface CandidateBatch {
  ids: number[];
  positions: number[];
  /** [S, S] additive mask, row-major; causality itself is the kernel's. */
  bias: Float32Array<ArrayBuffer>;
  /** Positions whose logits are wanted: the prompt's last token, then all but the last token of each candidate. */
  logitPositions: number[];
  /** For each candidate, per token: [row in the logits, token id]. */
  lookups: [row: number, id: number][][];
}

/** Weight exp(-1e30) = 0 after the softmax; finite, so that no NaN can arise. */
const MASKED = -1e30;

export function batchCandidates(prompt: readonly number[], candidates: readonly (readonly number[])[]): CandidateBatch {
  const ids = [...prompt];
  const positions = prompt.map((_, i) => i);
  const logitPositions = [prompt.length - 1];
  const lookups: CandidateBatch['lookups'] = [];
  const spans: [start: number, end: number][] = [];
  for (const candidate of candidates) {
    const start = ids.length;
    // The last token is only predicted, never read.
    const read = candidate.slice(0, -1);
    lookups.push(candidate.map((id, i) => [i === 0 ? 0 : logitPositions.length + i - 1, id]));
    read.forEach((id, i) => {
      ids.push(id);
      positions.push(prompt.length + i);
      logitPositions.push(start + i);
    });
    spans.push([start, ids.length]);
  }
  const size = ids.length;
  const bias = new Float32Array(size * size);
  for (const [start, end] of spans)
    for (let row = start; row < end; row++) bias.fill(MASKED, row * size + prompt.length, row * size + start);
  return { ids, positions, bias, logitPositions, lookups };
}

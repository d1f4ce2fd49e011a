import { generate } from '../engine/generate';
import type { OpenVariant } from '../engine/open';

/** Token ids that an engine is to compute with. */
export interface TraceOptions {
  /** Each is scored as it stands, and again behind a prefix of `prefix` tokens that is kept (0 = none). */
  prompts: { ids: number[]; prefix: number }[];
  candidates: number[][];
  text: number[];
  /** Tokens to go on with behind each prompt. */
  greedy: number;
}

/** What an engine computes from given tokens: engines are compared by it. */
export interface Trace {
  kernel: string;
  /** For each prompt: log-probabilities of the candidates, together, each in a call of its own, and behind the prefix. */
  scores: { together: number[]; alone: number[]; shared: number[] | null }[];
  /** Of each token of the text but the first. */
  logProbs: number[];
  /** For each prompt, what follows greedily; and the first of it where the prefix is kept. */
  greedy: number[][];
  sharedGreedy: (number[] | null)[];
}

/** Interleaves calls as a plan does, so that what one leaves in the cache would show in the next. */
export async function traceEngine(
  { session }: OpenVariant,
  { prompts, candidates, text, greedy }: TraceOptions,
  signal: AbortSignal,
): Promise<Trace> {
  const score = async (ids: number[], own = candidates) => (await session.score(ids, own)).map((s) => s.logProb);
  const goOn = async (ids: number[]) =>
    (await generate(session, ids, { maxNewTokens: greedy, stopIds: [], inPhase: (_, work) => work(), signal })).ids;
  const found: Trace = { kernel: session.kernel, scores: [], logProbs: [], greedy: [], sharedGreedy: [] };
  for (const { ids, prefix } of prompts) {
    session.prefixes?.release();
    const together = await score(ids);
    found.greedy.push(await goOn(ids));
    const alone: number[] = [];
    for (const candidate of candidates) alone.push(...(await score(ids, [candidate])));
    const keeps = prefix > 0 && session.prefixes !== null;
    if (keeps) await session.prefixes?.hold(ids.slice(0, prefix));
    found.scores.push({ together, alone, shared: keeps ? await score(ids) : null });
    found.sharedGreedy.push(keeps ? await goOn(ids) : null);
  }
  found.logProbs = [...(await session.evaluate(text)).logProbs];
  return found;
}

import { JoulewiseError } from '../core/errors';
import { generate } from '../engine/generate';
import type { OpenVariant } from '../engine/open';
import { topK } from '../engine/session';
import type { EngineName } from '../schema/engines';

export interface EvaluateResult {
  tokenIds: number[];
  /** Mean negative log-likelihood of tokens 2..n, nats. */
  nll: number;
  /** Ids of the last position's five highest logits. */
  top5: number[];
  ms: { compress: number; load: number; evaluate: number };
  engine: EngineName;
  kernel: string;
  threads: number;
  variant: string;
  /** Null for ready-made exports, whose weights are not ours to count. */
  storedBytes: number | null;
  computedBytes: number | null;
  sparsity: number | null;
  wasmHeapBytes: number | null;
  fallbacks: string[];
}

export interface GenerateResult {
  promptIds: number[];
  ids: number[];
  text: string;
  prefillMs: number;
  decodeMs: number;
  kernel: string;
  fallbacks: string[];
}

/**
 * How well an open variant predicts a text. Throws `input.empty` for a text of fewer than two tokens, `engine.failed` where
 * the result is not a number.
 * @param named the variant's name where its weights are not ours to name
 */
export async function evaluate(
  { session, tokenizer, compression, ms }: OpenVariant & { ms: Pick<EvaluateResult['ms'], 'compress' | 'load'> },
  text: string,
  named: string,
): Promise<EvaluateResult> {
  const tokenIds = tokenizer.encode(text);
  if (tokenIds.length < 2)
    throw new JoulewiseError(
      'input.empty',
      'The text has fewer than two tokens, so nothing can be predicted. Give a longer text.',
    );
  const start = performance.now();
  const { logProbs, last } = await session.evaluate(tokenIds);
  const nll = -logProbs.reduce((a, x) => a + x, 0) / logProbs.length;
  if (!Number.isFinite(nll))
    throw new JoulewiseError(
      'engine.failed',
      'The model gives results that are not numbers: a weight is infinite or no number, or its arithmetic overflows in this variant. Try the variant fp32, or download the checkpoint again.',
    );
  return {
    tokenIds,
    nll,
    top5: topK(last, 5),
    ms: { ...ms, evaluate: performance.now() - start },
    engine: session.engine,
    kernel: session.kernel,
    threads: session.threads,
    variant: compression?.recipe ?? named,
    storedBytes: compression?.storedBytes ?? null,
    computedBytes: compression?.computedBytes ?? null,
    sparsity: compression ? compression.zeros / compression.linearParameters : null,
    wasmHeapBytes: session.heapBytes(),
    fallbacks: [...session.fallbacks],
  };
}

/** What an open variant writes behind a prompt, greedily. */
export async function goOn(
  { session, tokenizer, stopIds }: OpenVariant,
  o: { prompt: string; chat: boolean; maxNewTokens: number; ignoreStop: boolean; signal: AbortSignal },
): Promise<GenerateResult> {
  const promptIds = o.chat ? tokenizer.chat([{ role: 'user', content: o.prompt }]) : tokenizer.encode(o.prompt);
  const made = await generate(session, promptIds, {
    maxNewTokens: o.maxNewTokens,
    stopIds: o.ignoreStop ? [] : stopIds,
    inPhase: (_, work) => work(),
    signal: o.signal,
  });
  return {
    promptIds,
    ...made,
    text: tokenizer.decode(made.ids),
    kernel: session.kernel,
    fallbacks: [...session.fallbacks, ...(o.chat ? tokenizer.notes : [])],
  };
}

import { argmax, type EngineSession } from './session';

export interface Generated {
  ids: number[];
  prefillMs: number;
  decodeMs: number;
}

/**
 * Greedy generation. Stops at `maxNewTokens`, at a stop id (not part of the result), or at the end of the context.
 * `inPhase` meters prefill (up to the first token) and decode (the rest) apart, each closed by the engine's fence.
 */
export async function generate(
  session: EngineSession,
  prompt: readonly number[],
  o: {
    maxNewTokens: number;
    stopIds: readonly number[];
    inPhase: <T>(phase: 'prefill' | 'decode', work: () => Promise<T>) => Promise<T>;
    onToken?: (id: number) => void;
    signal?: AbortSignal | undefined;
  },
): Promise<Generated> {
  const ids: number[] = [];
  const start = performance.now();
  let next = await o.inPhase('prefill', async () => argmax(await session.prefill(prompt)));
  const prefilled = performance.now();
  const room = Math.min(o.maxNewTokens, session.maxPositions - prompt.length);
  const more = () => ids.length < room && !o.stopIds.includes(next) && !o.signal?.aborted;
  if (more())
    await o.inPhase('decode', async () => {
      while (more()) {
        ids.push(next);
        o.onToken?.(next);
        // The last token asked for needs no pass of its own.
        if (ids.length === room) break;
        next = argmax(await session.decode(next));
      }
    });
  return { ids, prefillMs: prefilled - start, decodeMs: performance.now() - prefilled };
}

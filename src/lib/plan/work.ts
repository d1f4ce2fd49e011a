import { bytes, flops } from '../core/units';
import { totalBytes } from '../graph/cost';
import type { WindowWork } from '../meter/meter';
import type { EngineSession } from '../run/engine';
import { arithmeticOf } from '../run/kernels';

/** New tokens, tokens before them, and positions whose logits are computed. */
export type Pass = readonly [fresh: number, past: number, logits: number];

export const NO_WORK: WindowWork = { bytes: null, flops: null, tokens: null };

/** Bytes moved and operations of some passes, as the meter wants them; unknown where the graph is not ours. */
export function countWork(session: EngineSession, passes: readonly Pass[], tokens: number): WindowWork {
  let b = 0;
  let f = 0;
  for (const [fresh, past, logits] of passes) {
    const cost = session.cost(fresh, past, logits);
    if (!cost) return { ...NO_WORK, tokens };
    b += totalBytes(cost);
    f += cost.flops;
  }
  return { bytes: bytes(b), flops: flops(f), tokens, arithmetic: arithmeticOf(session.kernel) };
}

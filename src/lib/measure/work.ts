import { hash32 } from '../core/random';
import { bytes, operations } from '../core/units';
import { engineThen } from '../schema/engines';
import type { KernelReading } from '../schema/run';
import { totalBytes } from '../core/cost';
import type { WindowWork } from '../meter/meter';
import type { EngineSession, Pass } from '../engine/session';

export const UNCOUNTED: WindowWork = { bytes: null, operations: null, tokens: null };

/** Bytes moved and operations of some passes, as the meter wants them; unknown where the graph is not ours. */
export function countWork(session: EngineSession, passes: readonly Pass[], tokens: number): WindowWork {
  let b = 0;
  let f = 0;
  for (const [fresh, past, logits] of passes) {
    const cost = session.work(fresh, past, logits);
    if (!cost) return { ...UNCOUNTED, tokens };
    b += totalBytes(cost);
    f += cost.operations;
  }
  return { bytes: bytes(b), operations: operations(f), tokens, arithmetic: session.arithmetic };
}

/** Passes whose counted work names a variant's work: one token behind few and many, and a prompt. */
const NAMING: readonly Pass[] = [
  [1, 0, 1],
  [1, 255, 1],
  [64, 0, 1],
];

/**
 * The name of a session's work: engine, kernel, threads, bytes and operations of a few passes. Sessions of one name do
 * equal work a token, so one energy a token and position serves them all. Null where the graph is not ours.
 */
export function workNameOf(session: Pick<EngineSession, 'work' | 'engine' | 'kernel' | 'threads'>): string | null {
  const costs = NAMING.map((pass) => session.work(...pass));
  if (costs.some((cost) => cost === null)) return null;
  const counted = costs.map((cost) => cost && [totalBytes(cost), cost.operations]);
  return hash32(JSON.stringify([engineThen(session.engine), session.kernel, session.threads, counted])).toString(36);
}

const plus = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);

/** Adds up what a session's kernels did in the passes that count. */
export class KernelBook {
  /** Null on engines that do not say. */
  total: KernelReading[] | null = null;
  constructor(private readonly session: Pick<EngineSession, 'takeKernels'>) {}

  /** Forgets what it added up: a new slice begins. */
  reset(): void {
    this.total = null;
    this.session.takeKernels();
  }

  /** Closes what was done since the last call: into the books, or forgotten. */
  take(counts: boolean): void {
    const fresh = this.session.takeKernels();
    if (!counts || !fresh) return;
    const before = this.total;
    this.total = fresh.map((k, i) => {
      const b = before?.[i];
      return b
        ? { ...k, bytes: plus(b.bytes, k.bytes), operations: plus(b.operations, k.operations), ms: b.ms + k.ms }
        : k;
    });
  }
}

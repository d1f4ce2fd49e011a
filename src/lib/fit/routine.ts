import type { Arithmetic } from '../core/cost';
import type { SegmentKind } from '../schema/energy-model';
import type { MeasuredSpeed } from '../schema/known';
import type { Segment } from './timeline';

/** A kernel of the routine: `once` takes some milliseconds, and tells what it did. */
export interface RoutineKernel {
  kind: Exclude<SegmentKind, 'idle'>;
  arithmetic: Arithmetic;
  once: () => { bytes: number; operations: number } | Promise<{ bytes: number; operations: number }>;
}

/**
 * How long a routine takes, and its pieces: `counter` for what answers many times a second, `glance` the same in a hurry and
 * so with wider intervals, `battery` for power that is read
 * every few seconds, `steps` for a meter that steps every minute or so; `speed` asks no meter.
 */
export const ROUTINES = {
  counter: { seconds: 120, pieceSeconds: 2.5 },
  glance: { seconds: 30, pieceSeconds: 1 },
  battery: { seconds: 480, pieceSeconds: 12 },
  steps: { seconds: 2400, pieceSeconds: 50 },
  speed: { seconds: 8, pieceSeconds: 1 },
} as const;
export type RoutineName = keyof typeof ROUTINES;

/** Doing nothing comes before, between and after: once for so many kernels. */
const IDLE_EVERY = 4;

/**
 * The order of pieces: all kernels in turn, again and again and each time from another one on, so that none is always the
 * warmest; null = idle.
 *
 * @param n pieces there is time for
 */
export function orderOf(kernels: number, n: number): (number | null)[] {
  const order: (number | null)[] = [null];
  for (let i = 0; order.length < n - 1; i++) {
    const cycle = Math.floor(i / kernels);
    // A step that shares no divisor with their number visits all of them.
    order.push((i * (cycle % 2 === 0 ? 1 : kernels - 1) + cycle) % kernels);
    if (i % IDLE_EVERY === IDLE_EVERY - 1) order.push(null);
  }
  return [...order.slice(0, n - 1), null];
}

/** What the routine runs by: handed in, so that tests need not wait. */
export interface RoutineClock {
  now: () => number;
  sleep: (ms: number) => Promise<void>;
}

/**
 * Runs kernels in their order, and tells what ran when.
 *
 * @param onPiece called before each piece: how many are done, of how many
 * @throws whatever a kernel throws, and the signal's reason
 */
export async function runRoutine(
  kernels: readonly RoutineKernel[],
  name: RoutineName,
  { now, sleep }: RoutineClock,
  { signal, onPiece }: { signal: AbortSignal; onPiece: (done: number, of: number, kind: SegmentKind) => void },
): Promise<Segment[]> {
  const { seconds, pieceSeconds } = ROUTINES[name];
  const order = orderOf(kernels.length, Math.round(seconds / pieceSeconds));
  const segments: Segment[] = [];
  for (const [i, at] of order.entries()) {
    const kernel = at === null ? null : (kernels[at] ?? null);
    onPiece(i, order.length, kernel?.kind ?? 'idle');
    const from = now();
    const end = from + 1000 * pieceSeconds;
    let [bytes, operations] = [0, 0];
    if (!kernel) await sleep(end - from);
    else
      while (now() < end) {
        const did = await kernel.once();
        bytes += did.bytes;
        operations += did.operations;
        // Calls that tell this thread to stop arrive only where it lets them in.
        await sleep(0);
        signal.throwIfAborted();
      }
    signal.throwIfAborted();
    segments.push({
      kind: kernel?.kind ?? 'idle',
      arithmetic: kernel?.arithmetic ?? 'f32',
      from,
      to: now(),
      bytes,
      operations,
    });
  }
  return segments;
}

/** Bytes and 32-bit operations a second at best, by the pieces that do nothing else; null where one of them is missing. */
export function speedOf(segments: readonly Segment[]): MeasuredSpeed | null {
  const best = (kind: SegmentKind, work: (s: Segment) => number) =>
    Math.max(
      0,
      ...segments
        .filter((s) => s.kind === kind && s.arithmetic === 'f32' && s.to > s.from)
        .map((s) => (1000 * work(s)) / (s.to - s.from)),
    );
  const bytesPerSecond = best('reading', (s) => s.bytes);
  const operationsPerSecond = best('computing', (s) => s.operations);
  return bytesPerSecond > 0 && operationsPerSecond > 0 ? { bytesPerSecond, operationsPerSecond } : null;
}

/** Kernels that a routine of speed alone needs. */
export const tellsSpeed = ({ kind, arithmetic }: Pick<RoutineKernel, 'kind' | 'arithmetic'>) =>
  arithmetic === 'f32' && (kind === 'reading' || kind === 'computing');

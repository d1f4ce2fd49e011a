import { totalBytes, type Work } from '../core/cost';
import { createRandom } from '../core/random';
import { bytes, operations } from '../core/units';
import type { OpenVariant } from '../engine/open';
import type { EngineSession } from '../engine/session';
import { createMeter } from '../meter/meter';
import type { KernelReading } from '../schema/run';

/** Times of a bench, one value a repeat, after one warm-up. */
export interface SpeedResult {
  /** From the checkpoint's first byte to a ready session. */
  openMs: number;
  prefillMs: number[];
  decodeMs: number[];
  scoreMs: number[];
  kernel: string;
  threads: number;
  computedBytes: number | null;
  wasmHeapBytes: number | null;
  /** Work of one prefill and of one decode step in the middle, for rooflines. */
  prefillCost: Work | null;
  decodeCost: Work | null;
  /** Kernel by kernel, of the last prefill and of the last round of decoding; null on engines that do not say. */
  kernels: { prefill: KernelReading[]; decode: KernelReading[] } | null;
  /** What metering adds to one ticket: a prefill and a decode window, and counting their work. */
  meterMs: number;
}

/** Tokens of a label in the bench. */
const LABEL_TOKENS = 3;

/** Tickets over which the bench averages what metering costs. */
const METERED_TICKETS = 20;

/** Milliseconds of metering one generated answer, as a run does it; prompts differ in length, as tickets do. */
async function meterCost(session: EngineSession, prefill: number, decode: number): Promise<number> {
  const meter = createMeter({
    clock: () => performance.now(),
    fence: () => session.fence(),
    // Reading happens once a run, not once a ticket.
    sources: [{ tier: 'profile', boundary: 'device', name: 'bench', read: () => Promise.resolve([]) }],
  });
  const workOf = (passes: readonly (readonly [fresh: number, past: number])[]) => {
    const costs = passes.map(([fresh, past]) => session.work(fresh, past, 1));
    return {
      bytes: bytes(costs.reduce((n, c) => n + (c ? totalBytes(c) : 0), 0)),
      operations: operations(costs.reduce((n, c) => n + (c?.operations ?? 0), 0)),
      tokens: passes.length,
    };
  };
  const start = performance.now();
  for (let t = 0; t < METERED_TICKETS; t++) {
    const length = prefill + t + 1;
    await meter.window(
      'prefill',
      () => workOf([[length, 0]]),
      () => undefined,
    );
    await meter.window(
      'decode',
      () => workOf(Array.from({ length: decode }, (_, i) => [1, length + i] as const)),
      () => undefined,
    );
  }
  return (performance.now() - start) / METERED_TICKETS;
}

export interface SpeedOptions {
  prefill: number;
  decode: number;
  labels: number;
  repeats: number;
}

/** Times of an open variant; `openMs` as the caller timed it. */
export async function timeModel(
  { session, compression, tokenizer }: OpenVariant,
  openMs: number,
  o: SpeedOptions & { onRepeat: (done: number) => void },
): Promise<SpeedResult> {
  const random = createRandom(1);
  const vocabulary = Math.max(...tokenizer.encode('a b c d e f g h')) + 1;
  const ids = (n: number) => Array.from({ length: n }, () => random.int(vocabulary));
  const prompt = ids(o.prefill);
  const labels = Array.from({ length: o.labels }, () => ids(LABEL_TOKENS));
  const times = { prefillMs: [] as number[], decodeMs: [] as number[], scoreMs: [] as number[] };
  const time = async (into: number[], keep: boolean, work: () => Promise<unknown>) => {
    const from = performance.now();
    await work();
    await session.fence();
    if (keep) into.push(performance.now() - from);
  };
  let prefillKernels: KernelReading[] | null = null;
  let decodeKernels: KernelReading[] | null = null;
  for (let r = 0; r <= o.repeats; r++) {
    const keep = r > 0;
    if (o.labels) await time(times.scoreMs, keep, () => session.score(prompt, labels));
    session.takeKernels();
    await time(times.prefillMs, keep, () => session.prefill(prompt));
    prefillKernels = session.takeKernels();
    await time(times.decodeMs, keep, async () => {
      for (let i = 0; i < o.decode; i++) await session.decode(prompt[i % prompt.length] as number);
    });
    decodeKernels = session.takeKernels();
    o.onRepeat(r);
  }
  return {
    openMs,
    ...times,
    kernel: session.kernel,
    threads: session.threads,
    computedBytes: compression?.computedBytes ?? null,
    wasmHeapBytes: session.heapBytes(),
    prefillCost: session.work(o.prefill, 0, 1),
    decodeCost: session.work(1, o.prefill + Math.floor(o.decode / 2), 1),
    kernels: prefillKernels && decodeKernels && { prefill: prefillKernels, decode: decodeKernels },
    meterMs: await meterCost(session, o.prefill, o.decode),
  };
}

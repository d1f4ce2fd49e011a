import { shapeOf, type TrainedLayout } from '../../block/layout';
import type { Arithmetic, Frozen, ModelShape } from '../../gradient/frozen';
import type { Pass } from '../../gradient/pass';
import type { TuneEngine } from '../../tune/trainer';
import GradientWorker from './gradient.worker?worker';
import { connect, type Connection } from '../../core/rpc';
import type { GradientApi } from './protocol';

/** More gain little: passes of a step are few. */
const MAX_THREADS = 8;

/** Threads of the processor that compute a step together. */
export interface GradientThreads extends TuneEngine {
  end(): void;
}

/** Threads that are asked for (null = one a core, at most 8), and what the device says of its memory. */
export const threadsHere = (asked: number | null) => ({
  threads: asked ?? Math.min(navigator.hardwareConcurrency || 1, MAX_THREADS),
  memoryGiB: (navigator as { deviceMemory?: number }).deviceMemory ?? null,
});

/**
 * Opens threads that each hold the model and take passes one after the other. Gradients are added up in the passes'
 * order, so that any number of threads gives the same bits.
 */
export async function openThreads(
  model: Frozen | ModelShape,
  layout: TrainedLayout,
  arithmetic: Arithmetic,
  threads: number,
): Promise<GradientThreads> {
  const pool: Connection<GradientApi>[] = Array.from({ length: threads }, () =>
    connect<GradientApi>(new GradientWorker()),
  );
  try {
    const shape = shapeOf(layout);
    await Promise.all(pool.map((thread) => thread.call('open', { model, shape, arithmetic })));
  } catch (error) {
    for (const thread of pool) thread.end();
    throw error;
  }
  /** Hands each pass to the next idle thread, the largest first; results in the passes' order. */
  async function each<T>(passes: readonly Pass[], work: (thread: Connection<GradientApi>, pass: Pass) => Promise<T>) {
    const order = passes.map((_, i) => i).sort((a, b) => (passes[b]?.ids.length ?? 0) - (passes[a]?.ids.length ?? 0));
    const out: T[] = [];
    await Promise.all(
      pool.map(async (thread) => {
        for (let i = order.shift(); i !== undefined; i = order.shift()) out[i] = await work(thread, passes[i] as Pass);
      }),
    );
    return out;
  }
  const give = (numbers: Float32Array<ArrayBuffer>) =>
    Promise.all(pool.map((thread) => thread.call('numbers', numbers)));
  return {
    async losses(passes, numbers) {
      await give(numbers);
      return each(passes, (thread, pass) => thread.call('loss', pass));
    },
    async gradients(passes, factor, numbers) {
      await give(numbers);
      const parts = await each(passes, (thread, pass) => thread.call('step', { pass, factor }));
      const [first, ...others] = parts.map(({ gradient }) => gradient);
      const sum = first ?? new Float32Array(layout.size);
      for (const other of others)
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (other[i] as number);
      return { results: parts.map(({ result }) => result), gradient: sum };
    },
    end: () => {
      for (const thread of pool) thread.end();
    },
  };
}

import type { Checkpoint } from '../checkpoint/checkpoint';
import type { LayerCache } from '../compress/compress';
import type { MadeLayer } from '../compress/layer';
import { addStatistics, LEVELS, type LayerStatistics, type Collected, type Statistics } from '../compress/statistics';
import { contentHash } from '../core/canonical';
import { JoulewiseError } from '../core/errors';
import { embedSequences, type Portion } from './forward';

/** Raised when the forward pass or what is collected changes, so that kept statistics are made anew. */
export const VERSION = 1;

/** Where statistics are kept: one piece per layer. */
export interface StatisticsStore {
  read(hash: string, layer: number): Promise<LayerStatistics | null>;
  write(hash: string, layer: number, statistics: LayerStatistics): Promise<void>;
}

/** Splits lanes of sequences, hidden states each, over threads, as `dealLanes` does. */
export type OpenPortions = (lanes: Float32Array<ArrayBuffer>[][], level: Collected) => Promise<Portion[]>;

export interface CalibrateOptions {
  level: Collected;
  /** Names the checkpoint; null keeps nothing beyond this run. */
  checkpointHash: string | null;
  openPortions: OpenPortions;
  store: StatisticsStore;
  onProgress?: (done: number, of: number) => void;
  signal?: AbortSignal | undefined;
}

/** Keeps statistics in memory, for one session. */
export function memoryStore(): StatisticsStore {
  const kept = new Map<string, LayerStatistics>();
  return {
    read: (hash, layer) => Promise.resolve(kept.get(`${hash}/${layer}`) ?? null),
    write: (hash, layer, s) => Promise.resolve(void kept.set(`${hash}/${layer}`, s)),
  };
}

/** Keeps finished layers in memory, for one session. */
export function memoryLayers(): LayerCache {
  const kept = new Map<number, MadeLayer>();
  return {
    read: (layer) => Promise.resolve(kept.get(layer) ?? null),
    write: (layer, made) => Promise.resolve(void kept.set(layer, made)),
  };
}

/** One pass over the sequences, or what an earlier one left in the store. */
export async function calibrate(
  checkpoint: Checkpoint,
  sequences: readonly (readonly number[])[],
  o: CalibrateOptions,
): Promise<Statistics> {
  const { layers } = checkpoint.config;
  const nameOf = (level: Collected) =>
    contentHash({
      version: VERSION,
      checkpoint: o.checkpointHash ?? crypto.randomUUID(),
      level,
      ids: sequences.map((s) => [...s]),
    });
  const tokens = sequences.reduce((n, s) => n + s.length, 0);
  const statistics = (hash: string, cosines: number[]): Statistics => ({
    hash,
    tokens,
    cosines,
    async layer(index) {
      const found = await o.store.read(hash, index);
      if (!found)
        throw new JoulewiseError(
          'store.unavailable',
          'Calibration statistics are no longer stored in this browser. Run the command again.',
        );
      return found;
    },
  });
  // Richer statistics serve as well; they are complete when their last layer is there.
  for (const level of LEVELS.slice(LEVELS.indexOf(o.level))) {
    const hash = await nameOf(level);
    if (!(await o.store.read(hash, layers - 1))) continue;
    const cosines: number[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const s = await o.store.read(hash, layer);
      if (!s) break;
      cosines.push(s.cosine / s.tokens);
    }
    if (cosines.length === layers) {
      o.onProgress?.(layers, layers);
      return statistics(hash, cosines);
    }
  }
  const hash = await nameOf(o.level);
  const states = await embedSequences(checkpoint, sequences);
  const portions = await o.openPortions(
    states.map((s) => [s]),
    o.level,
  );
  const cosines: number[] = [];
  // Portions work on the next layer while this one's sums are added and written.
  const start = () => Promise.all(portions.map((s) => s.next()));
  let ahead = start();
  for (let layer = 0; layer < layers; layer++) {
    const [first, ...rest] = (await ahead) as [LayerStatistics, ...LayerStatistics[]];
    if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'Stopped while calibrating.');
    if (layer + 1 < layers) {
      ahead = start();
      ahead.catch(() => undefined);
    }
    for (const other of rest) addStatistics(first, other);
    await o.store.write(hash, layer, first);
    cosines.push(first.cosine / first.tokens);
    o.onProgress?.(layer + 1, layers);
  }
  return statistics(hash, cosines);
}

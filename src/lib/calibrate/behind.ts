import { readVectors } from '../checkpoint/block';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { CompressedModel, LayerCache } from '../compress/compress';
import type { MadeLayer } from '../compress/layer';
import { addStatistics, type LayerStatistics, type Statistics } from '../compress/statistics';
import { contentHash } from '../core/canonical';
import { JoulewiseError } from '../core/errors';
import { VERSION, type CalibrateOptions } from './calibrate';
import { embedSequences, type Portion } from './forward';

/**
 * Calibration behind compressed layers, as the code of GPTQ and SparseGPT does it (IST-DASLab, llama.py, without
 * `true_sequential`): a block's linear layers all read what the dense block computes from its input; they are compressed;
 * then the input passes the block as it is now, and what comes out is the next block's input.
 */

/** Sums are added in so many parts, always in the same order, so that any number of threads gives the same bits. */
const LANES = 8;

/** A model whose layers are made in order, beside who reads them. */
type Making = Pick<CompressedModel, 'config' | 'ffnSizes' | 'kept' | 'make' | 'vector'>;

export interface BehindOptions extends CalibrateOptions {
  /** What makes the layers, and so the statistics behind them: recipe and version. */
  made: unknown;
  inPhase: <T>(phase: 'calibrate' | 'compress', work: () => Promise<T>) => Promise<T>;
}

export interface Behind {
  /** Of the layer that is being made, and squares alone of those that were. */
  statistics: Statistics;
  /** Makes all layers one after the other, each calibrated behind those before it; `layers` is where `model` keeps them. */
  makeAll(model: Making, layers: LayerCache): Promise<void>;
}

/** Nothing is computed before `makeAll`. Throws `cancelled` between layers; what is finished is kept, and found again. */
export async function calibrateBehind(
  checkpoint: Checkpoint,
  sequences: readonly (readonly number[])[],
  o: BehindOptions,
): Promise<Behind> {
  const hash = await contentHash({
    version: VERSION,
    checkpoint: o.checkpointHash ?? crypto.randomUUID(),
    level: o.level,
    ids: sequences.map((s) => [...s]),
    behind: o.made,
  });
  let current: { layer: number; statistics: LayerStatistics } | null = null;
  const lookAt = async (portions: readonly Portion[], layer: number) => {
    current = { layer, statistics: await sumLanes(portions, Math.min(LANES, sequences.length), layer) };
  };
  return {
    statistics: {
      hash,
      tokens: sequences.reduce((n, s) => n + s.length, 0),
      // Of no use here: who removes layers by them is refused, as he needs all before the first is made.
      cosines: [],
      async layer(index) {
        const found = current?.layer === index ? current.statistics : await o.store.read(hash, index);
        if (!found) throw new JoulewiseError('internal', `Layer ${index} was asked for before those ahead of it.`);
        return found;
      },
    },
    async makeAll(model, layers) {
      const { kept } = model;
      const done = await finished(o.store, hash, kept, layers);
      if (done > 0) o.onProgress?.(done, kept.length);
      if (done === kept.length) return;
      const portions = await o.inPhase('calibrate', async () =>
        o.openPortions(lanesOf(await embedSequences(checkpoint, sequences)), o.level),
      );
      for (const [i, layer] of kept.entries()) {
        if (o.signal?.aborted)
          throw new JoulewiseError('cancelled', 'Stopped while calibrating. Finished layers are kept.');
        if (i >= done) await o.inPhase('calibrate', () => lookAt(portions, layer));
        const made = await o.inPhase('compress', () => model.make(i));
        if (current) {
          await o.store.write(hash, layer, withoutGrams(current.statistics));
          current = null;
          o.onProgress?.(i + 1, kept.length);
        }
        if (i + 1 < kept.length) await o.inPhase('calibrate', () => passLayer(portions, model, i, made));
      }
    },
  };
}

/** How many layers from the first were made and kept, with what is read of their statistics later. */
async function finished(
  store: CalibrateOptions['store'],
  hash: string,
  kept: readonly number[],
  layers: LayerCache,
): Promise<number> {
  for (const [i, layer] of kept.entries()) if (!(await store.read(hash, layer)) || !(await layers.read(i))) return i;
  return kept.length;
}

const lanesOf = <T>(sequences: readonly T[]): T[][] =>
  Array.from({ length: Math.min(LANES, sequences.length) }, (_, lane) =>
    sequences.filter((__, s) => s % LANES === lane),
  );

/** A dense layer's statistics over all lanes, dealt as `dealLanes` does. */
async function sumLanes(portions: readonly Portion[], lanes: number, layer: number): Promise<LayerStatistics> {
  const looking = Array.from({ length: lanes }, (_, lane) =>
    (portions[lane % portions.length] as Portion).look(layer, Math.floor(lane / portions.length)),
  );
  // Each is awaited in its turn; one that fails earlier is told there.
  for (const lane of looking) lane.catch(() => undefined);
  const [first, ...rest] = looking as [Promise<LayerStatistics>, ...Promise<LayerStatistics>[]];
  const sum = await first;
  for (const lane of rest) addStatistics(sum, await lane);
  return sum;
}

async function passLayer(
  portions: readonly Portion[],
  model: Making,
  i: number,
  { tensors }: MadeLayer,
): Promise<void> {
  const { config } = model;
  const vectors = await readVectors(config, i, (name) => model.vector(name));
  const block = { config, ffn: model.ffnSizes[i] ?? config.intermediateSize, tensors, vectors };
  await Promise.all(portions.map((portion) => portion.pass(block)));
}

/** x^T x serves its own layer alone, and that is made; norms and biases of smoothed or smaller layers read the squares. */
const withoutGrams = (s: LayerStatistics): LayerStatistics => ({
  ...s,
  inputs: Object.fromEntries(
    Object.entries(s.inputs).map(([group, input]) => [group, { ...input, gram: null }]),
  ) as LayerStatistics['inputs'],
});

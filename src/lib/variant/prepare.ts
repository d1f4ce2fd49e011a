import { HANDED, type GraphEngine } from './engines';
import type { Adapter, LowRank } from '../checkpoint/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint';
import type { Target } from '../compress/budget';
import type { CompressedModel } from '../compress/compress';
import type { Recipe } from '../compress/recipe';
import { JoulewiseError } from '../core/errors';
import {
  adapterWeights,
  buildDecoder,
  layerWeights,
  outerWeights,
  tableWeights,
  vectorWeight,
  type DecoderOptions,
  type DecoderUse,
} from '../decoder/decoder';
import { LINEARS, vectorNames, type LinearName } from '../checkpoint/block';
import type { Work } from '../core/cost';
import { FORMS, type GraphWeight } from '../decoder/forms';
import { decoderCost, weightBytes, type Graph } from '../decoder/work';
import type { Compression, Phase } from '../schema/run';
import { withCompressed, type Calibration } from './compress';
import type { GraphKernelRow } from './kernels';

/** A variant ready for an engine: its graph, and every weight that the graph names. */
export interface PreparedVariant {
  graph: Graph;
  options: DecoderOptions;
  weights: GraphWeight[];
  compression: Compression;
  /** Linear layers with an adapter beside their weights. */
  adapted: number;
  /** Whether activations and cache are half precision. */
  half: boolean;
  /** Work of one pass. */
  cost(fresh: number, past: number, logits: number): Work;
}

/** Rows of the rope table, and so the longest context of a session: tickets are short. */
export const MAX_CONTEXT = 4096;

/** Runs a piece of work inside a metered phase. */
export type InPhase = <T>(phase: Phase, work: () => Promise<T>) => Promise<T>;

/**
 * Checkpoint + recipe + kernel -> graph and weights, layer by layer: at no time are more than one layer's weights in
 * float32. `onWeights` takes each packed piece away (to a file, say); without it they are collected.
 */
export async function prepareVariant(
  checkpoint: Checkpoint,
  recipe: Recipe,
  kernel: GraphKernelRow,
  o: {
    use: DecoderUse;
    inPhase: InPhase;
    calibration?: Calibration | null;
    target?: Target | null;
    onWeights?: (weights: GraphWeight[]) => Promise<void>;
    /** What stands beside the weights; null or none = nothing. */
    adapter?: Adapter | null;
    /** Of calibration, before compression begins. */
    onCalibrated?: (done: number, of: number) => void;
    onProgress?: (done: number, of: number) => void;
    signal?: AbortSignal | undefined;
  },
): Promise<PreparedVariant> {
  return withCompressed(checkpoint, recipe, o, (model) => prepareModel(model, kernel, o));
}

/** How an engine wants its graph; Transformers.js feeds the whole cache. */
export const graphOf = (engine: GraphEngine, use: DecoderUse): Pick<DecoderOptions, 'headSink' | 'presents'> => ({
  ...HANDED[engine].graph,
  ...(use === 'export' ? { presents: 'whole' } : {}),
});

/** How a compressed model becomes a graph; without `recipeOf` all linear layers have the kernel's own form. */
export const decoderOptions = (
  model: Pick<CompressedModel, 'config' | 'ffnSizes'> & { recipeOf: CompressedModel['recipeOf'] | null },
  kernel: GraphKernelRow,
  use: DecoderUse,
  rankOf: DecoderOptions['rankOf'] = null,
): DecoderOptions => {
  const { recipeOf } = model;
  return {
    config: model.config,
    ffnSizes: model.ffnSizes,
    form: kernel.form,
    outerForm: kernel.outerForm,
    formOf:
      kernel.mixed && recipeOf
        ? (layer, linear) => kernel.others[recipeOf(layer, linear).precision] ?? kernel.form
        : null,
    rankOf,
    use,
    ...graphOf(kernel.engine, use),
    maxPositions: Math.min(model.config.maxPositions, MAX_CONTEXT),
  };
};

/** All parts of an adapter, by layer: the graph is made for their ranks before a weight is read. */
const readParts = (adapter: Adapter, layers: number): Promise<Partial<Record<LinearName, LowRank>>[]> =>
  Promise.all(
    Array.from({ length: layers }, async (_, layer) => {
      const parts = await Promise.all(LINEARS.map(async (l) => [l, await adapter.read(layer, l)] as const));
      return Object.fromEntries(parts.flatMap(([l, low]) => (low ? [[l, low]] : [])));
    }),
  );

async function prepareModel(
  model: CompressedModel,
  kernel: GraphKernelRow,
  o: Parameters<typeof prepareVariant>[3],
): Promise<PreparedVariant> {
  const { adapter = null } = o;
  const low = adapter && (await readParts(adapter, model.config.layers));
  const options = decoderOptions(model, kernel, o.use, low && ((layer, linear) => low[layer]?.[linear]?.rank ?? 0));
  const graph = buildDecoder(options);
  const weights: GraphWeight[] = [];
  const take = o.onWeights ?? ((w) => Promise.resolve(void weights.push(...w)));
  const steps = model.config.layers + 2;
  let done = 0;
  const step = async (pack: () => GraphWeight[]) => {
    if (o.signal?.aborted) throw new JoulewiseError('cancelled', 'Stopped while preparing the variant.');
    await o.inPhase('load', async () => take(pack()));
    o.onProgress?.(++done, steps);
  };
  for (let layer = 0; layer < model.config.layers; layer++) {
    const stored = await o.inPhase('compress', () => model.layer(layer));
    await step(() => [...layerWeights(options, layer, stored), ...adapterWeights(options, layer, low?.[layer] ?? {})]);
  }
  const embedding = await o.inPhase('compress', () => model.embedding());
  const head = await o.inPhase('compress', () => model.head());
  await step(() => outerWeights(options, embedding, head));
  const vectors: GraphWeight[] = [];
  for (const name of vectorNames(model.config)) vectors.push(vectorWeight(options, name, await model.vector(name)));
  await step(() => [...vectors, ...tableWeights(options)]);
  const computedBytes = weightBytes(graph);
  return {
    graph,
    options,
    weights,
    compression: { ...model.counted(), computedBytes },
    adapted: low?.reduce((n, parts) => n + Object.keys(parts).length, 0) ?? 0,
    half: FORMS[options.form].activation === 'float16',
    cost: (fresh, past, logits) => decoderCost(graph, fresh, past, logits),
  };
}

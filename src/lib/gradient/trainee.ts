import type { Dropout } from '../block/dropout';
import { lowestOf, type TrainedLayout } from '../block/layout';
import { lowRank } from '../block/low-rank';
import type { LoraLayout } from '../block/lora';
import type { LayerTrainee } from '../block/trained';
import { ownWeights, type FullLayout } from '../block/weights';
import { LINEARS, names, vectorsOf, type LinearName } from '../checkpoint/block';
import { JoulewiseError } from '../core/errors';
import { describe, packedA, packedB, type Matrix, type Stored } from '../matrix/matrix';
import { layModel, type Arithmetic, type Frozen, type LaidModel, type ModelShape } from './frozen';

/** What is trained, in a matrix's memory: where the model's weights are, and who takes which gradients. */
export interface Trainee {
  model: LaidModel;
  /** The lowest layer that takes gradients: nothing is asked below it. */
  lowest: number;
  /** What is trained of a block, for one pass of `rows` rows; `traced`: whether it comes back, `dropout` what A reads less. */
  layer(layer: number, o: { rows: number; traced: boolean; dropout: Dropout | null }): LayerTrainee;
  /** Of embedding, head and the last norm; null where they are frozen. */
  outer: OuterGradients | null;
}

export interface OuterGradients {
  /** Takes the gradient by the rows' embeddings: `d` [rows, hidden] of tokens `ids`. */
  embedding(ids: readonly number[], d: number): void;
  /** Takes the gradient by logits [n, vocabulary] at `d` (rows of `width` floats), which are `normed` [n, hidden] times the head. */
  head(d: number, width: number, normed: number, n: number): void;
  /** Takes the gradient by the output of the last norm: `dy` [n, hidden] of the norm of `x`. */
  finalNorm(x: number, dy: number, n: number): void;
}

/** Addresses of two vectors of the layout's size: what is trained, and its gradient. */
interface Vectors {
  numbers: number;
  gradient: number;
}

/** A model with weights stays as it is, and low-rank changes are trained beside them. */
function besideWeights(
  m: Matrix,
  model: Frozen | ModelShape,
  lora: LoraLayout,
  arithmetic: Arithmetic,
  { numbers, gradient }: Vectors,
): Trainee {
  if (!('layers' in model)) throw new JoulewiseError('internal', 'An adapter is trained beside weights; none came.');
  return {
    model: layModel(m, model, arithmetic),
    lowest: lowestOf(lora, model.config.layers),
    layer: (layer, o) => lowRank(m, { layer, lora, adapter: numbers, gradient, ...o }),
    outer: null,
  };
}

/** All weights are where they are trained, as float32. */
function everyWeight(
  m: Matrix,
  { config, ffnSizes }: ModelShape,
  full: FullLayout,
  arithmetic: Arithmetic,
  { numbers, gradient }: Vectors,
): Trainee {
  if (arithmetic !== 'fp32')
    throw new JoulewiseError('internal', 'Weights that are trained are multiplied in float32 alone.');
  const { k } = m;
  const { hiddenSize: hidden, vocabSize, tiedEmbeddings, layers, normEpsilon } = config;
  const parts = new Map(full.parts.map((part) => [part.name, part]));
  const stored = (name: string): Stored => {
    const { rows, columns, at } = parts.get(name) as (typeof full.parts)[number];
    return { form: 'fp32', rows, columns, data: numbers + at * 4, scales: 0 };
  };
  const at = (name: string) => numbers + full.at(name) * 4;
  const embedding = stored(names.embedding);
  const headName = tiedEmbeddings ? names.embedding : names.head;
  return {
    model: {
      blocks: Array.from({ length: layers }, (_, layer) => ({
        linear: Object.fromEntries(
          LINEARS.map((l) => [l, { at: describe(m, stored(names.linear(layer, l))), levels: false }]),
        ) as Record<LinearName, { at: number; levels: boolean }>,
        vectors: Object.fromEntries(vectorsOf(config).map((v) => [v, at(names.vector(layer, v))])),
      })),
      embedding,
      head: tiedEmbeddings ? embedding : stored(names.head),
      finalNorm: at(names.finalNorm),
    },
    lowest: lowestOf(full, layers),
    layer: (layer) => ownWeights(m, config, { layer, ffn: ffnSizes[layer] as number, full, gradient }),
    outer: {
      embedding(ids, d) {
        const to = gradient + full.at(names.embedding) * 4;
        ids.forEach((id, row) => k.addTo(to + id * hidden * 4, d + row * hidden * 4, hidden));
      },
      head: (d, width, normed, n) =>
        m.within(() => {
          const left = m.take(packedA(vocabSize, n) * 4);
          const right = m.take(packedB(hidden, n) * 4);
          k.packATransposed(d, width, vocabSize, n, left);
          k.packB(normed, hidden, hidden, n, right);
          k.gemm(left, right, gradient + full.at(headName) * 4, hidden, vocabSize, hidden, n, true, false);
        }),
      finalNorm: (x, dy, n) => k.rmsNormWeights(x, dy, gradient + full.at(names.finalNorm) * 4, n, hidden, normEpsilon),
    },
  };
}

/** Lays out what is trained, one row a kind. Weights of a model need not come where all of them are trained. */
export const openTrainee = (
  m: Matrix,
  model: Frozen | ModelShape,
  layout: TrainedLayout,
  arithmetic: Arithmetic,
  vectors: Vectors,
): Trainee =>
  layout.kind === 'full'
    ? everyWeight(m, model, layout, arithmetic, vectors)
    : besideWeights(m, model, layout, arithmetic, vectors);

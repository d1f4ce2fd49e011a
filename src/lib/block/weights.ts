import { BIAS_OF, LINEARS, linearShapes, names, vectorSize, vectorsOf } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { JoulewiseError } from '../core/errors';
import { packedB, type Matrix } from '../matrix/matrix';
import type { LayerTrainee } from './trained';

/** One tensor's part of a flat vector of all weights: row-major [rows, columns] from float `at` on. */
export interface WeightPart {
  /** As transformers names it. */
  name: string;
  rows: number;
  columns: number;
  at: number;
  /** Norms and biases: one row, no weight decay. */
  vector: boolean;
}

/** Where every weight of a model stands in one flat float32 vector. */
export interface FullLayout {
  kind: 'full';
  parts: readonly WeightPart[];
  /** Floats in all. */
  size: number;
  /** The first float of a tensor. Throws `internal` where the model has none of this name. */
  at(name: string): number;
}

/** Lays out all weights: embedding, head where it is not the embedding, blocks from the first on, the last norm. */
export function fullLayout(config: ModelConfig, ffnSizes: readonly number[]): FullLayout {
  const { vocabSize, hiddenSize, layers } = config;
  const parts: WeightPart[] = [];
  let size = 0;
  const add = (name: string, rows: number, columns: number, vector = false) => {
    parts.push({ name, rows, columns, at: size, vector });
    // Each begins on 16 bytes: kernels read vectors of four.
    size += Math.ceil((rows * columns) / 4) * 4;
  };
  add(names.embedding, vocabSize, hiddenSize);
  if (!config.tiedEmbeddings) add(names.head, vocabSize, hiddenSize);
  for (let layer = 0; layer < layers; layer++) {
    const shapes = linearShapes(config, ffnSizes[layer] as number);
    for (const linear of LINEARS) add(names.linear(layer, linear), ...shapes[linear]);
    for (const vector of vectorsOf(config)) add(names.vector(layer, vector), 1, vectorSize(vector, config), true);
  }
  add(names.finalNorm, 1, hiddenSize, true);
  const places = new Map(parts.map(({ name, at }) => [name, at]));
  return {
    kind: 'full',
    parts,
    size,
    at(name) {
      const at = places.get(name);
      if (at === undefined) throw new JoulewiseError('internal', `No weight is called ${name}.`);
      return at;
    },
  };
}

/**
 * Trains a block's own weights: with y = x W^T, dW += dy^T x; biases take the sum of dy's rows. `gradient` is the address of
 * a vector laid out as `full`, gradients are added.
 */
export function ownWeights(
  m: Matrix,
  config: ModelConfig,
  o: { layer: number; ffn: number; full: FullLayout; gradient: number },
): LayerTrainee {
  const { k } = m;
  const { layer, full, gradient } = o;
  const shapes = linearShapes(config, o.ffn);
  const widest = LINEARS.reduce((n, l) => Math.max(n, shapes[l][1]), 0);
  const to = (name: string) => gradient + full.at(name) * 4;
  return {
    there: null,
    back({ left, rows: most }) {
      const read = m.take(packedB(widest, most) * 4);
      return {
        has: () => true,
        read: (_group, x, inputs, rows) => k.packB(x, inputs, inputs, rows, read),
        linear(linear, d, _dx, rows) {
          const [outputs, inputs] = shapes[linear];
          k.packATransposed(d, outputs, outputs, rows, left);
          k.gemm(left, read, to(names.linear(layer, linear)), inputs, outputs, inputs, rows, true, false);
          if (config.qkvBias && linear in BIAS_OF)
            k.addColumns(d, rows, outputs, to(names.vector(layer, BIAS_OF[linear as keyof typeof BIAS_OF])));
        },
        norm(name, x, dy, rows, n) {
          k.rmsNormWeights(x, dy, to(names.vector(layer, name)), rows, n, config.normEpsilon);
        },
      };
    },
  };
}

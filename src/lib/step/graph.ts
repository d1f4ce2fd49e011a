import type { LoraLayout } from '../block/lora';
import { BIAS_OF, names, vectorsOf, type LinearName, type VectorName } from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import type { Frozen } from '../gradient/frozen';
import { GraphBuilder } from '../graph/builder';
import { differentiate } from '../graph/gradient';
import type { Graph } from '../graph/graph';
import { bytesOf, type StoredTensor } from '../tensor/stored';
import type { AdamWOptions } from '../tune/optimizer';
import { declareMatrix, matrixWeights, type FrozenMatrix, type StepWeight } from './forms';
import { addUpdate, splitTree } from './update';

/**
 * One training step of a low-rank adapter as one ONNX graph: losses, their gradient, and AdamW's step from it.
 * In plain operators: the second output of SimplifiedLayerNormalization is wrong on WebGPU, and FusedMatMul, like Unsqueeze of
 * int64, falls to the processor there (`rows` is a column for that reason).
 *
 * Open dimensions: T rows of a pass, R labelled ones among them. Inputs of a pass: `ids` int64 [T], `cos` and `sin` of each
 * row's position [T, headDim / 2], `mask` [T, T] (0, or very negative where a row does not see another), `rows` int64 [R, 1]
 * and `labels` int64 [R], `weights` [R, 1]: what each label's -ln p is multiplied by. State: `P`, `M`, `V` (numbers and both
 * moments of AdamW) and `G` (the gradient of earlier passes of the step), each [size] as the layout has them. Of the step,
 * each [1]: `size`, `root`, `keep`, `clip` (update.ts).
 *
 * Outputs: `each` [R, 1], -ln p of each label in nats; `G_out` = G + the gradient of sum(weights each); `P_out`, `M_out`,
 * `V_out` after a step with G_out; `norm` [1] of G_out.
 */
export const STATE = ['P', 'M', 'V', 'G'] as const;
export const DIMS = { T: 'rows', R: 'labelled' } as const;

/** Emits parts of a decoder and remembers what is computed again on the way back. */
class Emitter {
  readonly g = new GraphBuilder('step');
  readonly weights = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly again = new Map<string, (after: string) => string>();
  private readonly epsilon: string;

  constructor(private readonly config: ModelConfig) {
    this.epsilon = this.g.constant(config.normEpsilon, 'float32');
  }

  private keep(all: readonly StepWeight[]): void {
    for (const { name, data } of all) this.weights.set(name, data);
  }

  /** A stored matrix. */
  matrix(name: string, t: StoredTensor): FrozenMatrix {
    const declared = declareMatrix(this.g, name, t);
    this.keep(matrixWeights(name, t));
    if (declared.again) this.again.set(declared.value, declared.again);
    return declared;
  }

  /** A float32 vector of weights. */
  vector(name: string, data: Float32Array): string {
    this.keep([{ name, data: bytesOf(data) }]);
    return this.g.weight(name, 'float32', [data.length]);
  }

  reshape(x: string, ...shape: number[]): string {
    return this.g.op('Reshape', [x, this.g.constant(shape)]);
  }

  /** x / sqrt(mean(x^2) + epsilon) * w over the last dimension,. */
  rmsNorm(x: string, weight: string): string {
    const { g } = this;
    const mean = g.op('ReduceMean', [g.op('Mul', [x, x]), g.constant([-1])], { keepdims: 1 });
    const root = g.op('Sqrt', [g.op('Add', [mean, this.epsilon])]);
    return g.op('Mul', [g.op('Div', [x, root]), weight]);
  }

  /** q, k or v [T, heads x headDim] turned by each row's position. */
  rope(x: string, width: number): string {
    const turned = this.g.op('RotaryEmbedding', [this.reshape(x, 1, -1, width), this.g.constant([0]), 'cos', 'sin']);
    return this.reshape(turned, -1, width);
  }

  /**
   * Attention of all rows to all that the mask lets them see. Heads that share keys and values stand as rows beneath each
   * other, so that these are not repeated: q [kv, group x T, D].
   */
  attention(q: string, k: string, v: string): string {
    const { g } = this;
    const { heads, kvHeads, headDim } = this.config;
    const scaled = g.op('Mul', [q, g.constant(headDim ** -0.5, 'float32')]);
    const byHead = g.op('Transpose', [this.reshape(scaled, -1, heads, headDim)], { perm: [1, 0, 2] });
    const keys = g.op('Transpose', [this.reshape(k, -1, kvHeads, headDim)], { perm: [1, 2, 0] });
    const read = g.op('Transpose', [this.reshape(v, -1, kvHeads, headDim)], { perm: [1, 0, 2] });
    const scores = g.op('MatMul', [this.reshape(byHead, kvHeads, -1, headDim), keys]);
    const shares = g.op('Softmax', [g.op('Add', [this.reshape(scores, heads, -1, 0), 'mask'])], { axis: -1 });
    const mixed = g.op('MatMul', [this.reshape(shares, kvHeads, -1, 0), read]);
    const byRow = g.op('Transpose', [this.reshape(mixed, heads, -1, headDim)], { perm: [1, 0, 2] });
    return this.reshape(byRow, -1, heads * headDim);
  }
}

/** Emits one block: x [T, hidden] -> [T, hidden]. */
function emitBlock(
  e: Emitter,
  model: Frozen,
  layer: number,
  lora: LoraLayout,
  parts: ReadonlyMap<string, string>,
  x: string,
): string {
  const { g } = e;
  const { config } = model;
  const { heads, kvHeads, headDim } = config;
  const { linear: stored, vectors } = model.layers[layer] as Frozen['layers'][number];
  const own = new Set(vectorsOf(config));
  const vector = (name: VectorName) => e.vector(names.vector(layer, name), vectors[name] as Float32Array);
  const project = (input: string, which: LinearName): string => {
    const frozen = e.matrix(names.linear(layer, which), stored[which]);
    let y = g.op('Gemm', [input, frozen.value], { transB: 1 });
    const part = lora.part(layer, which);
    if (part) {
      const low = g.op('Gemm', [input, parts.get(`a${part.a}`) as string], { transB: 1 });
      y = g.op('Gemm', [low, parts.get(`b${part.b}`) as string, y], { transB: 1, alpha: { float: lora.factor } });
    }
    const bias = which in BIAS_OF ? BIAS_OF[which as keyof typeof BIAS_OF] : null;
    return bias && own.has(bias) ? g.op('Add', [y, vector(bias)]) : y;
  };
  const headNorm = (value: string, which: VectorName, count: number) =>
    own.has(which)
      ? e.reshape(e.rmsNorm(e.reshape(value, -1, count, headDim), vector(which)), -1, count * headDim)
      : value;
  const read = e.rmsNorm(x, vector('inputNorm'));
  const q = e.rope(headNorm(project(read, 'q_proj'), 'qNorm', heads), heads * headDim);
  const k = e.rope(headNorm(project(read, 'k_proj'), 'kNorm', kvHeads), kvHeads * headDim);
  const attended = e.attention(q, k, project(read, 'v_proj'));
  const after = g.op('Add', [x, project(attended, 'o_proj')]);
  const normed = e.rmsNorm(after, vector('postNorm'));
  const gate = project(normed, 'gate_proj');
  const swish = g.op('Mul', [gate, g.op('Sigmoid', [gate])]);
  return g.op('Add', [after, project(g.op('Mul', [swish, project(normed, 'up_proj')]), 'down_proj')]);
}

/**
 * Emits -ln p of the labels of rows x [R, hidden]: ln sum exp z - z[label], where z[label] is the row times the label's row
 * of the head, so that nothing of the vocabulary's size is scattered on the way back. Both have the largest z subtracted,
 * which is held: what it adds to the gradient is 0. Returns `each` [R, 1] and what is held.
 */
function emitLoss(e: Emitter, x: string, head: FrozenMatrix): { each: string; held: string } {
  const { g } = e;
  const last = { keepdims: 1 };
  const logits = g.op('Gemm', [x, head.value], { transB: 1 });
  const held = g.op('ReduceMax', [logits, g.constant([-1])], last);
  const whole = g.op('ReduceLogSumExp', [g.op('Sub', [logits, held]), g.constant([-1])], last);
  const own = g.op('ReduceSum', [g.op('Mul', [x, head.rows('labels')]), g.constant([-1])], last);
  return { each: g.op('Sub', [whole, g.op('Sub', [own, held])], {}, 'each'), held };
}

/** A step's graph and the weights that it names. */
export interface StepGraph {
  graph: Graph;
  weights: StepWeight[];
}

/** Builds the graph of training an adapter beside a model's weights. */
export function buildStep(model: Frozen, lora: LoraLayout, adamw: AdamWOptions): StepGraph {
  const { config } = model;
  const e = new Emitter(config);
  const { g } = e;
  const { T, R } = DIMS;
  const ids = g.input('ids', 'int64', [T]);
  for (const table of ['cos', 'sin']) g.input(table, 'float32', [T, config.headDim / 2]);
  g.input('mask', 'float32', [T, T]);
  const rows = g.input('rows', 'int64', [R, 1]);
  g.input('labels', 'int64', [R]);
  const weights = g.input('weights', 'float32', [R, 1]);
  for (const name of STATE) g.input(name, 'float32', [lora.size]);

  const shapes = lora.parts.flatMap(({ a, b, inputs, outputs }) => [
    { name: `a${a}`, rows: lora.rank, columns: inputs },
    { name: `b${b}`, rows: outputs, columns: lora.rank },
  ]);
  const flat = splitTree(
    g,
    'P',
    shapes.map((s) => s.rows * s.columns),
  );
  const parts = new Map(shapes.map((s, i) => [s.name, e.reshape(flat[i] as string, s.rows, s.columns)]));

  const embedding = e.matrix(names.embedding, model.embedding);
  let x = embedding.rows(ids);
  for (let layer = 0; layer < config.layers; layer++) x = emitBlock(e, model, layer, lora, parts, x);
  const normed = e.rmsNorm(
    e.reshape(g.op('Gather', [x, rows]), -1, config.hiddenSize),
    e.vector(names.finalNorm, model.finalNorm),
  );
  const head = model.head ? e.matrix(names.head, model.head) : embedding;
  const { each, held } = emitLoss(e, normed, head);
  const [gradient] = differentiate(g, { [each]: weights }, ['P'], { constants: [held], again: e.again });
  g.output({ name: each, dtype: 'float32', shape: [R, 1] });
  addUpdate(g, gradient as string, lora.size, adamw);
  return { graph: g.graph, weights: [...e.weights].map(([name, data]) => ({ name, data })) };
}

import type { LowRank } from '../checkpoint/adapter';
import {
  BIAS_OF,
  linearShapes,
  names,
  ropeTables,
  vectorSize,
  vectorsOf,
  type LinearName,
  type VectorName,
} from '../checkpoint/block';
import type { ModelConfig } from '../checkpoint/config';
import { halves, type StoredTensor } from '../tensor/stored';
import { transpose } from '../tensor/pack';
import { GraphBuilder } from '../graph/builder';
import { DTYPES, type Graph } from '../graph/graph';
import { FORMS, type Emit, type FormName, type GraphWeight } from './forms';

/** What the inference graph is for: our engines, or a folder that Transformers.js loads. */
export type DecoderUse = 'engine' | 'export';

export interface DecoderOptions {
  config: ModelConfig;
  ffnSizes: readonly number[];
  /** Form of the linear layers, and of embedding and output projection. */
  form: FormName;
  outerForm: FormName;
  /** Form of one linear layer, where they differ (mixtures). */
  formOf?: ((layer: number, linear: LinearName) => FormName) | null;
  /** Rank of the adapter beside a linear layer; 0 = it has none, null or none = no linear layer has. */
  rankOf?: ((layer: number, linear: LinearName) => number) | null;
  use: DecoderUse;
  /**
   * Adds a head sink of weight exp(-1e30) = 0 to every head: the result is the same, but it keeps ONNX Runtime's CPU
   * kernel off its flash path, whose tile size comes from the L2 size, which is 0 in WebAssembly (10 times slower).
   */
  headSink: boolean;
  /**
   * What of the KV cache is an output. `whole`: past and new tokens, for caches that stay on the GPU and for
   * Transformers.js. `fresh`: the new tokens' rows alone, for the caller to append: ONNX Runtime copies every output out
   * of the WebAssembly heap, and the whole cache with each token costs more than the attention itself. The past may
   * then have spare rows at its end.
   */
  presents: 'whole' | 'fresh';
  /** Rows of the rope table: longest context of a session. */
  maxPositions: number;
}

/** Names of the symbolic dimensions, as Transformers.js expects them: it binds `batch_size` and takes others as 0. */
export const DIMS = {
  B: 'batch_size',
  S: 'sequence_length',
  P: 'past_sequence_length',
  T: 'total_sequence_length',
} as const;

const HEAD = 'lm_head';
const EMBEDDING = 'embed';
/** Exactly zero weight after the softmax. */
const NO_SINK = -1e30;

const formAt = (o: DecoderOptions, layer: number, linear: LinearName) => FORMS[o.formOf?.(layer, linear) ?? o.form];

const linearName = (layer: number, linear: LinearName) => `l${layer}.${linear.replace('_proj', '')}`;

/**
 * The Llama-family decoder as an ONNX graph with a KV cache.
 *
 * Inputs: `input_ids` i64 [B, S]; `past_key_values.N.key|value` [B, kv, P, D]; and
 * - `engine`: `seqlens_k` i32 [B] (= P + S - 1), `total_sequence_length` i32 [] (= P + S), `position_ids` i64 [B, S],
 *   `attention_bias` [1, 1, S, T] (0, or very negative where a token must not look), `logit_positions` i64 [n]; with
 *   `presents: 'fresh'` also `fresh_rows` i64 [S], where in the cache the new tokens stand (P .. P + S - 1);
 * - `export`: `attention_mask` i64 [B, T], `position_ids` i64 [B, S], as Transformers.js feeds them.
 *
 * Outputs: `logits` f32 [B, n or S, vocabulary]; `present.N.key|value` [B, kv, P + S, D], or `fresh.N.key|value`
 * [B, kv, S, D].
 */
export function buildDecoder(o: DecoderOptions): Graph {
  const { config } = o;
  const { hiddenSize: hidden, heads, kvHeads, headDim, vocabSize } = config;
  const outer = FORMS[o.outerForm];
  const act = FORMS[o.form].activation;
  if (outer.activation !== act) throw new TypeError('inner and outer forms must share their activation dtype');
  const g = new GraphBuilder('joulewise');
  const e: Emit = { g, quantized: new Map() };
  const epsilon = { float: config.normEpsilon };

  const { B, S, P, T } = DIMS;
  const ids = g.input('input_ids', 'int64', [B, S]);
  let seqlens: string;
  let totalLength: string;
  let bias = '';
  let keep = '';
  const freshRows = o.presents === 'fresh' ? g.input('fresh_rows', 'int64', [S]) : '';
  if (o.use === 'engine') {
    seqlens = g.input('seqlens_k', 'int32', [B]);
    totalLength = g.input('total_sequence_length', 'int32', []);
  } else {
    const mask = g.input('attention_mask', 'int64', [B, T]);
    const lengths = g.op('ReduceSum', [mask, g.constant([1])], { keepdims: 0 });
    seqlens = g.op('Cast', [g.op('Sub', [lengths, g.constant(1)])], { to: DTYPES.int32.onnx });
    totalLength = g.op('Cast', [g.op('Gather', [g.op('Shape', [mask]), g.constant(1)])], { to: DTYPES.int32.onnx });
  }
  const positions = g.input('position_ids', 'int64', [B, S]);
  if (o.use === 'engine') {
    bias = g.input('attention_bias', act, [1, 1, S, T]);
    keep = g.input('logit_positions', 'int64', ['n']);
  }
  for (let layer = 0; layer < config.layers; layer++)
    for (const part of ['key', 'value']) g.input(`past_key_values.${layer}.${part}`, act, [B, kvHeads, P, headDim]);

  const cos = g.weight('rope.cos', act, [o.maxPositions, headDim / 2]);
  const sin = g.weight('rope.sin', act, [o.maxPositions, headDim / 2]);
  const sink = o.headSink ? g.weight('head_sink', act, [heads]) : '';
  const norm = (name: string, size = hidden) => g.weight(name, act, [size]);

  const tied = config.tiedEmbeddings;
  const tableName = tied ? HEAD : EMBEDDING;
  let residual = outer.embed(e, ids, tableName, vocabSize, hidden, tied);
  let x = g.op('SimplifiedLayerNormalization', [residual, norm(names.inputNorm(0))], { epsilon, axis: -1 });

  /** RMSNorm over each head of q or k (Qwen3). */
  const headNorm = (value: string, weight: VectorName, vector: (v: VectorName) => string, count: number) => {
    const split = g.op('Reshape', [value, g.constant([0, 0, count, headDim])]);
    const normed = g.op('SimplifiedLayerNormalization', [split, vector(weight)], { epsilon, axis: -1 });
    return g.op('Reshape', [normed, g.constant([0, 0, count * headDim])]);
  };
  /** residual' = residual + update; returns its norm, and moves the residual on. */
  const addAndNorm = (update: string, weight: string) => {
    const y = g.fresh('norm');
    const sum = g.fresh('residual');
    g.node('SkipSimplifiedLayerNormalization', [residual, update, norm(weight)], [y, '', '', sum], { epsilon });
    residual = sum;
    return y;
  };

  const own = new Set(vectorsOf(config));
  for (let layer = 0; layer < config.layers; layer++) {
    const shapes = linearShapes(config, o.ffnSizes[layer] as number);
    const linear = (value: string, which: LinearName) => {
      const name = linearName(layer, which);
      const y = formAt(o, layer, which).linear(e, value, name, ...shapes[which]);
      const rank = o.rankOf?.(layer, which) ?? 0;
      if (rank === 0) return y;
      const [outputs, inputs] = shapes[which];
      const down = g.op('MatMul', [value, g.weight(`${name}.a`, act, [inputs, rank])]);
      return g.op('Add', [y, g.op('MatMul', [down, g.weight(`${name}.b`, act, [rank, outputs])])]);
    };
    const vector = (which: VectorName) => norm(names.vector(layer, which), vectorSize(which, config));
    const project = (which: keyof typeof BIAS_OF) => {
      const y = linear(x, which);
      return own.has(BIAS_OF[which]) ? g.op('Add', [y, vector(BIAS_OF[which])]) : y;
    };
    let q = project('q_proj');
    let k = project('k_proj');
    const v = project('v_proj');
    if (own.has('qNorm')) q = headNorm(q, 'qNorm', vector, heads);
    if (own.has('kNorm')) k = headNorm(k, 'kNorm', vector, kvHeads);
    const attention = g.fresh('attention');
    const present = (part: string) => `present.${layer}.${part}`;
    g.node(
      'GroupQueryAttention',
      trimAbsent([
        q,
        k,
        v,
        `past_key_values.${layer}.key`,
        `past_key_values.${layer}.value`,
        seqlens,
        totalLength,
        cos,
        sin,
        positions,
        bias,
        sink,
      ]),
      [attention, present('key'), present('value')],
      {
        num_heads: heads,
        kv_num_heads: kvHeads,
        do_rotary: 1,
        rotary_interleaved: 0,
        scale: { float: headDim ** -0.5 },
      },
    );
    if (freshRows)
      for (const part of ['key', 'value'])
        g.op('Gather', [present(part), freshRows], { axis: 2 }, `fresh.${layer}.${part}`);
    x = addAndNorm(linear(attention, 'o_proj'), names.postNorm(layer));
    const gate = linear(x, 'gate_proj');
    const up = linear(x, 'up_proj');
    const swish = g.op('Mul', [gate, g.op('Sigmoid', [gate])]);
    const update = linear(g.op('Mul', [swish, up]), 'down_proj');
    if (layer < config.layers - 1) x = addAndNorm(update, names.inputNorm(layer + 1));
    else if (keep) {
      // Only the asked positions reach the last norm and the output projection.
      residual = g.op('Gather', [residual, keep], { axis: 1 });
      x = addAndNorm(g.op('Gather', [update, keep], { axis: 1 }), names.finalNorm);
    } else x = addAndNorm(update, names.finalNorm);
  }
  const logits = outer.linear(e, x, HEAD, vocabSize, hidden);
  // The last node carries the graph's output name.
  if (act === 'float32') rename(g.graph, logits, 'logits');
  else g.op('Cast', [logits], { to: DTYPES.float32.onnx }, 'logits');
  g.output({ name: 'logits', dtype: 'float32', shape: [B, keep ? 'n' : S, vocabSize] });
  for (let layer = 0; layer < config.layers; layer++)
    for (const part of ['key', 'value'])
      g.output(
        freshRows
          ? { name: `fresh.${layer}.${part}`, dtype: act, shape: [B, kvHeads, S, headDim] }
          : { name: `present.${layer}.${part}`, dtype: act, shape: [B, kvHeads, T, headDim] },
      );
  return g.graph;
}

/** Optional inputs at the end are left out, not named ''. */
function trimAbsent(inputs: string[]): string[] {
  while (inputs.at(-1) === '') inputs.pop();
  return inputs;
}

function rename(graph: Graph, from: string, to: string): void {
  graph.nodes = graph.nodes.map((n) =>
    n.outputs.includes(from) ? { ...n, outputs: n.outputs.map((o) => (o === from ? to : o)) } : n,
  );
}

/** Weights of one layer's linear layers, packed for the graph that `buildDecoder` made with the same options. */
export function layerWeights(
  o: DecoderOptions,
  layer: number,
  weights: Record<LinearName, StoredTensor>,
): GraphWeight[] {
  return (Object.entries(weights) as [LinearName, StoredTensor][]).flatMap(([linear, t]) =>
    formAt(o, layer, linear).linearWeights(linearName(layer, linear), t),
  );
}

/** An adapter's parts beside one layer's linear layers, as the graph multiplies with them: A^T and B^T, its factor in B. */
export const adapterWeights = (
  o: DecoderOptions,
  layer: number,
  parts: Partial<Record<LinearName, LowRank>>,
): GraphWeight[] =>
  (Object.entries(parts) as [LinearName, LowRank][]).flatMap(([linear, { rank, a, b }]) => [
    vectorWeight(o, `${linearName(layer, linear)}.a`, transpose(a, rank, a.length / rank)),
    vectorWeight(o, `${linearName(layer, linear)}.b`, transpose(b, b.length / rank, rank)),
  ]);

/** Embedding and output projection; `head` is null where they are one. */
export function outerWeights(o: DecoderOptions, embedding: StoredTensor, head: StoredTensor | null): GraphWeight[] {
  const outer = FORMS[o.outerForm];
  const tied = head === null;
  return [
    ...outer.linearWeights(HEAD, head ?? embedding),
    ...outer.embeddingWeights(tied ? HEAD : EMBEDDING, embedding, tied),
  ];
}

/** Float32 numbers in the graph's activation dtype. */
export function vectorWeight(o: DecoderOptions, name: string, data: Float32Array): GraphWeight {
  const typed = FORMS[o.form].activation === 'float32' ? data : halves(data);
  return { name, data: new Uint8Array(typed.buffer as ArrayBuffer, typed.byteOffset, typed.byteLength) };
}

/** Rope tables and head sink. */
export function tableWeights(o: DecoderOptions): GraphWeight[] {
  const { cos, sin } = ropeTables(o.config, o.maxPositions);
  const out = [vectorWeight(o, 'rope.cos', cos), vectorWeight(o, 'rope.sin', sin)];
  if (o.headSink) {
    // float16 cannot hold -1e30; its least number vanishes in the softmax just as well.
    const value = FORMS[o.form].activation === 'float32' ? NO_SINK : -65504;
    out.push(vectorWeight(o, 'head_sink', new Float32Array(o.config.heads).fill(value)));
  }
  return out;
}

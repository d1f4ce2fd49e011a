import type { ModelConfig } from './config';
import { ropeAttention, scaledFrequencies } from './rope';

/**
 * A decoder block of the Llama family, described once: its tensors, their names and shapes, which of them read the same
 * input, rope. Everything that runs a block, packs one or writes one to a file reads it here:
 *
 *     x -> inputNorm -> q, k, v (+ biases) -> norms of heads -> rope -> attention -> o -> + x
 *       -> postNorm -> silu(gate) * up -> down -> + x
 */

/** The linear layers of a block, by their transformers name. */
export const LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type LinearName = (typeof LINEARS)[number];

/** Linear layers that read the same input, in the order in which a block reaches them. */
export const INPUT_GROUPS = {
  attention: ['q_proj', 'k_proj', 'v_proj'],
  output: ['o_proj'],
  ffn: ['gate_proj', 'up_proj'],
  down: ['down_proj'],
} as const satisfies Record<string, readonly LinearName[]>;
export type GroupName = keyof typeof INPUT_GROUPS;
export const GROUPS = Object.keys(INPUT_GROUPS) as GroupName[];

/** Place of each linear layer among those that read its input. */
export const PLACE_IN_GROUP = Object.fromEntries(
  GROUPS.flatMap((group) => INPUT_GROUPS[group].map((linear, i) => [linear, i])),
) as Readonly<Record<LinearName, number>>;

const MODULES: Readonly<Record<LinearName, 'self_attn' | 'mlp'>> = {
  q_proj: 'self_attn',
  k_proj: 'self_attn',
  v_proj: 'self_attn',
  o_proj: 'self_attn',
  gate_proj: 'mlp',
  up_proj: 'mlp',
  down_proj: 'mlp',
};

/** Linear layers whose outputs are heads, and which of the config's counts says how many. */
export const HEADS_OF: Readonly<Partial<Record<LinearName, 'heads' | 'kvHeads'>>> = {
  q_proj: 'heads',
  k_proj: 'kvHeads',
  v_proj: 'kvHeads',
};
/** Those of them that rope turns. */
const ROTATED: ReadonlySet<LinearName> = new Set<LinearName>(['q_proj', 'k_proj']);

interface VectorRow {
  /** Name within the block. */
  name: string;
  kind: 'norm' | 'head norm' | 'bias';
  /** The linear layer that a bias belongs to. */
  of: LinearName | null;
  there(config: Pick<ModelConfig, 'qkvBias' | 'qkNorm'>): boolean;
}
const always = () => true;
const bias = (of: LinearName): VectorRow => ({
  name: `${MODULES[of]}.${of}.bias`,
  kind: 'bias',
  of,
  there: (c) => c.qkvBias,
});
const headNorm = (name: string): VectorRow => ({ name, kind: 'head norm', of: null, there: (c) => c.qkNorm });

export const VECTOR_NAMES = ['inputNorm', 'postNorm', 'qNorm', 'kNorm', 'qBias', 'kBias', 'vBias'] as const;
export type VectorName = (typeof VECTOR_NAMES)[number];

/** The norms and biases of a block: one row each, in the order in which files hold them. */
export const VECTORS: Readonly<Record<VectorName, VectorRow>> = {
  inputNorm: { name: 'input_layernorm.weight', kind: 'norm', of: null, there: always },
  postNorm: { name: 'post_attention_layernorm.weight', kind: 'norm', of: null, there: always },
  qNorm: headNorm('self_attn.q_norm.weight'),
  kNorm: headNorm('self_attn.k_norm.weight'),
  qBias: bias('q_proj'),
  kBias: bias('k_proj'),
  vBias: bias('v_proj'),
};

/** The bias of each linear layer that may have one. */
export const BIAS_OF = { q_proj: 'qBias', k_proj: 'kBias', v_proj: 'vBias' } as const satisfies Partial<
  Record<LinearName, VectorName>
>;

/** The norms and biases that a block of this model has. */
export const vectorsOf = (config: Pick<ModelConfig, 'qkvBias' | 'qkNorm'>): VectorName[] =>
  VECTOR_NAMES.filter((v) => VECTORS[v].there(config));

/** Values in a norm or bias. */
export function vectorSize(
  vector: VectorName,
  config: Pick<ModelConfig, 'hiddenSize' | 'heads' | 'kvHeads' | 'headDim'>,
): number {
  const { kind, of } = VECTORS[vector];
  if (kind === 'norm') return config.hiddenSize;
  const heads = of && HEADS_OF[of];
  return (heads ? config[heads] : 1) * config.headDim;
}

const inBlock = (layer: number, name: string) => `model.layers.${layer}.${name}`;
const vectorIn = (vector: VectorName) => (layer: number) => inBlock(layer, VECTORS[vector].name);

/** Transformers' names of the tensors of a model. */
export const names = {
  embedding: 'model.embed_tokens.weight',
  finalNorm: 'model.norm.weight',
  head: 'lm_head.weight',
  inputNorm: vectorIn('inputNorm'),
  postNorm: vectorIn('postNorm'),
  qNorm: vectorIn('qNorm'),
  kNorm: vectorIn('kNorm'),
  vector: (layer: number, vector: VectorName) => inBlock(layer, VECTORS[vector].name),
  linear: (layer: number, linear: LinearName, part: 'weight' | 'bias' = 'weight') =>
    inBlock(layer, `${MODULES[linear]}.${linear}.${part}`),
};

/** The matrix that gives logits: the embedding itself where they share it. */
export const headName = (config: Pick<ModelConfig, 'tiedEmbeddings'>) =>
  config.tiedEmbeddings ? names.embedding : names.head;

/** Where a tensor stands: its block (null = outside of all) and what it is there; null where it is none of those known. */
export interface TensorPlace {
  layer: number | null;
  linear: LinearName | null;
  vector: VectorName | null;
}
const LINEAR_BY_NAME = new Map(LINEARS.map((l) => [`${MODULES[l]}.${l}.weight`, l]));
const VECTOR_BY_NAME = new Map(VECTOR_NAMES.map((v) => [VECTORS[v].name, v]));

/** The one reader of transformers' names. */
export function placeOf(name: string): TensorPlace {
  const m = /^model\.layers\.(\d+)\.(.*)$/.exec(name);
  if (!m) return { layer: null, linear: null, vector: null };
  const within = m[2] as string;
  return {
    layer: Number(m[1]),
    linear: LINEAR_BY_NAME.get(within) ?? null,
    vector: VECTOR_BY_NAME.get(within) ?? null,
  };
}

/** Heads of a weight whose rows rope turns in pairs, as GGUF interleaves them; null of any other tensor. */
export function rotatedHeads(name: string, config: Pick<ModelConfig, 'heads' | 'kvHeads'>): number | null {
  const { linear } = placeOf(name);
  const heads = linear && ROTATED.has(linear) ? HEADS_OF[linear] : undefined;
  return heads ? config[heads] : null;
}

/** Name of a block's tensor in another block; tensors outside of blocks keep their name. */
export const inLayer = (name: string, layer: (from: number) => number): string =>
  name.replace(/^model\.layers\.(\d+)\./, (_, from: string) => inBlock(layer(Number(from)), ''));

/** Norms and biases of a whole model, by name. */
export function vectorNames(config: ModelConfig): string[] {
  const own = vectorsOf(config);
  const layers = Array.from({ length: config.layers }, (_, layer) => own.map((v) => names.vector(layer, v)));
  return [names.finalNorm, ...layers.flat()];
}

/** Norms and biases of a block. */
export type BlockVectors = Record<'inputNorm' | 'postNorm', Float32Array<ArrayBuffer>> &
  Partial<Record<VectorName, Float32Array<ArrayBuffer>>>;

/** Reads those of one block, one after the other. */
export async function readVectors(
  config: Pick<ModelConfig, 'qkvBias' | 'qkNorm'>,
  layer: number,
  read: (name: string) => Promise<Float32Array>,
): Promise<BlockVectors> {
  const out: Partial<Record<VectorName, Float32Array>> = {};
  for (const vector of vectorsOf(config)) out[vector] = await read(names.vector(layer, vector));
  return out as BlockVectors;
}

/** Name and shape of every tensor of a model. */
export function* modelTensors(config: ModelConfig): Generator<[name: string, shape: readonly number[]]> {
  const { vocabSize, hiddenSize, intermediateSize, layers } = config;
  yield [names.embedding, [vocabSize, hiddenSize]];
  yield [names.finalNorm, [hiddenSize]];
  if (!config.tiedEmbeddings) yield [names.head, [vocabSize, hiddenSize]];
  const shapes = linearShapes(config, intermediateSize);
  const vectors = vectorsOf(config);
  for (let layer = 0; layer < layers; layer++) {
    for (const v of vectors) yield [names.vector(layer, v), [vectorSize(v, config)]];
    for (const linear of LINEARS) yield [names.linear(layer, linear), shapes[linear]];
  }
}

/** Rows (outputs) and columns (inputs) of every linear layer of a block; `ffn` neurons, which pruning makes differ by block. */
export function linearShapes(
  { hiddenSize, heads, kvHeads, headDim }: Pick<ModelConfig, 'hiddenSize' | 'heads' | 'kvHeads' | 'headDim'>,
  ffn: number,
): Readonly<Record<LinearName, readonly [rows: number, columns: number]>> {
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  return {
    q_proj: [q, hiddenSize],
    k_proj: [kv, hiddenSize],
    v_proj: [kv, hiddenSize],
    o_proj: [hiddenSize, q],
    gate_proj: [ffn, hiddenSize],
    up_proj: [ffn, hiddenSize],
    down_proj: [hiddenSize, ffn],
  };
}

/** Inverse frequencies of rope, [headDim / 2], with scaling (rope.ts). */
export const ropeFrequencies = (config: ModelConfig): Float64Array =>
  Float64Array.from(scaledFrequencies(config.ropeTheta, config.headDim, config.ropeScaling));

/** Rope's factors at positions 0, 1, ...: cosines and sines (times YaRN's factor), each [positions, headDim / 2] float32. */
export function ropeTables(
  config: ModelConfig,
  positions: number,
): { cos: Float32Array<ArrayBuffer>; sin: Float32Array<ArrayBuffer> } {
  const frequencies = ropeFrequencies(config);
  const half = frequencies.length;
  const by = ropeAttention(config.ropeScaling);
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++)
    for (let i = 0; i < half; i++) {
      const angle = p * (frequencies[i] as number);
      cos[p * half + i] = by * Math.cos(angle);
      sin[p * half + i] = by * Math.sin(angle);
    }
  return { cos, sin };
}

/** As one table, a position's cosines before its sines: [positions, headDim] float32. */
export function ropeRows(config: ModelConfig, positions: number): Float32Array<ArrayBuffer> {
  const { cos, sin } = ropeTables(config, positions);
  const half = config.headDim / 2;
  const out = new Float32Array(2 * cos.length);
  for (let p = 0; p < positions; p++) {
    out.set(cos.subarray(p * half, (p + 1) * half), 2 * p * half);
    out.set(sin.subarray(p * half, (p + 1) * half), (2 * p + 1) * half);
  }
  return out;
}

/**
 * Attention of one layer over `fresh` new tokens behind `past` ones: operations (a multiply-add counts as two) and the
 * values that move in and out of its cache. Each new token meets the past, itself and the new ones before it.
 */
export function attentionWork(
  { heads, kvHeads, headDim }: Pick<ModelConfig, 'heads' | 'kvHeads' | 'headDim'>,
  fresh: number,
  past: number,
): { operations: number; cached: number } {
  const seen = fresh * past + (fresh * (fresh + 1)) / 2;
  return { operations: 4 * seen * heads * headDim, cached: 2 * (past + 2 * fresh) * kvHeads * headDim };
}

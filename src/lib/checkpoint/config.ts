import { JoulewiseError, quote } from '../core/errors';
import { FAMILIES, type Family } from './families';
import { checkConfigKeys } from './known-keys';
import { ropeFromJson, ropeToJson, type RopeScaling } from './rope';

/** What the decoder needs to know; every count is of elements. */
export interface ModelConfig {
  family: Family['name'];
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  vocabSize: number;
  normEpsilon: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  /** Longest context that is computed right: the model's own, or what `limitedBy` leaves of it. */
  maxPositions: number;
  /** What of the model ends the context before its own length does ("sliding window"); unset = nothing. */
  limitedBy?: string;
  tiedEmbeddings: boolean;
  /** Biases on q, k and v (Qwen2). */
  qkvBias: boolean;
  /** RMSNorm on each head of q and k before rope (Qwen3). */
  qkNorm: boolean;
  bosTokenId: number | null;
  eosTokenIds: number[];
}

/** A value of a header, for a sentence. */
const shown = (value: unknown) => quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'));

const bad = (sentence: string) => new JoulewiseError('checkpoint.format', sentence);

/** Sanity limits: beyond them a header is hostile or damaged, not a model for a browser. */
const LIMITS: Partial<Record<keyof ModelConfig, number>> = {
  hiddenSize: 65_536,
  intermediateSize: 1_048_576,
  layers: 1_000,
  heads: 1_024,
  kvHeads: 1_024,
  headDim: 1_024,
  vocabSize: 4_000_000,
  maxPositions: 100_000_000,
};

export function checkConfig(config: ModelConfig): ModelConfig {
  for (const [key, limit] of Object.entries(LIMITS)) {
    const value = config[key as keyof ModelConfig];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > limit)
      throw bad(`The checkpoint's ${key} is ${JSON.stringify(value)}, not a whole number from 1 to ${limit}.`);
  }
  if (config.heads % config.kvHeads !== 0)
    throw bad(`The checkpoint has ${config.heads} heads, which ${config.kvHeads} key-value heads do not divide.`);
  if (config.headDim % 8 !== 0)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `The checkpoint's head size is ${config.headDim}; only multiples of 8 run in the browser.`,
    );
  if (!(config.normEpsilon > 0 && config.normEpsilon < 1)) throw bad('The checkpoint has no usable RMSNorm epsilon.');
  if (!(config.ropeTheta > 0)) throw bad('The checkpoint has no usable rope base frequency.');
  return config;
}

/** From a Hugging Face `config.json`. */
export function configFromJson(json: Record<string, unknown>): ModelConfig {
  const number = (key: string, fallback?: number): number => {
    const value = json[key] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw bad(`config.json has no number "${key}".`);
    return value;
  };
  const flag = (key: string, fallback: boolean) => (typeof json[key] === 'boolean' ? json[key] : fallback);
  const architectures = Array.isArray(json['architectures']) ? json['architectures'] : [];
  const type = typeof json['model_type'] === 'string' ? json['model_type'] : null;
  const family =
    FAMILIES.find((f) => f.modelType === type) ?? FAMILIES.find((f) => architectures.includes(f.architecture));
  if (!family)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `Model type ${quote(type ?? String(architectures[0] ?? 'unknown'))} is not known here. Known: ${FAMILIES.map((f) => f.name).join(', ')}.`,
    );
  checkConfigKeys(json);
  const activation = json['hidden_act'] ?? 'silu';
  if (activation !== 'silu')
    throw new JoulewiseError('checkpoint.unsupported', `Activation ${shown(activation)} is not known here; "silu" is.`);
  const hiddenSize = number('hidden_size');
  const heads = number('num_attention_heads');
  const layers = number('num_hidden_layers');
  const context = number('max_position_embeddings', 2048);
  const headDim = number('head_dim', hiddenSize / heads);
  const rope = ropeFromJson(json, headDim, context);
  const window = windowOf(json, family, layers);
  const limit = [window && window.most < context ? window : null, rope.positions]
    .filter((l) => l !== null)
    .sort((a, b) => a.most - b.most)[0];
  const eos = json['eos_token_id'];
  return checkConfig({
    family: family.name,
    hiddenSize,
    intermediateSize: number('intermediate_size'),
    layers,
    heads,
    kvHeads: number('num_key_value_heads', heads),
    headDim,
    vocabSize: number('vocab_size'),
    normEpsilon: number('rms_norm_eps', 1e-6),
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    maxPositions: limit ? limit.most : context,
    ...(limit ? { limitedBy: limit.why } : {}),
    tiedEmbeddings: flag('tie_word_embeddings', false),
    // Those of other layers are refused where they are not zero, as tensors that nobody reads.
    qkvBias: family.qkvBias || (family.name !== 'Mistral' && flag('attention_bias', false)),
    qkNorm: family.qkNorm,
    bosTokenId: typeof json['bos_token_id'] === 'number' ? json['bos_token_id'] : null,
    eosTokenIds: (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === 'number'),
  });
}

/** How many tokens a token sees, where fewer than all: layers with such a window are computed right up to there. */
function windowOf(json: Record<string, unknown>, family: Family, layers: number): { most: number; why: string } | null {
  const kinds = json['layer_types'];
  const known = ['full_attention', 'sliding_attention'];
  if ((kinds ?? null) !== null && !(Array.isArray(kinds) && kinds.every((kind) => known.includes(kind as string))))
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `config.json's layer_types ${shown(kinds)} are not known here. Known: ${known.join(', ')}.`,
    );
  // Llama has no window whatever its config says; Mistral's is 4096 where the config is silent (transformers 5).
  const { window } = family;
  if (window === 'none') return null;
  const size = json['sliding_window'] === undefined && window === 'always' ? 4096 : (json['sliding_window'] ?? null);
  if (size === null) return null;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1)
    throw bad(`config.json's sliding_window is ${shown(size)}, not a number of tokens.`);
  const first = json['max_window_layers'] ?? 28;
  const some =
    window === 'always' ||
    (json['use_sliding_window'] === true &&
      (Array.isArray(kinds) ? kinds.includes('sliding_attention') : typeof first !== 'number' || first < layers));
  return some ? { most: size, why: 'sliding window' } : null;
}

/** Why a text does not fit, and what to do, for an engine that has counted its tokens. */
export function tooLong(
  config: Pick<ModelConfig, 'limitedBy' | 'maxPositions'>,
  tokens: number,
  holds: number,
): string {
  const why =
    config.limitedBy !== undefined && holds === config.maxPositions
      ? ` (the model's ${config.limitedBy}: beyond it attention is not computed here)`
      : '';
  return `The text needs ${tokens} tokens; this session holds ${holds}${why}. Shorten the ticket.`;
}

/** Throws `engine.failed` for an id that has no row in the embedding: no kernel may read past a table. */
export function checkIds({ vocabSize }: Pick<ModelConfig, 'vocabSize'>, ids: readonly number[]): void {
  for (const id of ids)
    if (!(Number.isInteger(id) && id >= 0 && id < vocabSize))
      throw new JoulewiseError(
        'engine.failed',
        `The prompt holds token ${id}, and the model's embedding has ${vocabSize} rows. Its tokenizer belongs to another model: use the one that it came with.`,
      );
}

/** Keys of a config.json that say how weights are stored, how others load it, and what is written anew. */
const NOT_KEPT = [
  'quantization_config',
  'quantization',
  'auto_map',
  'torch_dtype',
  'dtype',
  'rope_parameters',
  'rope_theta',
  'layer_types',
];

/**
 * Back to a `config.json` that Transformers.js and transformers read. `source` is the one that the model came with: what
 * this reader does not need is kept from it (a sliding window, rope that grows with the text).
 */
export function configToJson(
  config: ModelConfig,
  changed: { intermediateSize: number; layers: number },
  source: Readonly<Record<string, unknown>> | null = null,
): Record<string, unknown> {
  const family = FAMILIES.find((f) => f.name === config.family) as Family;
  const kept = Object.fromEntries(Object.entries(source ?? {}).filter(([key]) => !NOT_KEPT.includes(key)));
  const kinds = source?.['layer_types'];
  const context =
    typeof source?.['max_position_embeddings'] === 'number' ? source['max_position_embeddings'] : config.maxPositions;
  const said = (source?.['rope_scaling'] ?? source?.['rope_parameters'] ?? null) as Record<string, unknown> | null;
  // A sliding window in GGUF belongs to a family that its file does not name: it is a shorter context here.
  return {
    ...kept,
    architectures: [family.architecture],
    model_type: family.modelType,
    hidden_size: config.hiddenSize,
    intermediate_size: changed.intermediateSize,
    num_hidden_layers: changed.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    vocab_size: config.vocabSize,
    rms_norm_eps: config.normEpsilon,
    rope_theta: config.ropeTheta,
    rope_scaling: ropeToJson(config, context) ?? (isDynamic(said) ? said : null),
    max_position_embeddings: context,
    ...(Array.isArray(kinds) ? { layer_types: kinds.slice(0, changed.layers) as unknown[] } : {}),
    tie_word_embeddings: config.tiedEmbeddings,
    ...(config.qkvBias && !family.qkvBias ? { attention_bias: true } : {}),
    hidden_act: 'silu',
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenIds.length === 1 ? config.eosTokenIds[0] : config.eosTokenIds,
    torch_dtype: 'float32',
  };
}

/** Rope that is plain up to the model's context and grows behind it. */
const isDynamic = (rope: Record<string, unknown> | null) => (rope?.['rope_type'] ?? rope?.['type']) === 'dynamic';

import { JoulewiseError, quote } from '../core/errors';
import { FAMILIES, type Family } from './families';

/** Llama 3's frequency-dependent rope scaling, or ready-made divisors per frequency (as GGUF stores them). */
export type RopeScaling =
  | { kind: 'llama3'; factor: number; lowFreqFactor: number; highFreqFactor: number; originalMaxPositions: number }
  | { kind: 'factors'; factors: number[] };

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
  /** Longest context the model was made for (or its sliding window, where that is shorter). */
  maxPositions: number;
  tiedEmbeddings: boolean;
  /** Biases on q, k and v (Qwen2). */
  qkvBias: boolean;
  /** RMSNorm on each head of q and k before rope (Qwen3). */
  qkNorm: boolean;
  bosTokenId: number | null;
  eosTokenIds: number[];
}

/** A value of a header, for a sentence. */
const shown = (value: unknown) => quote(typeof value === 'string' ? value : JSON.stringify(value));

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
  if (json['quantization_config'] !== undefined && json['quantization_config'] !== null)
    throw new JoulewiseError(
      'checkpoint.unsupported',
      'This checkpoint is already quantized (quantization_config). Use the original weights; Joulewise quantizes them itself.',
    );
  const activation = json['hidden_act'] ?? 'silu';
  if (activation !== 'silu')
    throw new JoulewiseError('checkpoint.unsupported', `Activation ${shown(activation)} is not known here; "silu" is.`);
  if (flag('mlp_bias', false) || (flag('attention_bias', false) && !family.qkvBias))
    throw new JoulewiseError(
      'checkpoint.unsupported',
      `A ${family.name} model with biases in its linear layers is not known here.`,
    );

  const hiddenSize = number('hidden_size');
  const heads = number('num_attention_heads');
  const maxPositions = number('max_position_embeddings', 2048);
  const window = flag('use_sliding_window', family.name === 'Mistral') ? json['sliding_window'] : null;
  // transformers 5 moved rope_theta into rope_parameters.
  const rope = (json['rope_scaling'] ?? json['rope_parameters'] ?? null) as Record<string, unknown> | null;
  const theta = json['rope_theta'] ?? rope?.['rope_theta'] ?? 10000;
  const eos = json['eos_token_id'];
  return checkConfig({
    family: family.name,
    hiddenSize,
    intermediateSize: number('intermediate_size'),
    layers: number('num_hidden_layers'),
    heads,
    kvHeads: number('num_key_value_heads', heads),
    headDim: number('head_dim', hiddenSize / heads),
    vocabSize: number('vocab_size'),
    normEpsilon: number('rms_norm_eps', 1e-6),
    ropeTheta: typeof theta === 'number' ? theta : NaN,
    ropeScaling: ropeScalingFromJson(rope),
    maxPositions: typeof window === 'number' ? Math.min(window, maxPositions) : maxPositions,
    tiedEmbeddings: flag('tie_word_embeddings', false),
    qkvBias: family.qkvBias,
    qkNorm: family.qkNorm,
    bosTokenId: typeof json['bos_token_id'] === 'number' ? json['bos_token_id'] : null,
    eosTokenIds: (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === 'number'),
  });
}

function ropeScalingFromJson(rope: Record<string, unknown> | null): RopeScaling | null {
  const type = rope?.['rope_type'] ?? rope?.['type'] ?? 'default';
  if (!rope || type === 'default') return null;
  if (type !== 'llama3')
    throw new JoulewiseError('checkpoint.unsupported', `Rope scaling ${shown(type)} is not known here; "llama3" is.`);
  const number = (key: string) => {
    const value = rope[key];
    if (typeof value !== 'number' || !(value > 0)) throw bad(`config.json's rope scaling has no number "${key}".`);
    return value;
  };
  return {
    kind: 'llama3',
    factor: number('factor'),
    lowFreqFactor: number('low_freq_factor'),
    highFreqFactor: number('high_freq_factor'),
    originalMaxPositions: number('original_max_position_embeddings'),
  };
}

/** Back to a `config.json` that Transformers.js and transformers read. */
export function configToJson(
  config: ModelConfig,
  changed: { intermediateSize: number; layers: number },
): Record<string, unknown> {
  const family = FAMILIES.find((f) => f.name === config.family) as Family;
  return {
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
    rope_scaling:
      config.ropeScaling?.kind === 'llama3'
        ? {
            rope_type: 'llama3',
            factor: config.ropeScaling.factor,
            low_freq_factor: config.ropeScaling.lowFreqFactor,
            high_freq_factor: config.ropeScaling.highFreqFactor,
            original_max_position_embeddings: config.ropeScaling.originalMaxPositions,
          }
        : null,
    max_position_embeddings: config.maxPositions,
    tie_word_embeddings: config.tiedEmbeddings,
    hidden_act: 'silu',
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenIds.length === 1 ? config.eosTokenIds[0] : config.eosTokenIds,
    torch_dtype: 'float32',
  };
}

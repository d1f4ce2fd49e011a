import { JoulewiseError, quote } from '../core/errors';

/**
 * How rope's frequencies differ from theta^(-2i/d): one row each. `attention` multiplies cosines and sines (1 = plain).
 * `factors` are divisors of the frequencies, [headDim / 2], as GGUF's rope_freqs.weight and LongRoPE have them.
 */
export type RopeScaling =
  | { kind: 'llama3'; factor: number; lowFreqFactor: number; highFreqFactor: number; originalMaxPositions: number }
  | { kind: 'factors'; factors: number[]; attention?: number }
  | { kind: 'linear'; factor: number }
  | {
      kind: 'yarn';
      factor: number;
      originalMaxPositions: number;
      attention: number;
      betaFast: number;
      betaSlow: number;
      truncate: boolean;
    };

/** Rope of a model: base, scaling, and how many positions it is right for where that is fewer than the context. */
export interface Rope {
  theta: number;
  scaling: RopeScaling | null;
  positions: { most: number; why: string } | null;
}

type Frequencies = (theta: number, dim: number, scaling: never) => number[];
const plain = (theta: number, dim: number) => Array.from({ length: dim / 2 }, (_, i) => theta ** -((2 * i) / dim));

/** Frequencies of each kind of scaling (transformers 5: modeling_rope_utils.py), [dim / 2]. */
const FREQUENCIES = {
  linear: (theta: number, dim: number, s: RopeScaling & { kind: 'linear' }) =>
    plain(theta, dim).map((f) => f / s.factor),
  factors: (theta: number, dim: number, s: RopeScaling & { kind: 'factors' }) =>
    plain(theta, dim).map((f, i) => f / (s.factors[i] ?? 1)),
  llama3: (theta: number, dim: number, s: RopeScaling & { kind: 'llama3' }) =>
    plain(theta, dim).map((f) => {
      const wavelength = (2 * Math.PI) / f;
      const smooth = (s.originalMaxPositions / wavelength - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
      if (wavelength < s.originalMaxPositions / s.highFreqFactor) return f;
      if (wavelength > s.originalMaxPositions / s.lowFreqFactor) return f / s.factor;
      return ((1 - smooth) * f) / s.factor + smooth * f;
    }),
  yarn(theta: number, dim: number, s: RopeScaling & { kind: 'yarn' }) {
    const place = (turns: number) =>
      (dim * Math.log(s.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
    const [first, last] = [place(s.betaFast), place(s.betaSlow)];
    const low = Math.max(s.truncate ? Math.floor(first) : first, 0);
    const high = Math.min(s.truncate ? Math.ceil(last) : last, dim - 1);
    return plain(theta, dim).map((f, i) => {
      const ramp = Math.min(1, Math.max(0, (i - low) / (low === high ? 0.001 : high - low)));
      return (f / s.factor) * ramp + f * (1 - ramp);
    });
  },
} satisfies Record<RopeScaling['kind'], Frequencies>;

/** Frequencies of rope with its scaling, [dim / 2]. */
export const scaledFrequencies = (theta: number, dim: number, s: RopeScaling | null): number[] =>
  s
    ? (FREQUENCIES[s.kind] as (theta: number, dim: number, s: RopeScaling) => number[])(theta, dim, s)
    : plain(theta, dim);

/** What cosines and sines are multiplied by. */
export const ropeAttention = (s: RopeScaling | null): number =>
  s?.kind === 'yarn' ? s.attention : s?.kind === 'factors' ? (s.attention ?? 1) : 1;

/**
 * What a GGUF file says of a scaling: keys behind the architecture's name, and whether rope_freqs.weight holds divisors.
 * Null where GGUF cannot say it.
 */
export function ropeToGguf(
  s: RopeScaling | null,
): { keys: Readonly<Record<string, string | number>>; factors: boolean } | null {
  if (!s) return { keys: {}, factors: false };
  if (s.kind === 'linear')
    return { keys: { 'rope.scaling.type': 'linear', 'rope.scaling.factor': s.factor }, factors: false };
  if (s.kind !== 'yarn') return ropeAttention(s) === 1 ? { keys: {}, factors: true } : null;
  if (!s.truncate || Math.abs(s.attention - yarnAttention(s.factor)) > 1e-6) return null;
  return {
    keys: {
      'rope.scaling.type': 'yarn',
      'rope.scaling.factor': s.factor,
      'rope.scaling.original_context_length': s.originalMaxPositions,
      ...(s.betaFast === 32 ? {} : { 'rope.scaling.yarn_beta_fast': s.betaFast }),
      ...(s.betaSlow === 1 ? {} : { 'rope.scaling.yarn_beta_slow': s.betaSlow }),
    },
    factors: false,
  };
}

/** YaRN's factor of cosines and sines (Peng et al., arXiv 2309.00071, section 3.4). */
const yarnAttention = (factor: number, by = 1) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);

const shown = (value: unknown) => quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'));
const bad = (sentence: string) => new JoulewiseError('checkpoint.format', sentence);
const unsupported = (sentence: string) => new JoulewiseError('checkpoint.unsupported', sentence);

/** What a kind's reader is given: the rope's own keys and what the model says of its context. */
interface Said {
  rope: Readonly<Record<string, unknown>>;
  maxPositions: number;
  headDim: number;
  original: number;
  number: (key: string, fallback?: number) => number;
}

interface RopeType {
  /** Keys that are understood beside `rope_type`, `type`, `rope_theta` and `partial_rotary_factor`. */
  keys: readonly string[];
  read(said: Said): Pick<Rope, 'scaling' | 'positions'>;
}
const everywhere = (scaling: RopeScaling | null) => ({ scaling, positions: null });

/** `rope_type` of config.json: one row each. */
const ROPE_TYPES: Readonly<Record<string, RopeType>> = {
  default: {
    keys: [],
    read: () => everywhere(null),
  },
  linear: {
    keys: ['factor'],
    read: ({ number }) => everywhere({ kind: 'linear', factor: number('factor') }),
  },
  // The base grows with the text once it is longer than the context, so one table is right up to there.
  dynamic: {
    keys: ['factor', 'original_max_position_embeddings'],
    read: ({ number, maxPositions }) => {
      number('factor');
      return { scaling: null, positions: { most: maxPositions, why: 'dynamic rope' } };
    },
  },
  llama3: {
    keys: ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'],
    read: ({ number, original }) =>
      everywhere({
        kind: 'llama3',
        factor: number('factor'),
        lowFreqFactor: number('low_freq_factor'),
        highFreqFactor: number('high_freq_factor'),
        originalMaxPositions: original,
      }),
  },
  yarn: {
    keys: [
      'factor',
      'original_max_position_embeddings',
      'attention_factor',
      'beta_fast',
      'beta_slow',
      'mscale',
      'mscale_all_dim',
      'truncate',
    ],
    read({ rope, number, original, maxPositions }) {
      const factor = number('factor', maxPositions / original);
      const [one, all] = [rope['mscale'], rope['mscale_all_dim']];
      const attention =
        typeof one === 'number' && typeof all === 'number' && one !== 0 && all !== 0
          ? yarnAttention(factor, one) / yarnAttention(factor, all)
          : yarnAttention(factor);
      return everywhere({
        kind: 'yarn',
        factor,
        originalMaxPositions: original,
        attention: number('attention_factor', attention),
        betaFast: number('beta_fast', 32),
        betaSlow: number('beta_slow', 1),
        truncate: rope['truncate'] !== false,
      });
    },
  },
  // The short factors are for texts up to the original length, the long ones behind it.
  longrope: {
    keys: ['factor', 'original_max_position_embeddings', 'attention_factor', 'short_factor', 'long_factor'],
    read({ rope, number, original, maxPositions, headDim }) {
      const list = (key: string) => {
        const value = rope[key];
        if (
          !Array.isArray(value) ||
          value.length !== headDim / 2 ||
          !value.every((f) => typeof f === 'number' && f > 0)
        )
          throw bad(`config.json's rope needs ${headDim / 2} numbers as "${key}".`);
        return value as number[];
      };
      const [short, long] = [list('short_factor'), list('long_factor')];
      const factor = number('factor', maxPositions / original);
      const attention = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
      const scaling: RopeScaling = {
        kind: 'factors',
        factors: short,
        attention: number('attention_factor', attention),
      };
      return {
        scaling,
        positions: short.join() === long.join() ? null : { most: original, why: 'LongRoPE' },
      };
    },
  },
};
const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** What layers may be called where rope is said by their kind. */
const LAYER_KINDS = ['full_attention', 'sliding_attention', 'chunked_attention', 'linear_attention'];

/**
 * Rope of a config.json in any of its spellings. `rope_scaling` comes before `rope_parameters`, and what they say before
 * what stands beside them, as transformers 5 has it (modeling_rope_utils.py: convert_rope_params_to_dict). Throws
 * `checkpoint.unsupported` for a type or a key that is not known, `checkpoint.format` for numbers that are none.
 */
export function ropeFromJson(json: Readonly<Record<string, unknown>>, headDim: number, maxPositions: number): Rope {
  const filled = (key: string) => (isObject(json[key]) && Object.keys(json[key]).length > 0 ? json[key] : null);
  for (const key of ['rope_scaling', 'rope_parameters'])
    if ((json[key] ?? null) !== null && !isObject(json[key])) throw bad(`config.json's "${key}" is no object.`);
  let rope = filled('rope_scaling') ?? filled('rope_parameters') ?? {};
  const kinds = Object.keys(rope).filter((key) => LAYER_KINDS.includes(key));
  if (kinds.length > 0) {
    const [first, ...others] = kinds.map((kind) => rope[kind]).filter((r) => r !== null);
    if (
      !isObject(first) ||
      kinds.length < Object.keys(rope).length ||
      others.some((r) => JSON.stringify(r) !== JSON.stringify(first))
    )
      throw unsupported(
        'Rope that differs by kind of layer is not known here. Use a checkpoint with one rope for all layers.',
      );
    rope = first;
  }
  const type = rope['rope_type'] ?? rope['type'] ?? 'default';
  const row = typeof type === 'string' && Object.hasOwn(ROPE_TYPES, type) ? ROPE_TYPES[type] : undefined;
  if (!row)
    throw unsupported(`Rope scaling ${shown(type)} is not known here. Known: ${Object.keys(ROPE_TYPES).join(', ')}.`);
  const partial = rope['partial_rotary_factor'] ?? json['partial_rotary_factor'] ?? null;
  // transformers 5 turns the whole head where rope is plain, whatever this says, and fails where it is not.
  if (partial !== null && partial !== 1 && type !== 'default')
    throw unsupported(
      `Rope of type ${shown(type)} over a part of the head (partial_rotary_factor ${shown(partial)}) is not known here.`,
    );
  const known = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor', ...row.keys];
  for (const [key, value] of Object.entries(rope)) {
    if (value === null || known.includes(key)) continue;
    // A factor of one scales nothing.
    if (key === 'factor' && value === 1) continue;
    throw unsupported(
      `config.json's rope of type ${shown(type)} says ${quote(key)}: ${shown(value)}, which is not known here. Use another checkpoint, or delete the key where it changes nothing.`,
    );
  }
  const theta = rope['rope_theta'] ?? json['rope_theta'] ?? 10_000;
  const number = (key: string, fallback?: number): number => {
    const value = rope[key] ?? fallback;
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value))
      throw bad(`config.json's rope scaling has no number "${key}".`);
    return value;
  };
  const beside = json['original_max_position_embeddings'];
  const original =
    typeof beside === 'number' && beside > 0
      ? beside
      : type === 'default'
        ? maxPositions
        : number('original_max_position_embeddings', maxPositions);
  return {
    theta: typeof theta === 'number' ? theta : NaN,
    ...row.read({ rope, maxPositions, headDim, original, number }),
  };
}

/** A scaling as config.json's `rope_scaling` spells it; null where there is none. `maxPositions`: the model's context. */
export function ropeToJson(
  {
    ropeScaling: s,
    ropeTheta: theta,
    headDim,
  }: { ropeScaling: RopeScaling | null; ropeTheta: number; headDim: number },
  maxPositions: number,
): object | null {
  if (!s) return null;
  switch (s.kind) {
    case 'linear':
      return { rope_type: 'linear', factor: s.factor };
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: s.factor,
        low_freq_factor: s.lowFreqFactor,
        high_freq_factor: s.highFreqFactor,
        original_max_position_embeddings: s.originalMaxPositions,
      };
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: s.factor,
        original_max_position_embeddings: s.originalMaxPositions,
        attention_factor: s.attention,
        beta_fast: s.betaFast,
        beta_slow: s.betaSlow,
        ...(s.truncate ? {} : { truncate: false }),
      };
    case 'factors': {
      const found = llama3Behind(s.factors, theta, headDim);
      if (found && ropeAttention(s) === 1)
        return ropeToJson({ ropeScaling: found, ropeTheta: theta, headDim }, maxPositions);
      // LongRoPE with one list for all lengths is the form that holds any factors.
      return {
        rope_type: 'longrope',
        factor: 1,
        short_factor: s.factors,
        long_factor: s.factors,
        attention_factor: ropeAttention(s),
        original_max_position_embeddings: maxPositions,
      };
    }
    default:
      return s satisfies never;
  }
}

/** The scaling of Llama 3.1 and its kin that gives these divisors, or null where none does. */
function llama3Behind(factors: readonly number[], theta: number, headDim: number): RopeScaling | null {
  const factor = Math.max(...factors);
  if (!(factor > 1)) return null;
  const frequencies = plain(theta, headDim);
  for (const originalMaxPositions of [8192, 4096, 2048, 16_384, 32_768]) {
    const tried = { kind: 'llama3', factor, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions } as const;
    const got = scaledFrequencies(theta, headDim, tried);
    if (got.every((f, i) => Math.abs((frequencies[i] as number) / f / (factors[i] as number) - 1) < 1e-5)) return tried;
  }
  return null;
}

/** Keys of GGUF that speak of rope, behind the architecture's name, with the values that are neutral. */
export const GGUF_ROPE_KEYS: Readonly<Record<string, (value: unknown, headDim: number) => boolean>> = {
  'rope.freq_base': () => true,
  'rope.dimension_count': (v, headDim) => v === headDim,
  'rope.scale_linear': () => true,
  'rope.scaling.type': () => true,
  'rope.scaling.factor': () => true,
  'rope.scaling.original_context_length': () => true,
  // Says whether the model was trained so; it computes nothing.
  'rope.scaling.finetuned': () => true,
  'rope.scaling.attn_factor': (v) => v === 1,
  'rope.scaling.yarn_log_multiplier': (v) => v === 0,
  'rope.scaling.yarn_ext_factor': (v) => v === -1,
  'rope.scaling.yarn_attn_factor': (v) => v === 1,
  'rope.scaling.yarn_beta_fast': () => true,
  'rope.scaling.yarn_beta_slow': () => true,
};

/**
 * Rope of a GGUF file as llama.cpp reads it (llama-model.cpp: a factor without a type is linear; rope_freqs.weight divides
 * besides). `say(key)` gives what stands behind the architecture's name. Throws `checkpoint.unsupported` for other types.
 */
export function ropeFromGguf(
  say: (key: string) => unknown,
  factors: number[] | null,
  contextLength: number,
): Omit<Rope, 'positions'> {
  const number = (key: string, fallback: number) => {
    const value = say(key) ?? fallback;
    if (typeof value !== 'number' || !(value > 0)) throw bad(`The GGUF file's ${quote(key)} is no number above 0.`);
    return value;
  };
  const theta = number('rope.freq_base', 10_000);
  const type = say('rope.scaling.type') ?? 'linear';
  const said = say('rope.scaling.factor') ?? say('rope.scale_linear') ?? 1;
  const factor = type === 'none' || said === 0 ? 1 : said;
  if (typeof factor !== 'number' || !(factor > 0))
    throw bad(`The GGUF file's rope scaling factor is ${shown(factor)}.`);
  if (type === 'linear' || type === 'none') {
    if (factors) return { theta, scaling: { kind: 'factors', factors: factors.map((f) => f * factor) } };
    return { theta, scaling: factor === 1 ? null : { kind: 'linear', factor } };
  }
  if (type !== 'yarn' || factors)
    throw unsupported(
      factors
        ? `Rope scaling ${shown(type)} beside rope_freqs.weight is not known here; "linear" is.`
        : `Rope scaling ${shown(type)} in a GGUF file is not known here. Known: none, linear, yarn.`,
    );
  return {
    theta,
    scaling: {
      kind: 'yarn',
      factor,
      originalMaxPositions: number('rope.scaling.original_context_length', contextLength),
      attention: yarnAttention(factor),
      betaFast: number('rope.scaling.yarn_beta_fast', 32),
      betaSlow: number('rope.scaling.yarn_beta_slow', 1),
      truncate: true,
    },
  };
}

import { JoulewiseError, quote } from '../core/errors';
import { placeTensor, type RawTensor } from './safetensors';
import { elementsOf, readTensor, type TensorEntry } from './tensors';

/**
 * Checkpoints that others quantized already: each linear layer is several tensors, from which float32 is made when it is
 * read. One row a format; the layouts are those of the tools that write them (AutoGPTQ and GPTQModel, AutoAWQ,
 * compressed-tensors, MLX).
 */

type Said = Readonly<Record<string, unknown>>;
const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);
const shown = (value: unknown) => quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'));
const unsupported = (sentence: string) => new JoulewiseError('checkpoint.unsupported', sentence);
const INSTEAD =
  'Use the original weights, or a version as GGUF, GPTQ, AWQ, compressed-tensors (packed integers) or MLX (affine).';

/** How `count` numbers of `bits` each lie in a row of little-endian 32-bit words: the first in the lowest bits. */
function unpackRow(words: Uint32Array, at: number, bits: number, count: number, out: Uint32Array): void {
  const mask = 2 ** bits - 1;
  for (let i = 0, bit = 0; i < count; i++, bit += bits) {
    const [word, shift] = [at + (bit >>> 5), bit & 31];
    const low = (words[word] as number) >>> shift;
    // A number may lie across two words.
    const high = shift + bits > 32 ? (words[word + 1] as number) << (32 - shift) : 0;
    out[i] = (low | high) & mask;
  }
}

const bytesOf = (t: RawTensor) => t.source.slice(t.offset, t.offset + t.byteLength);
const wordsOf = async (t: RawTensor) => new Uint32Array((await bytesOf(t)).buffer);

/** The tensors of one linear layer (or embedding) by their last name: `qweight`, `scales`. */
type Parts = ReadonlyMap<string, RawTensor>;

interface Module {
  shape: readonly [outputs: number, inputs: number];
  /** Last names of the tensors that are read; others of the module are left for whoever knows them. */
  uses: readonly string[];
  read(): Promise<Float32Array<ArrayBuffer>>;
}

/** A part with the type and shape that it must have. */
function part(parts: Parts, name: string, dtypes: readonly string[], shape: readonly (number | null)[]): RawTensor {
  const found = parts.get(name);
  const module = [...parts.values()][0]?.name.replace(/\.[^.]*$/, '') ?? '';
  if (!found) throw new JoulewiseError('checkpoint.format', `${quote(module)} lacks its tensor ${quote(name)}.`);
  if (
    !dtypes.includes(found.dtype) ||
    found.shape.length !== shape.length ||
    shape.some((d, i) => d !== null && found.shape[i] !== d)
  )
    throw new JoulewiseError(
      'checkpoint.format',
      `Tensor ${quote(found.name)} is ${found.dtype} ${found.shape.join('x')}; ${dtypes.join(' or ')} ${shape.map((d) => d ?? 'any').join('x')} is what its format says.`,
    );
  return found;
}
const FLOATS = ['F32', 'F16', 'BF16'];
const floats = (t: RawTensor) => readTensor(placeTensor(t));

interface Scheme {
  bits: number;
  /** Inputs that share a scale; -1 = all. */
  groupSize: number;
  /** What of the configuration else decides how numbers are read. */
  said: Said;
}

const groupsOf = (inputs: number, groupSize: number, module: string) => {
  const size = groupSize === -1 ? inputs : groupSize;
  if (!(size > 0) || inputs % size !== 0)
    throw new JoulewiseError(
      'checkpoint.format',
      `Groups of ${groupSize} do not divide the ${inputs} inputs of ${quote(module)}.`,
    );
  return { size, groups: inputs / size };
};
const nameOf = (parts: Parts) => [...parts.values()][0]?.name ?? '';

/** Packed along the inputs, [inputs * bits / 32, outputs]; zeros along the outputs, one too small where the format is the first. */
function gptq(parts: Parts, { bits, groupSize, said }: Scheme): Module {
  const packed = part(parts, 'qweight', ['I32'], [null, null]);
  const [rows, outputs] = packed.shape as [number, number];
  const inputs = (rows * 32) / bits;
  const { size, groups } = groupsOf(inputs, groupSize, packed.name);
  const zeros = part(parts, 'qzeros', ['I32'], [groups, (outputs * bits) / 32]);
  const scales = part(parts, 'scales', FLOATS, [groups, outputs]);
  const order = parts.has('g_idx') ? part(parts, 'g_idx', ['I32'], [inputs]) : null;
  const above = said['checkpoint_format'] === 'gptq_v2' ? 0 : 1;
  return {
    shape: [outputs, inputs],
    uses: ['qweight', 'qzeros', 'scales', 'g_idx'],
    async read() {
      const [q, z, s] = [await wordsOf(packed), await wordsOf(zeros), await floats(scales)];
      const groupOf = order
        ? await wordsOf(order)
        : Uint32Array.from({ length: inputs }, (_, i) => Math.floor(i / size));
      if (groupOf.some((g) => g >= groups))
        throw new JoulewiseError(
          'checkpoint.format',
          `${quote(order?.name ?? packed.name)} names a group beyond the ${groups} there are.`,
        );
      const zero = new Uint32Array(groups * outputs);
      for (let g = 0; g < groups; g++)
        unpackRow(z, (g * outputs * bits) / 32, bits, outputs, zero.subarray(g * outputs, (g + 1) * outputs));
      const out = new Float32Array(outputs * inputs);
      const [each, mask] = [32 / bits, 2 ** bits - 1];
      for (let i = 0; i < inputs; i++) {
        const [from, shift] = [Math.floor(i / each) * outputs, (i % each) * bits];
        const g = (groupOf[i] as number) * outputs;
        for (let o = 0; o < outputs; o++) {
          const level = ((q[from + o] as number) >>> shift) & mask;
          // The zero is added in the same bits, as the kernels that read this format do.
          out[o * inputs + i] =
            (level - (((zero[g + o] as number) + above) & (above ? 2 ** (bits + 1) - 1 : mask))) * (s[g + o] as number);
        }
      }
      return out;
    },
  };
}

/** Where AutoAWQ's kernels put the eight numbers of a word: output 8k + i lies in nibble AWQ_NIBBLE[i]. */
const AWQ_NIBBLE = [0, 4, 1, 5, 2, 6, 3, 7];

/** Packed along the outputs, [inputs, outputs / 8], in the order of its kernels. */
function awq(parts: Parts, { bits, groupSize }: Scheme): Module {
  const packed = part(parts, 'qweight', ['I32'], [null, null]);
  const [inputs, columns] = packed.shape as [number, number];
  const outputs = (columns * 32) / bits;
  const { size, groups } = groupsOf(inputs, groupSize, packed.name);
  const zeros = part(parts, 'qzeros', ['I32'], [groups, columns]);
  const scales = part(parts, 'scales', FLOATS, [groups, outputs]);
  return {
    shape: [outputs, inputs],
    uses: ['qweight', 'qzeros', 'scales'],
    async read() {
      const [q, z, s] = [await wordsOf(packed), await wordsOf(zeros), await floats(scales)];
      const out = new Float32Array(outputs * inputs);
      for (let i = 0; i < inputs; i++) {
        const g = Math.floor(i / size);
        for (let o = 0; o < outputs; o++) {
          const [word, shift] = [o >>> 3, 4 * (AWQ_NIBBLE[o & 7] as number)];
          const level = ((q[i * columns + word] as number) >>> shift) & 15;
          const zero = ((z[g * columns + word] as number) >>> shift) & 15;
          out[o * inputs + i] = (level - zero) * (s[g * outputs + o] as number);
        }
      }
      return out;
    },
  };
}

/** Packed along the inputs, [outputs, inputs * bits / 32], levels from 0; zeros packed along the outputs where there are any. */
function packQuantized(parts: Parts, { bits, said }: Scheme): Module {
  const packed = part(parts, 'weight_packed', ['I32'], [null, null]);
  const [outputs, words] = packed.shape as [number, number];
  const stated = part(parts, 'weight_shape', ['I64', 'I32'], [2]);
  const scales = part(parts, 'weight_scale', FLOATS, [outputs, null]);
  const each = 32 / bits;
  const groups = scales.shape[1] as number;
  const grouped = said['strategy'] === 'group';
  const inputs = grouped ? groups * Number(said['group_size']) : words * each;
  const size = inputs / groups;
  if (Math.ceil(inputs / each) !== words || !Number.isInteger(size))
    throw new JoulewiseError(
      'checkpoint.format',
      `Tensor ${quote(packed.name)} does not fit its ${groups} scales a row.`,
    );
  const zeros = parts.has('weight_zero_point')
    ? part(parts, 'weight_zero_point', ['I32'], [Math.ceil(outputs / each), groups])
    : null;
  const order = parts.has('weight_g_idx') ? part(parts, 'weight_g_idx', ['I32'], [inputs]) : null;
  return {
    shape: [outputs, inputs],
    uses: ['weight_packed', 'weight_shape', 'weight_scale', 'weight_zero_point', 'weight_g_idx'],
    async read() {
      const shape = [...(await wordsOf(stated))].filter((_, i) => stated.dtype === 'I32' || i % 2 === 0);
      if (shape.join() !== `${outputs},${inputs}`)
        throw new JoulewiseError(
          'checkpoint.format',
          `${quote(stated.name)} says ${shape.join('x')}, and the numbers are ${outputs}x${inputs}.`,
        );
      const [q, s] = [await wordsOf(packed), await floats(scales)];
      const z = zeros && (await wordsOf(zeros));
      const groupOf = order && (await wordsOf(order));
      if (groupOf?.some((g) => g >= groups))
        throw new JoulewiseError(
          'checkpoint.format',
          `${quote(order?.name ?? '')} names a group beyond the ${groups} there are.`,
        );
      const [half, mask] = [2 ** (bits - 1), 2 ** bits - 1];
      const out = new Float32Array(outputs * inputs);
      const row = new Uint32Array(inputs);
      for (let o = 0; o < outputs; o++) {
        unpackRow(q, o * words, bits, inputs, row);
        for (let i = 0; i < inputs; i++) {
          const g = groupOf ? (groupOf[i] as number) : Math.floor(i / size);
          const zero = z ? ((z[Math.floor(o / each) * groups + g] as number) >>> ((o % each) * bits)) & mask : half;
          out[o * inputs + i] = ((row[i] as number) - zero) * (s[o * groups + g] as number);
        }
      }
      return out;
    },
  };
}

/** Packed along the inputs, [outputs, inputs * bits / 32]; value = level * scale + bias. */
function mlx(parts: Parts, { bits, groupSize }: Scheme): Module {
  const packed = part(parts, 'weight', ['U32'], [null, null]);
  const [outputs, words] = packed.shape as [number, number];
  const inputs = (words * 32) / bits;
  const { size, groups } = groupsOf(inputs, groupSize, packed.name);
  const scales = part(parts, 'scales', FLOATS, [outputs, groups]);
  const biases = part(parts, 'biases', FLOATS, [outputs, groups]);
  return {
    shape: [outputs, inputs],
    uses: ['weight', 'scales', 'biases'],
    async read() {
      const [q, s, b] = [await wordsOf(packed), await floats(scales), await floats(biases)];
      const out = new Float32Array(outputs * inputs);
      const row = new Uint32Array(inputs);
      for (let o = 0; o < outputs; o++) {
        unpackRow(q, o * words, bits, inputs, row);
        for (let i = 0; i < inputs; i++) {
          const g = o * groups + Math.floor(i / size);
          out[o * inputs + i] = (row[i] as number) * (s[g] as number) + (b[g] as number);
        }
      }
      return out;
    },
  };
}

interface Format {
  title: string;
  /** Bits that are read. */
  bits: readonly number[];
  /** The tensor by which a quantized module is known. */
  mark: string;
  module(parts: Parts, scheme: Scheme): Module;
  /** The scheme of a module, or null where it is not quantized. Throws for what is not known. */
  scheme(said: Said, module: string): Scheme | null;
  /** Keys of the configuration that are read, or that change nothing in how it is read. */
  keys: readonly string[];
  /** Keys that must stand at these values. */
  neutral?: Readonly<Record<string, readonly unknown[]>>;
}

const numberIn = (said: Said, ...keys: string[]): number => {
  const value = keys.map((key) => said[key]).find((v) => v !== undefined && v !== null);
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new JoulewiseError(
      'checkpoint.format',
      `The checkpoint's quantization has no whole number ${quote(keys[0] as string)}.`,
    );
  return value;
};

/** Keys that say how a checkpoint was made, and how others compute with it. */
const MADE = `quant_method provider autoround_version data_type damp_percent damp_auto_increment enable_quanted_input
  true_sequential static_groups desc_act sym lm_head model_name_or_path model_file_base_name model_seqlen dataset
  tokenizer batch_size block_name_to_quantize module_name_preceding_first_block pad_token_id use_cuda_fp16 use_exllama
  exllama_config max_input_length cache_block_outputs modules_in_block_to_quantize backend meta quantizer uri
  disable_exllama act_group_aware mse scale_dtype iters nsamples seqlen lr minmax_lr enable_minmax_tuning to_quant_block_names
  low_gpu_mem_usage gradient_accumulate_steps amp enable_norm_bias_tuning enable_alg_ext modules_to_not_convert
  fuse_max_seq_len do_fuse modules_to_fuse version quantization_status global_compression_ratio`.split(/\s+/);

const FORMATS: Readonly<Record<string, Format>> = {
  gptq: {
    title: 'GPTQ',
    bits: [2, 4, 8],
    mark: 'qweight',
    module: gptq,
    scheme: (said) => ({ bits: numberIn(said, 'bits'), groupSize: numberIn(said, 'group_size'), said }),
    keys: ['bits', 'group_size', 'checkpoint_format', ...MADE],
    neutral: {
      checkpoint_format: ['gptq', 'gptq_v2'],
      is_marlin_format: [false],
      dynamic: [{}],
      extra_config: [{}],
      pack_dtype: ['int32'],
      adapter: [{}],
    },
  },
  awq: {
    title: 'AWQ',
    bits: [4],
    mark: 'qweight',
    module: awq,
    scheme: (said) => ({
      bits: numberIn(said, 'bits', 'w_bit'),
      groupSize: numberIn(said, 'group_size', 'q_group_size'),
      said,
    }),
    keys: ['bits', 'w_bit', 'group_size', 'q_group_size', ...MADE],
    neutral: { version: ['gemm', 'GEMM'], zero_point: [true], dynamic: [{}], extra_config: [{}] },
  },
  'compressed-tensors': {
    title: 'compressed-tensors',
    bits: [4, 8],
    mark: 'weight_packed',
    module: packQuantized,
    scheme: compressedScheme,
    keys: [
      'config_groups',
      'ignore',
      'format',
      'version',
      'quant_method',
      'quantization_status',
      'global_compression_ratio',
    ],
    neutral: { format: ['pack-quantized'], sparsity_config: [{}], transform_config: [{}] },
  },
  mlx: {
    title: 'MLX',
    bits: [2, 3, 4, 5, 6, 8],
    mark: 'scales',
    module: mlx,
    scheme(said, module) {
      const own = said[module];
      if (own === false) return null;
      const all = isObject(own) ? { ...said, ...own } : said;
      const mode = all['mode'] ?? 'affine';
      if (mode !== 'affine')
        throw unsupported(`This checkpoint is quantized by MLX as ${shown(mode)}, which is not read here. ${INSTEAD}`);
      return { bits: numberIn(all, 'bits'), groupSize: numberIn(all, 'group_size'), said: all };
    },
    keys: ['bits', 'group_size', 'mode', 'linear_class', 'quantize_input'],
    neutral: { quantize_input: [false] },
  },
};

/** The one group of weights that compressed-tensors names, where inputs and outputs are left whole. */
function compressedScheme(said: Said): Scheme {
  const groups = isObject(said['config_groups']) ? Object.values(said['config_groups']) : [];
  const [group] = groups;
  const weights = isObject(group) ? group['weights'] : null;
  if (groups.length !== 1 || !isObject(group) || !isObject(weights))
    throw unsupported(
      `This checkpoint's compressed-tensors has ${groups.length} groups of layers; one is read here. ${INSTEAD}`,
    );
  for (const [key, neutral] of Object.entries({
    input_activations: [null],
    output_activations: [null],
    targets: [['Linear']],
    format: [null, 'pack-quantized'],
  }))
    if (
      !neutral.some((n) => JSON.stringify(n) === JSON.stringify(group[key] ?? null)) &&
      !(key === 'targets' && group[key] === undefined)
    )
      throw unsupported(
        `This checkpoint's compressed-tensors says ${quote(key)}: ${shown(group[key])}, which is not read here. ${INSTEAD}`,
      );
  const known: Readonly<Record<string, readonly unknown[]>> = {
    type: ['int'],
    strategy: ['group', 'channel'],
    dynamic: [false],
    block_structure: [null],
    actorder: [null, 'weight', 'static', 'group', 'dynamic'],
    symmetric: [true, false],
  };
  for (const [key, value] of Object.entries(weights))
    if (
      key in known
        ? !known[key]?.includes(value)
        : value !== null &&
          !['num_bits', 'group_size', 'observer', 'observer_kwargs', 'scale_dtype', 'zp_dtype'].includes(key)
    )
      throw unsupported(
        `This checkpoint's compressed-tensors says ${quote(key)}: ${shown(value)}, which is not read here. ${INSTEAD}`,
      );
  return { bits: numberIn(weights, 'num_bits'), groupSize: -1, said: weights };
}

/** What other methods are called, for their refusal. */
const REFUSED: Readonly<Record<string, string>> = {
  bitsandbytes: 'bitsandbytes (NF4, FP4 or int8)',
  fp8: 'FP8',
  fbgemm_fp8: 'FP8 (FBGEMM)',
  mxfp4: 'MXFP4',
};

/** How a checkpoint is quantized, from its config.json; null where it is not. */
export interface Quantization {
  /** Method and bits, in words. */
  title: string;
  /** Tensors with those of quantized modules put together; raw ones that belong to none stay as they are. */
  tensors(raw: readonly RawTensor[]): TensorEntry[];
}

/** Throws `checkpoint.unsupported` for a method, bits or a key that is not read, by its name. */
export function quantizationOf(json: Readonly<Record<string, unknown>>): Quantization | null {
  const said = json['quantization_config'] ?? json['quantization'] ?? null;
  if (said === null) return null;
  if (!isObject(said)) throw new JoulewiseError('checkpoint.format', "config.json's quantization_config is no object.");
  const method =
    said['quant_method'] ??
    ('bits' in said && 'group_size' in said && ('quantization' in json || 'mode' in said) ? 'mlx' : 'unknown');
  const format = typeof method === 'string' && Object.hasOwn(FORMATS, method) ? FORMATS[method] : undefined;
  if (!format || typeof method !== 'string')
    throw unsupported(
      `This checkpoint is already quantized, by ${(typeof method === 'string' && Object.hasOwn(REFUSED, method) && REFUSED[method]) || shown(method)}, which is not read here. ${INSTEAD}`,
    );
  for (const [key, value] of Object.entries(said)) {
    if (value === null) continue;
    const neutral = format.neutral?.[key];
    const known = neutral
      ? neutral.some((n) => JSON.stringify(n) === JSON.stringify(value))
      : format.keys.includes(key);
    // MLX says of single modules how they differ, by their name.
    if (
      known ||
      (method === 'mlx' && /^(?:model|lm_head)(?:\.|$)/.test(key) && (isObject(value) || typeof value === 'boolean'))
    )
      continue;
    if (method === 'compressed-tensors' && key === 'kv_cache_scheme' && value === null) continue;
    throw unsupported(
      `This checkpoint's ${format.title} says ${quote(key)}: ${shown(value)}, which is not read here. ${INSTEAD}`,
    );
  }
  const whole = format.scheme(said, '');
  const bits = whole?.bits ?? 0;
  const check = (scheme: Scheme) => {
    if (!format.bits.includes(scheme.bits))
      throw unsupported(
        `This checkpoint is quantized by ${format.title} in ${scheme.bits} bits; ${format.bits.join(', ')} are read here. ${INSTEAD}`,
      );
    return scheme;
  };
  if (whole) check(whole);
  return {
    title: `${format.title}, ${bits} bits`,
    tensors(raw) {
      const modules = new Map<string, Map<string, RawTensor>>();
      for (const t of raw) {
        const dot = t.name.lastIndexOf('.');
        const [module, last] = [t.name.slice(0, dot), t.name.slice(dot + 1)];
        modules.set(module, (modules.get(module) ?? new Map<string, RawTensor>()).set(last, t));
      }
      const out: TensorEntry[] = [];
      for (const [name, parts] of modules) {
        const marked = parts.get(format.mark);
        const scheme = marked ? format.scheme(said, name) : null;
        if (!marked || !scheme) {
          out.push(...[...parts.values()].map(placeTensor));
          continue;
        }
        const module = format.module(parts, check(scheme));
        if (!module.shape.every((d) => Number.isInteger(d) && d > 0) || !Number.isSafeInteger(elementsOf(module.shape)))
          throw new JoulewiseError('checkpoint.format', `${quote(nameOf(parts))} has an impossible shape.`);
        for (const [last, t] of parts) if (!module.uses.includes(last)) out.push(placeTensor(t));
        out.push({
          name: `${name}.weight`,
          shape: module.shape,
          storage: 'F32',
          source: marked.source,
          offset: marked.offset,
          byteLength: marked.byteLength,
          interleavedHeads: null,
          unpack: () => module.read(),
        });
      }
      return out;
    },
  };
}
